"""A pod's whole status, computed from its declaration, the machine's state and what was observed. Pure."""

from __future__ import annotations

from boatyard.machinery.meta.objects import Object, deleting
from boatyard.machinery.meta.timestamps import rfc3339
from boatyard.node.containers.limits import qos_class
from boatyard.node.lifecycle.decision import is_sidecar
from boatyard.node.lifecycle.history import Histories
from boatyard.node.lifecycle.verdict import Verdict
from boatyard.node.runtime import PodState
from boatyard.node.status.conditions import conditions
from boatyard.node.status.container_status import Observations, container_status, never_started
from boatyard.node.status.phase import phase

FINAL = ("Succeeded", "Failed")


def is_final(pod: Object) -> bool:
    """Whether the API server knows the pod to be over: it is never started again."""
    return (pod.get("status") or {}).get("phase") in FINAL


def pod_status(
    pod: Object, state: PodState | None, past: Histories, seen: Observations, verdict: Verdict | None, *, host_ip: str
) -> Object:
    """The ``status`` to tell the API server. Every time in it is one that the machine recorded or that the old status holds, so
    that an unchanged pod yields an equal status."""
    spec, old = pod["spec"], pod.get("status") or {}
    inits, mains = _container_statuses(pod, past, seen)
    statuses = {one["name"]: one for one in (*inits, *mains)}
    told = phase(pod, statuses, over=seen.over)
    if seen.over and (verdict is not None or (told == "Failed" and deleting(pod))):
        told = "Failed"
        inits, mains = _explained(pod, inits, mains)
        statuses = {one["name"]: one for one in (*inits, *mains)}
    alive = state is not None and state.alive
    status: Object = {
        "phase": told,
        "conditions": conditions(pod, statuses, told, machine_ready=alive and not seen.over, now=seen.now),
        "hostIP": host_ip,
        "hostIPs": [{"ip": host_ip}],
        "startTime": old.get("startTime") or rfc3339(seen.now),
        "qosClass": old.get("qosClass") or qos_class(pod),
        "containerStatuses": mains,
    }
    if spec.get("initContainers"):
        status["initContainerStatuses"] = inits
    ip = state.ip if state is not None and state.ip else old.get("podIP")
    if ip:
        status |= {"podIP": ip, "podIPs": [{"ip": ip}]}
    if verdict is not None:
        status |= {"reason": verdict.reason, "message": verdict.message}
    return status


def refused_status(pod: Object, verdict: Verdict, *, host_ip: str, now: float) -> Object:
    """The status of a pod that is turned away before anything of it is started."""
    old = pod.get("status") or {}
    return {
        "phase": "Failed", "reason": verdict.reason, "message": verdict.message, "hostIP": host_ip,
        "startTime": old.get("startTime") or rfc3339(now), "qosClass": old.get("qosClass") or qos_class(pod),
    }  # fmt: skip


def _container_statuses(pod: Object, past: Histories, seen: Observations) -> tuple[list[Object], list[Object]]:
    spec = pod["spec"]
    inits = [
        container_status(pod, c, past.of(c["name"]), seen, init=True, initialized=False) for c in spec.get("initContainers") or ()
    ]
    by_name = {one["name"]: one for one in inits}
    initialized = all(
        by_name[c["name"]]["started"] if is_sidecar(c) else by_name[c["name"]]["ready"] for c in spec.get("initContainers") or ()
    )
    mains = [
        container_status(pod, c, past.of(c["name"]), seen, init=False, initialized=initialized)
        for c in spec.get("containers") or ()
    ]
    return inits, mains


def _explained(pod: Object, inits: list[Object], mains: list[Object]) -> tuple[list[Object], list[Object]]:
    """Containers of an initialized pod that left no trace are told as lost, not as waiting; kubelet does the same."""
    initialized = any("waiting" not in one["state"] or one["lastState"] for one in mains)
    if not initialized:
        return inits, mains
    return inits, [never_started(one) if "waiting" in one["state"] else one for one in mains]
