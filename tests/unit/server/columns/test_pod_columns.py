"""How a pod looks in ``kubectl get``: the rules of kube-apiserver's printer."""

from __future__ import annotations

from typing import Any

import pytest

from boatyard.machinery.meta.timestamps import parse_time
from boatyard.server.columns.pods import cells

NOW = parse_time("2026-01-01T01:00:00Z")
RUNNING = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}


def pod(spec: dict[str, Any] | None = None, /, deleting: bool = False, **status: Any) -> dict[str, Any]:
    metadata = {"name": "p", "creationTimestamp": "2026-01-01T00:00:00Z"}
    if deleting:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return {"metadata": metadata, "spec": {"containers": [{"name": "a"}, {"name": "b"}], **(spec or {})}, "status": status}


def container(name: str, state: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"name": name, "state": state, "ready": False, "restartCount": 0, **rest}


def ended(code: int, reason: str = "", **rest: Any) -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "reason": reason, **rest}}


READY = [{"type": "Ready", "status": "True"}]
INIT = {"initContainers": [{"name": "i"}, {"name": "j"}]}
SIDECAR = {"initContainers": [{"name": "s", "restartPolicy": "Always"}]}


@pytest.mark.parametrize(
    ("obj", "ready", "status", "restarts"),
    [
        (pod(phase="Pending"), "0/2", "Pending", "0"),
        (pod(phase="Pending", conditions=[{"type": "PodScheduled", "reason": "SchedulingGated"}]), "0/2", "SchedulingGated", "0"),
        (
            pod(phase="Running", containerStatuses=[container("a", RUNNING, ready=True), container("b", RUNNING)]),
            "1/2", "Running", "0",
        ),
        (
            pod(phase="Pending", containerStatuses=[container("a", {"waiting": {"reason": "ErrImagePull"}})]),
            "0/2", "ErrImagePull", "0",
        ),
        (
            pod(phase="Running", containerStatuses=[container("a", RUNNING, ready=True, restartCount=3,
                lastState=ended(1, finishedAt="2026-01-01T00:58:00Z"))]),
            "1/2", "Running", "3 (2m ago)",
        ),
        (
            pod(phase="Running", conditions=READY, containerStatuses=[
                container("a", ended(0, "Completed")), container("b", RUNNING, ready=True)]),
            "1/2", "Running", "0",
        ),
        (
            pod(phase="Running", containerStatuses=[container("a", ended(0, "Completed")), container("b", RUNNING, ready=True)]),
            "1/2", "NotReady", "0",
        ),
        (pod(phase="Failed", containerStatuses=[container("a", ended(137, signal=9))]), "0/2", "Signal:9", "0"),
        (pod(phase="Failed", containerStatuses=[container("a", ended(3))]), "0/2", "ExitCode:3", "0"),
        (pod(phase="Failed", reason="Evicted"), "0/2", "Evicted", "0"),
        (
            pod(INIT, phase="Pending", initContainerStatuses=[container("i", ended(0, "Completed")), container("j", RUNNING)]),
            "0/2", "Init:1/2", "0",
        ),
        (pod(INIT, phase="Failed", initContainerStatuses=[container("i", ended(2, "Error"))]), "0/2", "Init:Error", "0"),
        (
            pod(INIT, phase="Pending", initContainerStatuses=[container("i", {"waiting": {"reason": "CrashLoopBackOff"}})]),
            "0/2", "Init:CrashLoopBackOff", "0",
        ),
        (
            pod(SIDECAR, phase="Running", initContainerStatuses=[container("s", RUNNING, ready=True, started=True, restartCount=1)],
                containerStatuses=[container("a", RUNNING, ready=True), container("b", RUNNING, ready=True)]),
            "3/3", "Running", "1",
        ),
        (pod(phase="Running", deleting=True), "0/2", "Terminating", "0"),
        (pod(phase="Succeeded", deleting=True), "0/2", "Succeeded", "0"),
        (pod(phase="Running", reason="NodeLost", deleting=True), "0/2", "Unknown", "0"),
    ],
)  # fmt: skip
def test_the_first_columns(obj: dict[str, Any], ready: str, status: str, restarts: str) -> None:
    assert cells(obj, NOW)[:5] == ["p", ready, status, restarts, "60m"]


def test_the_wide_columns() -> None:
    assert cells(pod(phase="Pending"), NOW)[5:] == ["<none>"] * 4
    gates = {"nodeName": "n", "readinessGates": [{"conditionType": "x"}, {"conditionType": "y"}]}
    obj = pod(gates, phase="Running", podIP="10.0.0.1", conditions=[{"type": "x", "status": "True"}])
    assert cells(obj, NOW)[5:] == ["10.0.0.1", "n", "<none>", "1/2"]
