"""Where a Build stands, and the status that says so. Pure functions."""

from __future__ import annotations

from typing import Any, Literal

from boatyard.ci import object_keys
from boatyard.ci.kinds import CANCEL_ANNOTATION, FINAL_PHASES
from boatyard.ci.pod import logs_prefix, pod_name
from boatyard.ci.verdict import Verdict
from boatyard.machinery.meta.conditions import set_condition
from boatyard.machinery.meta.objects import Object, annotations, deleting, name, namespace
from boatyard.machinery.meta.timestamps import rfc3339

Stage = Literal["waiting", "active", "ending", "final"]
MAX_MESSAGE = 4000
RETRY_SECONDS = (0.0, 5.0, 30.0, 120.0)
"""Pause before the second, third, … attempt."""


def stage(build: Object) -> Stage:
    """waiting: may be admitted. active: has a place. ending: ends without ever having one. final: nothing changes any more."""
    found = phase(build)
    if found in FINAL_PHASES:
        return "final"
    if found in ("Starting", "Running"):
        return "active"
    if build["spec"].get("refusal") or deleting(build) or CANCEL_ANNOTATION in annotations(build):
        return "ending"
    return "waiting"


def phase(build: Object) -> str:
    """``status.phase``; Pending for a new one."""
    return (build.get("status") or {}).get("phase") or "Pending"


def attempts(build: Object) -> list[Object]:
    """``status.attempts``, the current one last."""
    return (build.get("status") or {}).get("attempts") or []


def cancelled(build: Object) -> Verdict | None:
    """Whether somebody wants it to end before it is over."""
    if CANCEL_ANNOTATION in annotations(build):
        who = "".join(one for one in annotations(build)[CANCEL_ANNOTATION][:500] if one.isprintable())
        return Verdict("Cancelled", "Cancelled", f"Cancelled by {who}." if who else "Cancelled.", end=True)
    if deleting(build):
        return Verdict("Cancelled", "Deleted", "The Build was deleted before it was over.", end=True)
    return None


def admitted(build: Object, now: float) -> Object:
    """The status with which a build leaves the queue."""
    return {
        "phase": "Starting", "reason": None, "message": None, "startedAt": rfc3339(now), "attempts": [_attempt(build, 1)],
        "observedGeneration": build["metadata"].get("generation", 1),
    }  # fmt: skip


def queued(build: Object, reason: str, message: str) -> Object:
    """The status of a build that has to wait."""
    return {"phase": "Queued", "reason": reason, "message": message, "observedGeneration": build["metadata"].get("generation", 1)}


def running(build: Object, pod: Object) -> Object:
    """The status once the pod runs."""
    current = {**attempts(build)[-1], **_facts(pod)}
    return {"phase": "Running", "attempts": [*attempts(build)[:-1], current]}


def decided(build: Object, pod: Object, verdict: Verdict) -> Object:
    """The status when the outcome is known before the pod has ended: what is decided must not be forgotten while it ends."""
    return {"attempts": [*attempts(build)[:-1], {**attempts(build)[-1], **_facts(pod), **_told(verdict)}]}


def decision(build: Object) -> Verdict | None:
    """What :func:`decided` remembered."""
    current = attempts(build)[-1] if attempts(build) else {}
    if not current.get("outcome"):
        return None
    return Verdict(current["outcome"], current.get("reason", ""), current.get("message", ""), end=True)


def retry_allowed(build: Object) -> bool:
    """Whether the infrastructure's faults are not used up."""
    allowed = (build["spec"].get("retries") or {}).get("infrastructure", 3)
    return len(attempts(build)) <= allowed


def next_attempt(build: Object, pod: Object | None, verdict: Verdict, now: float) -> Object:
    """The status with which a lost attempt is put aside and the next one begins."""
    number = len(attempts(build)) + 1
    over = _over(build, pod, verdict, now)
    told = f"Attempt {number}, after {verdict.reason}: {verdict.message}"
    return {
        "phase": "Starting", "reason": "Retrying", "message": told[:MAX_MESSAGE],
        "attempts": [*attempts(build)[:-1], over, _attempt(build, number)],
    }  # fmt: skip


def pause_before(build: Object, now: float, finished: float) -> float:
    """Seconds that the current attempt still has to wait."""
    number = len(attempts(build))
    if number < 2:
        return 0.0
    return max(0.0, finished + RETRY_SECONDS[min(number - 2, len(RETRY_SECONDS) - 1)] - now)


def final(build: Object, pod: Object | None, verdict: Verdict, now: float, results: dict[str, Any]) -> Object:
    """The last status. ``results``: steps, tests, artifacts, artifactsTotal, problems, as far as there are any."""
    outcome = "Error" if verdict.outcome == "Lost" else verdict.outcome
    message = verdict.message
    if verdict.outcome == "Lost":
        message = f"Lost {len(attempts(build))} times to the infrastructure, the last time: {message}"
    status: Object = {
        "phase": outcome, "reason": verdict.reason, "message": message[:MAX_MESSAGE] or None, "finishedAt": rfc3339(now),
        "observedGeneration": build["metadata"].get("generation", 1), **results,
        "conditions": conditions(build, now, archived=True, outcome=outcome),
    }  # fmt: skip
    if attempts(build):
        status["attempts"] = [*attempts(build)[:-1], _over(build, pod, verdict, now)]
    spec = build["spec"]
    status["archive"] = object_keys.document(namespace(build), spec["ciConfig"], spec["number"])
    return status


def conditions(build: Object, now: float, *, archived: bool, outcome: str, why: str = "") -> list[Object]:
    """``status.conditions`` of a finished build."""
    old = (build.get("status") or {}).get("conditions")
    listed = set_condition(old, "Complete", True, outcome, "", now)
    if archived:
        return set_condition(listed, "Archived", True, "Stored", "", now)
    return set_condition(listed, "Archived", False, "ObjectStoreUnavailable", why[:1000], now)


def _attempt(build: Object, number: int) -> Object:
    return {"number": number, "pod": pod_name(name(build), number), "logs": logs_prefix(build, number)}


def _over(build: Object, pod: Object | None, verdict: Verdict, now: float) -> Object:
    return {**attempts(build)[-1], **(_facts(pod) if pod else {}), "finishedAt": rfc3339(now), **_told(verdict)}


def _told(verdict: Verdict) -> Object:
    told = {"outcome": verdict.outcome, "reason": verdict.reason}
    return {**told, "message": verdict.message[:500]} if verdict.message else told


def _facts(pod: Object) -> Object:
    found = {"node": (pod.get("spec") or {}).get("nodeName"), "startedAt": (pod.get("status") or {}).get("startTime")}
    return {key: value for key, value in found.items() if value}
