"""ServiceAccount."""

from __future__ import annotations

from typing import Any

from boatyard.machinery.meta.core import SERVICE_ACCOUNTS as RESOURCE
from boatyard.machinery.meta.objects import Object
from boatyard.server.columns import definitions
from boatyard.server.durations import age

__all__ = ["COLUMNS", "RESOURCE", "cells"]

COLUMNS = definitions("Name", "Secrets", "Age")


def cells(obj: Object, now: float) -> list[Any]:
    return [obj["metadata"]["name"], len(obj.get("secrets") or ()), age(obj, now)]
