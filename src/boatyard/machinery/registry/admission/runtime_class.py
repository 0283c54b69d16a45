"""Pods that want another runtime (admission plugin RuntimeClass). There are no runtime classes here."""

from __future__ import annotations

from boatyard.machinery.meta.errors import Forbidden
from boatyard.machinery.meta.objects import Object


def refuse_runtime_class(name: str, spec: Object) -> None:
    """Raises Forbidden for a class, as none is there, and for what only a class may say that it costs."""
    details = {"name": name, "kind": "pods"}
    if wanted := spec.get("runtimeClassName"):
        raise Forbidden(f'pods "{name}" is forbidden: pod rejected: RuntimeClass "{wanted}" not found', details)
    if spec.get("overhead"):
        told = "Pod Overhead set without corresponding RuntimeClass defined Overhead"
        raise Forbidden(f'pods "{name}" is forbidden: pod rejected: {told}', details)
