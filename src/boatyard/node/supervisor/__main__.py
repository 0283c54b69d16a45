"""Entry of a pod's supervisor: ``python -I -S __main__.py MACHINE_DIRECTORY``. Kept tiny: it is compiled at every start."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))))

from boatyard.node.supervisor.start import main

main(sys.argv[1])
