"""The status of one container, as kubelet tells it."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import NamedTuple

from boatyard.machinery.meta.objects import Object, name, namespace, uid
from boatyard.machinery.meta.timestamps import format_duration, rfc3339
from boatyard.node.lifecycle.decision import Start, is_sidecar
from boatyard.node.lifecycle.history import History
from boatyard.node.runtime import ContainerState


class Waiting(NamedTuple):
    """Why a container isn't started yet."""

    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Observations:
    """What the agent has seen of the containers, beside what the machine knows."""

    now: float
    started: AbstractSet[Start] = frozenset()
    ready: AbstractSet[Start] = frozenset()
    waiting: Mapping[str, Waiting] = field(default_factory=dict)
    """Containers that could not be started, by name."""
    messages: Mapping[Start, str] = field(default_factory=dict)
    """Ends of logs that stand in for termination messages (``terminationMessagePolicy: FallbackToLogsOnError``)."""
    over: bool = False
    """Nothing will be started any more."""


def container_status(
    pod: Object, container: Object, history: History, seen: Observations, *, init: bool, initialized: bool
) -> Object:
    """One entry of ``containerStatuses`` or ``initContainerStatuses``. ``initialized``: all init containers are done."""
    plain_init = init and not is_sidecar(container)
    last = history.last
    current: ContainerState | None = last if last is not None and last.state != "starting" else None
    shown_last: ContainerState | None = None
    if current is None:
        state = {"waiting": _first_wait(pod, container, seen, init=init, initialized=initialized)}
        shown_last = history.attempts[-2] if last is not None and len(history.attempts) > 1 else None
    elif current.state == "running":
        state = {"running": {"startedAt": rfc3339(current.started)}}
        shown_last = history.attempts[-2] if len(history.attempts) > 1 else None
    elif waits := _restart_wait(pod, container, history, seen, plain_init=plain_init):
        state, shown_last = {"waiting": waits}, current
    else:
        state = {"terminated": _terminated(pod, current, seen)}
        shown_last = history.attempts[-2] if len(history.attempts) > 1 else None
    key = (container["name"], last.attempt) if last is not None else ("", 0)
    running = "running" in state
    status: Object = {
        "name": container["name"],
        "image": container.get("image", ""),
        "imageID": container.get("image", "") if last is not None else "",
        "ready": state.get("terminated", {}).get("exitCode") == 0 if plain_init else running and key in seen.ready,
        "started": running and (plain_init or key in seen.started),
        "restartCount": last.attempt if last is not None else max(history.earlier - 1, 0),
        "state": state,
        "lastState": {"terminated": _terminated(pod, shown_last, seen)} if shown_last is not None else {},
    }
    if last is not None:
        status["containerID"] = container_id(pod, last)
    return status


def container_id(pod: Object, state: ContainerState) -> str:
    """What identifies one start of a container."""
    return f"boatyard://{uid(pod)}/{state.name}/{state.attempt}"


def never_started(status: Object) -> Object:
    """The status of a container that was to run but of which no trace is left when the pod ends."""
    unknown = {
        "exitCode": 137, "reason": "ContainerStatusUnknown",
        "message": "The container could not be located when the pod was terminated",
    }  # fmt: skip
    return {**status, "state": {"terminated": unknown}, "ready": False, "started": False}


def _terminated(pod: Object, state: ContainerState, seen: Observations) -> Object:
    told: Object = {
        "exitCode": state.exit_code,
        "reason": state.reason or ("Completed" if state.exit_code == 0 else "Error"),
        "finishedAt": rfc3339(state.finished),
        "containerID": container_id(pod, state),
    }
    if state.started:
        told["startedAt"] = rfc3339(state.started)
    message = state.message or seen.messages.get((state.name, state.attempt), "")
    if message:
        told["message"] = message
    return told


def _first_wait(pod: Object, container: Object, seen: Observations, *, init: bool, initialized: bool) -> Object:
    held = seen.waiting.get(container["name"])
    if held is not None:
        return _waiting(held)
    has_inits = bool(pod["spec"].get("initContainers"))
    return {"reason": "PodInitializing" if has_inits and (init or not initialized) else "ContainerCreating"}


def _restart_wait(pod: Object, container: Object, history: History, seen: Observations, *, plain_init: bool) -> Object | None:
    """Why an exited container that is to be restarted doesn't run yet; None when it isn't to be restarted, or at once."""
    exited = history.exited
    policy = pod["spec"].get("restartPolicy") or "Always"
    if exited is None or seen.over:
        return None
    by_policy = (policy == "Always" and not plain_init) or (policy != "Never" and exited.exit_code != 0)
    if not by_policy and not is_sidecar(container):
        return None
    held = seen.waiting.get(container["name"])
    if held is not None:
        return _waiting(held)
    earliest, wait = history.back_off()
    if earliest <= seen.now:
        return None
    which = f"{name(pod)}_{namespace(pod)}({uid(pod)})"
    message = f"back-off {_go(wait)} restarting failed container={container['name']} pod={which}"
    return {"reason": "CrashLoopBackOff", "message": message}


def _waiting(held: Waiting) -> Object:
    return {"reason": held.reason, "message": held.message} if held.message else {"reason": held.reason}


def _go(seconds: float) -> str:
    """As Go prints it: ``10s``, ``1m20s``, ``5m0s``."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else format_duration(seconds)
