"""The class of a claim or a volume."""

from __future__ import annotations

from boatyard.machinery.meta.objects import Object, annotations

_ONCE = "volume.beta.kubernetes.io/storage-class"
"""Where it was said before there was a field; it still comes first."""


def storage_class(obj: Object) -> str:
    """Its name; empty where nobody says one."""
    told = annotations(obj)
    return told[_ONCE] if _ONCE in told else (obj.get("spec") or {}).get("storageClassName") or ""
