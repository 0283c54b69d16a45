"""Pod."""

from __future__ import annotations

from typing import Any

from boatyard.machinery.meta.core import PODS as RESOURCE
from boatyard.machinery.meta.objects import Object
from boatyard.server.columns import NONE, definitions
from boatyard.server.durations import age, since

__all__ = ["COLUMNS", "RESOURCE", "cells"]

_WIDE = ("IP", "Node", "Nominated Node", "Readiness Gates")
COLUMNS = definitions("Name", "Ready", "Status", "Restarts", "Age", *_WIDE, wide=_WIDE)


def cells(obj: Object, now: float) -> list[Any]:
    """How many containers are ready, and in one word how the pod is."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    sidecars = {c["name"] for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"}
    state = _State(obj, sidecars)
    total = len(spec.get("containers") or ()) + len(sidecars)
    restarts = str(state.restarts)
    if state.restarts and state.last_restart:
        restarts += f" ({since(state.last_restart, now)} ago)"
    return [
        obj["metadata"]["name"], f"{state.ready}/{total}", state.word, restarts, age(obj, now), status.get("podIP") or NONE,
        spec.get("nodeName") or NONE, status.get("nominatedNodeName") or NONE, _gates(spec, status),
    ]  # fmt: skip


class _State:
    """``printPod`` of kube-apiserver, rule by rule."""

    def __init__(self, pod: Object, sidecars: set[str]) -> None:
        self._status = pod.get("status") or {}
        self.ready = self.restarts = 0
        self.last_restart = ""
        self.word = self._status.get("reason") or self._status.get("phase", "")
        scheduled = self._condition("PodScheduled")
        if scheduled.get("reason") == "SchedulingGated":
            self.word = "SchedulingGated"
        initializing = self._initial(len((pod.get("spec") or {}).get("initContainers") or ()), sidecars)
        if not initializing or self._condition("Initialized").get("status") == "True":
            self._regular(sidecars)
        if pod["metadata"].get("deletionTimestamp"):
            if self._status.get("reason") == "NodeLost":
                self.word = "Unknown"
            elif self._status.get("phase") not in ("Succeeded", "Failed"):
                self.word = "Terminating"

    def _initial(self, total: int, sidecars: set[str]) -> bool:
        """Whether an init container is still to finish."""
        for index, container in enumerate(self._status.get("initContainerStatuses") or ()):
            self._count(container)
            state = container.get("state") or {}
            terminated, waiting = state.get("terminated"), state.get("waiting") or {}
            if terminated and not terminated.get("exitCode"):
                continue
            if container["name"] in sidecars and container.get("started"):
                self.ready += bool(container.get("ready"))
                continue
            if terminated:
                self.word = "Init:" + _ended(terminated)
            elif waiting.get("reason") and waiting["reason"] != "PodInitializing":
                self.word = "Init:" + waiting["reason"]
            else:
                self.word = f"Init:{index}/{total}"
            return True
        return False

    def _regular(self, sidecars: set[str]) -> None:
        self.restarts, self.last_restart = 0, ""
        for container in self._status.get("initContainerStatuses") or ():
            if container["name"] in sidecars:
                self._count(container)
        running = False
        for container in reversed(self._status.get("containerStatuses") or []):
            self._count(container)
            state = container.get("state") or {}
            terminated, waiting = state.get("terminated"), state.get("waiting") or {}
            if waiting.get("reason"):
                self.word = waiting["reason"]
            elif terminated:
                self.word = _ended(terminated)
            elif container.get("ready") and state.get("running") is not None:
                running = True
                self.ready += 1
        if self.word == "Completed" and running:
            self.word = "Running" if self._condition("Ready").get("status") == "True" else "NotReady"

    def _count(self, container: Object) -> None:
        self.restarts += container.get("restartCount", 0)
        finished = ((container.get("lastState") or {}).get("terminated") or {}).get("finishedAt") or ""
        self.last_restart = max(self.last_restart, finished)

    def _condition(self, type: str) -> Object:
        return next((c for c in self._status.get("conditions") or () if c.get("type") == type), {})


def _ended(terminated: Object) -> str:
    if terminated.get("reason"):
        return terminated["reason"]
    return f"Signal:{terminated['signal']}" if terminated.get("signal") else f"ExitCode:{terminated.get('exitCode', 0)}"


def _gates(spec: Object, status: Object) -> str:
    gates = [gate["conditionType"] for gate in spec.get("readinessGates") or ()]
    true = {c["type"] for c in status.get("conditions") or () if c.get("status") == "True"}
    return f"{sum(gate in true for gate in gates)}/{len(gates)}" if gates else NONE
