"""A pod's conditions, with kubelet's reasons and wording."""

from __future__ import annotations

from collections.abc import Sequence

from boatyard.machinery.meta.conditions import condition
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.timestamps import rfc3339
from boatyard.node.lifecycle.decision import is_sidecar

OWN = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")


def conditions(pod: Object, statuses: dict[str, Object], phase: str, *, machine_ready: bool, now: float) -> list[Object]:
    """The pod's conditions: kubelet's own, computed, then whatever others have set. Times move only when a status flips."""
    spec = pod["spec"]
    mains = spec.get("containers") or []
    sidecars = [c for c in spec.get("initContainers") or () if is_sidecar(c)]
    plain = [c for c in spec.get("initContainers") or () if not is_sidecar(c)]
    contained = _containers_ready([*sidecars, *mains], statuses, phase)
    wanted = {
        "PodReadyToStartContainers": (machine_ready, "", ""),
        "Initialized": _initialized(plain, sidecars, mains, statuses, phase),
        "Ready": _ready(pod, contained),
        "ContainersReady": contained,
        "PodScheduled": (True, "", ""),
    }
    old = (pod.get("status") or {}).get("conditions") or []
    before = {one.get("type"): one for one in old}
    made = [_condition(type, *wanted[type], before.get(type), now) for type in OWN]
    return [*made, *(one for one in old if one.get("type") not in OWN)]


def _condition(type: str, true: bool, reason: str, message: str, before: Object | None, now: float) -> Object:
    status = "True" if true else "False"
    moved = before is None or before.get("status") != status or not before.get("lastTransitionTime")
    made: Object = {
        "type": type, "status": status,
        "lastTransitionTime": rfc3339(now) if moved else (before or {})["lastTransitionTime"],
    }  # fmt: skip
    if reason:
        made["reason"] = reason
    if message:
        made["message"] = message
    return made


def _initialized(
    plain: Sequence[Object], sidecars: Sequence[Object], mains: Sequence[Object], statuses: dict[str, Object], phase: str
) -> tuple[bool, str, str]:
    if phase == "Succeeded":
        return True, "PodCompleted", ""
    if any(_ran(statuses[c["name"]]) for c in mains):
        return True, "", ""
    incomplete = [c["name"] for c in plain if not statuses[c["name"]]["ready"]]
    incomplete += [c["name"] for c in sidecars if not statuses[c["name"]]["started"]]
    if incomplete:
        return False, "ContainersNotInitialized", f"containers with incomplete status: [{' '.join(incomplete)}]"
    return True, "", ""


def _containers_ready(containers: Sequence[Object], statuses: dict[str, Object], phase: str) -> tuple[bool, str, str]:
    if phase == "Succeeded":
        return False, "PodCompleted", ""
    if phase == "Failed":
        return False, "PodFailed", ""
    unready = [c["name"] for c in containers if not statuses[c["name"]]["ready"]]
    if unready:
        return False, "ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]"
    return True, "", ""


def _ready(pod: Object, contained: tuple[bool, str, str]) -> tuple[bool, str, str]:
    if not contained[0]:
        return contained
    messages = []
    for gate in pod["spec"].get("readinessGates") or ():
        found = condition(pod, gate["conditionType"])
        if found is None:
            messages.append(f'corresponding condition of pod readiness gate "{gate["conditionType"]}" does not exist.')
        elif found.get("status") != "True":
            told = f'the status of pod readiness gate "{gate["conditionType"]}" is not "True", but {found.get("status")}'
            messages.append(told)
    return (False, "ReadinessGatesNotReady", ", ".join(messages)) if messages else (True, "", "")


def _ran(status: Object) -> bool:
    return "waiting" not in status["state"] or bool(status["lastState"])
