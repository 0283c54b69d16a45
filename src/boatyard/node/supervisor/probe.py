"""Tries every sandbox on this machine and prints what works, as JSON: ``python -I -S probe.py``.

A program of its own because trying means forking and changing namespaces, which an agent with an event loop should not.
"""

import json
import os
import sys

if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))))

from boatyard.node.sandboxes import process, sandbox
from boatyard.node.supervisor import linux


def survey() -> dict[str, object]:
    """``sandboxes`` that work, ``isolation`` of the process sandbox, ``advice``: why the others don't."""
    root = os.getuid() == 0
    linux.adopt_orphans()
    reasons = {name: sandbox.find(name).unavailable(root) for name in sandbox.names()}
    isolation, why = process.isolation(root)
    return {
        "sandboxes": [name for name in reasons if not reasons[name]],
        "isolation": isolation,
        "advice": [reason for reason in (*reasons.values(), why) if reason],
    }


if __name__ == "__main__":
    print(json.dumps(survey()))
