"""Secret."""

from __future__ import annotations

from typing import Any

from boatyard.machinery.meta.core import SECRETS as RESOURCE
from boatyard.machinery.meta.objects import Object
from boatyard.server.columns import definitions
from boatyard.server.durations import age

__all__ = ["COLUMNS", "RESOURCE", "cells"]

COLUMNS = definitions("Name", "Type", "Data", "Age")


def cells(obj: Object, now: float) -> list[Any]:
    """How many keys it has, never their values."""
    return [obj["metadata"]["name"], obj.get("type", ""), len(obj.get("data") or {}), age(obj, now)]
