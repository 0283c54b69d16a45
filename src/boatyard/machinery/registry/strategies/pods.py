"""Pods: ended with grace by the node they run on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.timestamps import rfc3339
from boatyard.machinery.registry.admission.priority import prioritize
from boatyard.machinery.registry.admission.runtime_class import refuse_runtime_class
from boatyard.machinery.registry.admission.service_account import give_account
from boatyard.machinery.registry.admission.tolerations import tolerate_absence
from boatyard.machinery.registry.core.closed_fields import drop_closed
from boatyard.machinery.registry.core.pod_defaults import qos_class
from boatyard.machinery.registry.core.twins import keep_in_step
from boatyard.machinery.registry.strategy import Strategy

if TYPE_CHECKING:
    from boatyard.machinery.registry.caller import Caller
    from boatyard.machinery.registry.ledger import Ledger

DEFAULT_GRACE_SECONDS = 30
_GATED = "Scheduling is blocked due to non-empty scheduling gates"


class Pods(Strategy):
    """Kubernetes' rules of ``pkg/registry/core/pod/strategy.go``."""

    tells_deletion = True

    def read(self, obj: Object) -> None:
        keep_in_step(obj.get("status") or {}, "podIP", "podIPs", "ip")

    def prepare_create(self, ledger: Ledger, caller: Caller, obj: Object) -> None:
        spec = obj["spec"]
        drop_closed(spec)
        if spec["terminationGracePeriodSeconds"] < 0:
            spec["terminationGracePeriodSeconds"] = 1
        said = (obj.get("status") or {}).get("qosClass")  # of all that it said of its state the only thing that is believed
        status: dict[str, Any] = {"phase": "Pending", "qosClass": said or qos_class(spec)}
        obj["status"] = status
        if spec.get("schedulingGates"):
            status["conditions"] = [
                {
                    "type": "PodScheduled", "status": "False", "reason": "SchedulingGated", "message": _GATED,
                    "lastTransitionTime": rfc3339(ledger.world.now()),
                }
            ]  # fmt: skip
        prioritize(obj["metadata"].get("name", ""), spec)
        refuse_runtime_class(obj["metadata"].get("name", ""), spec)
        tolerate_absence(spec)
        give_account(ledger, obj)

    def prepare_update(self, ledger: Ledger, caller: Caller, obj: Object, old: Object, subresource: str) -> None:
        if subresource != "status":
            if not subresource:
                drop_closed(obj["spec"])
                tolerate_absence(obj["spec"])
            return
        status = obj.setdefault("status", {})
        if "qosClass" in (old.get("status") or {}):
            status["qosClass"] = old["status"]["qosClass"]

    def delete_grace_seconds(self, obj: Object, asked: int | None) -> int:
        """What was asked for, else the pod's own; 0 when no node would have to end anything."""
        spec = obj.get("spec") or {}
        if not spec.get("nodeName") or (obj.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            return 0
        own = spec.get("terminationGracePeriodSeconds")
        grace = asked if asked is not None else own if own is not None else DEFAULT_GRACE_SECONDS
        return 1 if grace < 0 else grace
