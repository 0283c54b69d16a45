"""Scale, which is asked for as a subresource and belongs to no kind's own columns."""

from __future__ import annotations

from typing import Any

from boatyard.machinery.meta.objects import Object
from boatyard.server.columns import definitions
from boatyard.server.durations import age

COLUMNS = definitions("Name", "Desired", "Available", "Age")


def cells(obj: Object, now: float) -> list[Any]:
    """How many are wanted and how many there are."""
    desired, available = obj["spec"].get("replicas", 0), obj["status"].get("replicas", 0)
    return [obj["metadata"]["name"], str(desired), str(available), age(obj, now)]
