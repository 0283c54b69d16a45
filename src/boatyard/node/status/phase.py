"""A pod's phase from the statuses of its containers, by kubelet's rules (``getPhase`` in ``kubelet_pods.go``)."""

from __future__ import annotations

from collections.abc import Iterable

from boatyard.machinery.meta.objects import Object
from boatyard.node.lifecycle.decision import is_sidecar


def phase(pod: Object, statuses: dict[str, Object], *, over: bool) -> str:
    """Pending, Running, Succeeded or Failed. ``statuses`` are container statuses by name; ``over`` says that nothing will be
    started any more."""
    spec = pod["spec"]
    policy = spec.get("restartPolicy") or "Always"
    pending, failed = _initialization(spec.get("initContainers") or (), statuses)
    running = waiting = stopped = succeeded = 0
    mains_ran = False
    for container in spec.get("initContainers") or ():
        if is_sidecar(container):
            state = statuses[container["name"]]
            running += "running" in state["state"]
            if _waits_for_first(state):
                waiting += 1
    for container in spec.get("containers") or ():
        status = statuses[container["name"]]
        state = status["state"]
        mains_ran = mains_ran or "waiting" not in state or bool(status.get("lastState"))
        if "running" in state:
            running += 1
        elif "terminated" in state or status.get("lastState"):
            stopped += 1
            succeeded += state.get("terminated", {}).get("exitCode") == 0
        else:
            waiting += 1
    if over:
        return "Succeeded" if stopped and stopped == succeeded and not waiting and not running else "Failed"
    if failed and policy == "Never":
        return "Failed"
    if (pending and not mains_ran) or waiting:
        return "Pending"
    if running or not stopped:
        return "Running" if running else "Pending"
    if policy == "Always" or (policy == "OnFailure" and stopped != succeeded):
        return "Running"
    return "Succeeded" if stopped == succeeded else "Failed"


def _initialization(containers: Iterable[Object], statuses: dict[str, Object]) -> tuple[bool, bool]:
    """(whether initialization has still to go on, whether a plain init container failed)."""
    pending = failed = False
    for container in containers:
        status = statuses[container["name"]]
        state = status["state"]
        if is_sidecar(container):
            pending = pending or _waits_for_first(status) or ("running" in state and not status.get("started"))
        elif "terminated" in state:
            failed = failed or state["terminated"]["exitCode"] != 0
        elif "running" in state or not status.get("lastState"):
            pending = True
        else:
            failed = failed or status["lastState"]["terminated"]["exitCode"] != 0
    return pending, failed


def _waits_for_first(status: Object) -> bool:
    return "waiting" in status["state"] and not status.get("lastState")
