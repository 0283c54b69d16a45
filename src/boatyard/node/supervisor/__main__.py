"""Forks supervisors: ``python -I -S __main__.py ROOM``; their machine directories come as packets on stdin.

Kept tiny: this file is compiled at every start.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))))

from boatyard.node.supervisor.start import main

main()
