"""Pods: mostly immutable, and ended with grace by the node they run on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry.core.pod_defaults import qos_class
from boatyard.machinery.registry.strategy import Strategy

if TYPE_CHECKING:
    from boatyard.machinery.registry.caller import Caller
    from boatyard.machinery.registry.ledger import Ledger

DEFAULT_GRACE_SECONDS = 30
_UPDATABLE = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


class Pods(Strategy):
    """Kubernetes' rules of ``pkg/registry/core/pod/strategy.go`` and ``pkg/apis/core/validation`` (ValidatePodUpdate)."""

    def prepare_create(self, ledger: Ledger, caller: Caller, obj: Object) -> None:
        obj["status"] = {"phase": "Pending", "qosClass": qos_class(obj.get("spec") or {})}

    def prepare_update(self, ledger: Ledger, caller: Caller, obj: Object, old: Object, subresource: str) -> None:
        if subresource == "status" and "qosClass" in (old.get("status") or {}):
            obj.setdefault("status", {})["qosClass"] = old["status"]["qosClass"]

    def validate_update(self, obj: Object, old: Object, subresource: str) -> list[FieldError]:
        if subresource or obj.get("spec") == old.get("spec"):
            return []
        new, before = obj.get("spec") or {}, old["spec"]
        if _fixed(new) != _fixed(before):
            return [FieldError("spec", "FieldValueForbidden", f"Forbidden: {_UPDATABLE}")]
        kept = new.get("tolerations") or []
        if any(toleration not in kept for toleration in before.get("tolerations") or ()):
            told = "Forbidden: existing toleration can not be modified except its tolerationSeconds"
            return [FieldError("spec.tolerations", "FieldValueForbidden", told)]
        return []

    def delete_grace_seconds(self, obj: Object, asked: int | None) -> int:
        """What was asked for, else the pod's own; 0 when no node would have to end anything."""
        spec = obj.get("spec") or {}
        if not spec.get("nodeName") or (obj.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            return 0
        own = spec.get("terminationGracePeriodSeconds")
        grace = asked if asked is not None else own if own is not None else DEFAULT_GRACE_SECONDS
        return max(grace, 1 if grace < 0 else 0)


def _fixed(spec: Object) -> Object:
    """The part of a pod's spec that never changes."""
    kept: dict[str, Any] = {
        field: value for field, value in spec.items() if field not in ("activeDeadlineSeconds", "tolerations", "schedulingGates")
    }
    for field in ("containers", "initContainers"):
        if field in kept:
            kept[field] = [{key: value for key, value in each.items() if key != "image"} for each in kept[field]]
    if kept.get("terminationGracePeriodSeconds") == 1:
        del kept["terminationGracePeriodSeconds"]
    return kept
