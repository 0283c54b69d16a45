"""How an instance is doing, as its CiConfig's status tells it. Pure."""

from __future__ import annotations

from typing import NamedTuple

from boatyard.machinery.meta.conditions import is_true
from boatyard.machinery.meta.objects import Object, deleting


class Progress(NamedTuple):
    """One word for machines, one sentence for people."""

    ready: bool
    reason: str
    message: str


def of_pod(pod: Object | None, claim: Object | None) -> Progress:
    """What the CI server's pod says."""
    if pod is None:
        return Progress(False, "PodMissing", "the CI server's pod is about to be made")
    status = pod.get("status") or {}
    if deleting(pod):
        return Progress(False, "PodTerminating", "the CI server's pod is ending; another one follows")
    if is_true(pod, "Ready"):
        return Progress(True, "Ready", "the CI server answers")
    for container in status.get("containerStatuses") or ():
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") not in (None, "ContainerCreating", "PodInitializing"):
            return Progress(False, waiting["reason"], waiting.get("message") or f"the CI server waits: {waiting['reason']}")
        last = (container.get("lastState") or {}).get("terminated") or {}
        if last and "running" not in (container.get("state") or {}):
            told = last.get("message") or f"exit code {last.get('exitCode')}"
            return Progress(False, last.get("reason") or "Error", f"the CI server ended: {told}")
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return Progress(False, condition.get("reason") or "Unschedulable", condition.get("message") or "no node takes it")
    if claim is not None and (claim.get("status") or {}).get("phase") == "Pending" and not (pod.get("spec") or {}).get("nodeName"):
        return Progress(False, "WaitingForVolume", "the CI server's volume is not there yet")
    return Progress(False, "Starting", "the CI server starts")
