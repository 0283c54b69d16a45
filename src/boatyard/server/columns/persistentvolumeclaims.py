"""PersistentVolumeClaim."""

from __future__ import annotations

from typing import Any

from boatyard.machinery.meta.core import PERSISTENT_VOLUME_CLAIMS as RESOURCE
from boatyard.machinery.meta.objects import Object
from boatyard.server.columns import UNSET, definitions
from boatyard.server.columns.access_modes import short_modes
from boatyard.server.columns.storage_class import storage_class
from boatyard.server.durations import age

__all__ = ["COLUMNS", "RESOURCE", "cells"]

COLUMNS = definitions(
    "Name", "Status", "Volume", "Capacity", "Access Modes", "StorageClass", "VolumeAttributesClass", "Age", "VolumeMode",
    wide=("VolumeMode",),
)  # fmt: skip


def cells(obj: Object, now: float) -> list[Any]:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    bound = bool(spec.get("volumeName"))
    phase = "Terminating" if obj["metadata"].get("deletionTimestamp") else status.get("phase", "")
    return [
        obj["metadata"]["name"], phase, spec.get("volumeName", ""),
        (status.get("capacity") or {}).get("storage", "0") if bound else "",
        short_modes(status.get("accessModes")) if bound else "", storage_class(obj),
        spec.get("volumeAttributesClassName") or UNSET, age(obj, now), spec.get("volumeMode") or UNSET,
    ]  # fmt: skip
