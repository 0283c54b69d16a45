"""Entry of a pod's supervisor: ``python -I -S __main__.py ROOM``; its machine directory comes as a line of stdin.

Kept tiny: this file is compiled at every start.
"""

import os
import sys

if os.fork():
    os._exit(0)
os.setsid()
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))))

from boatyard.node.supervisor.start import main  # noqa: E402

main()
