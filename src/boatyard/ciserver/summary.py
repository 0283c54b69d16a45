"""What a page, a list and a report need to know of a Build, read from its document, living or archived."""

from __future__ import annotations

from typing import Any

import msgspec

from boatyard.ci.kinds import FINAL_PHASES
from boatyard.ci.scm.scm import State
from boatyard.machinery.meta.objects import Object

STATES: dict[str, State] = {"Succeeded": "success", "Failed": "failure", "Error": "error", "Cancelled": "error"}


class Summary(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the list of builds."""

    number: int
    name: str
    uid: str = ""
    phase: str = "Pending"
    reason: str = ""
    message: str = ""
    ref: str = ""
    revision: str = ""
    pull_request: int = 0
    title: str = ""
    author: str = ""
    trigger: str = ""
    created: str = ""
    started: str = ""
    finished: str = ""
    tests_total: int = 0
    tests_failed: int = 0
    attempts: int = 1
    refused: bool = False

    @property
    def final(self) -> bool:
        return self.phase in FINAL_PHASES

    @property
    def branch(self) -> str:
        """The branch or tag in short."""
        return self.ref.removeprefix("refs/heads/").removeprefix("refs/tags/")


def number_of(build: Object) -> int:
    """A Build's number; 0 when it says none."""
    number = (build.get("spec") or {}).get("number")
    return number if isinstance(number, int) else 0


def summary(build: Object) -> Summary:
    """The summary of a Build's document. Never raises: an archived document may be of an older version."""
    metadata, spec, status = _map(build, "metadata"), _map(build, "spec"), _map(build, "status")
    source = _map(spec, "source")
    pull, refusal = _map(source, "pullRequest"), _map(spec, "refusal")
    counts = _map(_map(status, "tests"), "counts")
    return Summary(
        number=number_of(build), name=_text(metadata, "name"), uid=_text(metadata, "uid"),
        phase=_text(status, "phase") or "Pending",
        reason=_text(status, "reason") or _text(refusal, "reason"), message=_text(status, "message") or _text(refusal, "message"),
        ref=_text(source, "ref"), revision=_text(source, "revision"), pull_request=_count(pull, "number"),
        title=_text(pull, "title") or _text(source, "subject"), author=_text(source, "author"),
        trigger=_text(_map(spec, "trigger"), "type"), created=_text(metadata, "creationTimestamp"),
        started=_text(status, "startedAt"),
        finished=_text(status, "finishedAt"), tests_total=_count(counts, "total"), tests_failed=_count(counts, "failed"),
        attempts=max(1, len(status.get("attempts") or ())), refused=bool(refusal),
    )  # fmt: skip


def description(build: Summary) -> str:
    """The sentence the SCM shows beside a verdict."""
    if not build.final:
        return "The build is on its way"
    if build.phase == "Succeeded":
        return f"{build.tests_total} tests passed" if build.tests_total else "All steps succeeded"
    if build.phase == "Failed" and build.tests_failed:
        return f"{build.tests_failed} of {build.tests_total} tests failed"
    told = build.message.split("\n", 1)[0]
    return f"{build.reason}: {told}" if build.reason and told else told or build.reason or build.phase


def _map(holder: Any, key: str) -> dict[str, Any]:
    value = holder.get(key)
    return value if isinstance(value, dict) else {}


def _text(holder: dict[str, Any], key: str) -> str:
    value = holder.get(key)
    return value if isinstance(value, str) else ""


def _count(holder: dict[str, Any], key: str) -> int:
    value = holder.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
