"""Whether an object still is what was asked for. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from boatyard.machinery.meta.objects import Object

TEMPLATE_HASH = "boatyard.dev/template-hash"
"""Annotation of a pod: what it was made from. A pod's spec can't be changed, so one that is outdated is made anew."""


def covers(live: Any, wanted: Any) -> bool:
    """Whether ``live`` has everything that ``wanted`` has. What else it has belongs to others.

    Lists must be as long and fit one by one: a rule or a port that somebody added is drift, too.
    """
    if live == wanted:
        return True
    if isinstance(wanted, dict):
        return isinstance(live, dict) and all(key in live and covers(live[key], value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(live, list) and len(live) == len(wanted) and all(covers(a, b) for a, b in zip(live, wanted, strict=True))
    return False


def stamped(pod: Object) -> Object:
    """The pod with the hash of its spec as an annotation."""
    digest = hashlib.sha256(json.dumps(pod["spec"], sort_keys=True).encode()).hexdigest()[:16]
    metadata = pod["metadata"]
    return {**pod, "metadata": {**metadata, "annotations": {**metadata.get("annotations", {}), TEMPLATE_HASH: digest}}}
