"""Node."""

from __future__ import annotations

from typing import Any

from boatyard.machinery.meta.core import NODES as RESOURCE
from boatyard.machinery.meta.objects import Object
from boatyard.server.columns import NONE, UNKNOWN, definitions
from boatyard.server.durations import age

__all__ = ["COLUMNS", "RESOURCE", "cells"]

_WIDE = ("Internal-IP", "External-IP", "OS-Image", "Kernel-Version", "Container-Runtime")
COLUMNS = definitions("Name", "Status", "Roles", "Age", "Version", *_WIDE, wide=_WIDE)

_ROLE = "node-role.kubernetes.io/"


def cells(obj: Object, now: float) -> list[Any]:
    """Ready or not, whether pods are kept away, and what runs there."""
    status = obj.get("status") or {}
    info = status.get("nodeInfo") or {}
    return [
        obj["metadata"]["name"], _state(obj), _roles(obj), age(obj, now), info.get("kubeletVersion", ""),
        _address(status, "InternalIP"), _address(status, "ExternalIP"), info.get("osImage") or UNKNOWN,
        info.get("kernelVersion") or UNKNOWN, info.get("containerRuntimeVersion") or UNKNOWN,
    ]  # fmt: skip


def _state(obj: Object) -> str:
    ready = next((c for c in (obj.get("status") or {}).get("conditions") or () if c.get("type") == "Ready"), None)
    told = "Unknown" if ready is None else "Ready" if ready.get("status") == "True" else "NotReady"
    return f"{told},SchedulingDisabled" if (obj.get("spec") or {}).get("unschedulable") else told


def _roles(obj: Object) -> str:
    roles: set[str] = set()
    for key, value in (obj["metadata"].get("labels") or {}).items():
        if key.startswith(_ROLE) and len(key) > len(_ROLE):
            roles.add(key[len(_ROLE) :])
        elif key == "kubernetes.io/role" and value:
            roles.add(value)
    return ",".join(sorted(roles)) or NONE


def _address(status: Object, type: str) -> str:
    return next((a["address"] for a in status.get("addresses") or () if a.get("type") == type), NONE)
