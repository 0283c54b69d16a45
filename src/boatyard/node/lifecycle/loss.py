"""Telling an infrastructure loss from an ordinary end: the supervisor died, or everything of the pod vanished from the machine."""

from __future__ import annotations

import msgspec

from boatyard.machinery.meta.objects import Object
from boatyard.node.lifecycle.decision import Facts, decide
from boatyard.node.lifecycle.history import histories
from boatyard.node.runtime import ContainerState, PodState

SUPERVISOR_LOST = "SupervisorLost"


def settled(state: PodState, at: float) -> PodState:
    """The state with every container ended: those that a dead supervisor left unfinished count as killed, ``at`` being when that
    was noticed."""
    if state.alive:
        return state
    return msgspec.structs.replace(state, containers=tuple(
        msgspec.structs.replace(
            container, state="exited", exit_code=137, reason=SUPERVISOR_LOST, started=container.started or at,
            finished=container.finished or at,
            message="the pod's supervisor ended (killed, or the machine restarted); what ran in the container is gone",
        ) if _cut_off(container) else container
        for container in state.containers
    ))  # fmt: skip


def _cut_off(container: ContainerState) -> bool:
    """Whether it didn't end by itself; a machine may already count it as exited."""
    return container.state != "exited" or container.reason == SUPERVISOR_LOST


def loss(pod: Object, state: PodState | None, now: float) -> str | None:
    """Why the pod, as it stands on the machine, can't go on; None when it can, or needs not, or hasn't begun."""
    if state is not None and state.alive:
        return None
    if state is None and not _began(pod):
        return None
    if state is not None and not any(_cut_off(container) for container in state.containers):
        past = histories(pod, state)
        if decide(pod, past, Facts(now)).over:
            return None  # the supervisor was not needed any more: the results stand
    if state is None:
        return "the node has lost the pod: nothing of it is left on the machine"
    return "the pod's supervisor ended while the pod was running: it was killed, or the machine restarted"


def _began(pod: Object) -> bool:
    status = pod.get("status") or {}
    statuses = (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ()))
    return any(one.get("containerID") for one in statuses)
