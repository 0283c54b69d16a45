"""Whether an object still is what was declared. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from boatyard.machinery.meta.objects import Object


def covers(actual: Any, wanted: Any) -> bool:
    """Whether everything in ``wanted`` stands in ``actual``: fields that nobody asked for may be there, but lists have the same
    length and order, for an entry more is a right or a port more."""
    if isinstance(wanted, dict):
        return isinstance(actual, dict) and all(key in actual and covers(actual[key], value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(actual, list) and len(actual) == len(wanted) and all(map(covers, actual, wanted))
    return actual == wanted


def digest(document: Object) -> str:
    """A short hash of a document, the same for equal ones."""
    return hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:16]
