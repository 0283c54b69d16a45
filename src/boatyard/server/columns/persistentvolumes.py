"""PersistentVolume."""

from __future__ import annotations

from typing import Any

from boatyard.machinery.meta.core import PERSISTENT_VOLUMES as RESOURCE
from boatyard.machinery.meta.objects import Object
from boatyard.server.columns import UNSET, definitions
from boatyard.server.columns.access_modes import short_modes
from boatyard.server.columns.storage_class import storage_class
from boatyard.server.durations import age

__all__ = ["COLUMNS", "RESOURCE", "cells"]

COLUMNS = definitions(
    "Name", "Capacity", "Access Modes", "Reclaim Policy", "Status", "Claim", "StorageClass", "VolumeAttributesClass", "Reason",
    "Age", "VolumeMode", wide=("VolumeMode",),
)  # fmt: skip


def cells(obj: Object, now: float) -> list[Any]:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    claim = spec.get("claimRef") or {}
    phase = "Terminating" if obj["metadata"].get("deletionTimestamp") else status.get("phase", "")
    return [
        obj["metadata"]["name"], (spec.get("capacity") or {}).get("storage", ""), short_modes(spec.get("accessModes")),
        spec.get("persistentVolumeReclaimPolicy", ""), phase,
        f"{claim.get('namespace', '')}/{claim['name']}" if claim.get("name") else "",
        storage_class(obj), spec.get("volumeAttributesClassName") or UNSET, status.get("reason", ""), age(obj, now),
        spec.get("volumeMode") or UNSET,
    ]  # fmt: skip
