"""What the containers of a build's pod said when they ended. Their words come from hostile images: read, never trusted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from boatyard.ci.pod import COLLECT, SOURCE
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.timestamps import rfc3339

_OUTCOMES = {"ok": "Succeeded", "failed": "Failed", "skipped": "Skipped", "timeout": "Timeout", "cancelled": "Cancelled"}
_LINE = re.compile(r"([0-9]{1,4}) (ok|failed|skipped|timeout|cancelled) ([0-9]{1,3}) ([0-9]{1,15}) ([0-9]{1,12})")
_LATEST_MILLIS = 253_402_300_799_000
MAX_TEXT = 500


@dataclass(frozen=True, slots=True)
class Step:
    """What a runner said of one step."""

    outcome: str
    exit_code: int
    started_millis: int
    duration_millis: int


@dataclass(frozen=True, slots=True)
class PodReport:
    """All that the containers said."""

    source: dict[str, Any] | None
    """Of ``source``; None when it said nothing."""
    steps: dict[int, Step]
    """By number, from 1."""
    collect: dict[str, Any] | None
    """Of ``collect``; None when it said nothing, or there is none."""
    terminated: dict[str, Object] = field(default_factory=dict)
    """The ``terminated`` state of every container that ended, by name."""


def read(pod: Object) -> PodReport:
    """What is said in a pod's status so far."""
    terminated: dict[str, Object] = {}
    for status in container_statuses(pod):
        state = (status.get("state") or {}).get("terminated")
        if state:
            terminated[status["name"]] = state
    steps: dict[int, Step] = {}
    for container in pod["spec"].get("containers") or ():
        if container["name"] != COLLECT and (state := terminated.get(container["name"])):
            steps.update(_steps(state.get("message") or ""))
    return PodReport(_json(terminated.get(SOURCE)), steps, _json(terminated.get(COLLECT)), terminated)


def container_statuses(pod: Object) -> Iterator[Object]:
    """Of init containers and containers, as far as there are any."""
    status = pod.get("status") or {}
    yield from status.get("initContainerStatuses") or ()
    yield from status.get("containerStatuses") or ()


def step_statuses(spec: Object, steps: dict[int, Step]) -> list[Object]:
    """The Build's ``status.steps``: one for every step of its spec. A step nobody spoke of was lost when its container was, or was
    never reached."""
    found: list[Object] = []
    for number, declared in enumerate(spec.get("steps") or (), 1):
        told: Object = {"name": declared["name"], "container": declared.get("container", "")}
        said = steps.get(number)
        if said is None:
            told["outcome"] = "Lost"
        else:
            told["outcome"] = said.outcome
            if said.outcome != "Skipped":
                told["exitCode"] = said.exit_code
                told["durationMillis"] = said.duration_millis
                if 0 < said.started_millis < _LATEST_MILLIS:
                    told["startedAt"] = rfc3339(said.started_millis / 1000)
        found.append(told)
    return found


def test_results(said: dict[str, Any]) -> Object | None:
    """The Build's ``status.tests`` from what ``collect`` said; None when it was asked for none."""
    counts = said.get("tests")
    if not isinstance(counts, dict):
        return None
    result: Object = {
        "counts": {key: _count(counts.get(key)) for key in ("total", "passed", "failed", "skipped")},
        "files": _count(counts.get("files")), "durationMillis": _count(counts.get("millis")),
    }  # fmt: skip
    failures = [
        {key: _text(one.get(key), 500) for key in ("name", "message", "file") if one.get(key)}
        for one in _dicts(said.get("failures"), 20)
        if one.get("name")
    ]
    if failures:
        result["failures"] = failures
    return result


def artifacts(said: dict[str, Any]) -> list[Object]:
    """The Build's ``status.artifacts``: the first 100."""
    return [
        {"name": _text(one.get("name"), 100), "path": _text(one.get("path"), 600), "sizeBytes": _count(one.get("sizeBytes")),
         "sha256": _text(one.get("sha256"), 64)}
        for one in _dicts(said.get("artifacts"), 100)
        if one.get("path")
    ]  # fmt: skip


def problems(said: dict[str, Any]) -> list[str]:
    """What ``collect`` found wrong."""
    listed = said.get("problems")
    return [_text(one, MAX_TEXT) for one in listed[:20] if isinstance(one, str)] if isinstance(listed, list) else []


def _steps(message: str) -> Iterable[tuple[int, Step]]:
    lines = message.splitlines()
    if not lines or lines[0] != "boatyard/1":
        return
    for line in lines[1:]:
        if match := _LINE.fullmatch(line):
            yield int(match[1]), Step(_OUTCOMES[match[2]], int(match[3]), int(match[4]), int(match[5]))


def _json(state: Object | None) -> dict[str, Any] | None:
    if state is None or not state.get("message"):
        return None
    try:
        document = json.loads(state["message"])
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else 0


def _text(value: Any, limit: int) -> str:
    if not isinstance(value, str):
        return ""
    clean = "".join(character for character in value[: limit * 2] if character.isprintable() or character in "\n\t")
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def _dicts(value: Any, limit: int) -> list[dict[str, Any]]:
    return [one for one in value[:limit] if isinstance(one, dict)] if isinstance(value, list) else []
