"""PodTemplate."""

from __future__ import annotations

from typing import Any

from boatyard.machinery.meta.core import POD_TEMPLATES as RESOURCE
from boatyard.machinery.meta.objects import Object
from boatyard.server.columns import definitions, pairs

__all__ = ["COLUMNS", "RESOURCE", "cells"]

COLUMNS = definitions("Name", "Containers", "Images", "Pod Labels")


def cells(obj: Object, now: float) -> list[Any]:
    template = obj.get("template") or {}
    containers = (template.get("spec") or {}).get("containers") or []
    return [
        obj["metadata"]["name"], ",".join(c["name"] for c in containers), ",".join(c.get("image", "") for c in containers),
        pairs((template.get("metadata") or {}).get("labels")),
    ]  # fmt: skip
