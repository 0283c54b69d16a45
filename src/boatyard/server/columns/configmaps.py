"""ConfigMap."""

from __future__ import annotations

from typing import Any

from boatyard.machinery.meta.core import CONFIG_MAPS as RESOURCE
from boatyard.machinery.meta.objects import Object
from boatyard.server.columns import definitions
from boatyard.server.durations import age

__all__ = ["COLUMNS", "RESOURCE", "cells"]

COLUMNS = definitions("Name", "Data", "Age")


def cells(obj: Object, now: float) -> list[Any]:
    """How many keys it has."""
    return [obj["metadata"]["name"], len(obj.get("data") or {}) + len(obj.get("binaryData") or {}), age(obj, now)]
