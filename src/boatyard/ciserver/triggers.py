"""Which events start a build, in words: each answer is a reason to start nothing, or empty. The rules are ``ci.triggers``'."""

from __future__ import annotations

from collections.abc import Sequence

from boatyard.ci.ciconfig_fields import CiConfigSpec
from boatyard.ci.pipeline_fields import On
from boatyard.ci.scm.events import PullRequest, Trigger
from boatyard.ci.triggers import pull_request_starts, push_starts


def refused_by_config(event: Trigger, spec: CiConfigSpec) -> str:
    """What can be said without looking into the repository."""
    if isinstance(event, PullRequest):
        starts = pull_request_starts(spec, None, event.target_ref, None)
        return "" if starts else f"the CiConfig builds no pull requests into {_short(event.target_ref)}"
    if event.deleted:
        return f"{event.ref} was deleted"
    # Only the pipeline can say that a tag is built.
    if event.ref.startswith("refs/tags/") or push_starts(spec, None, event.ref, None):
        return ""
    return f"the CiConfig builds no pushes to {_short(event.ref)}"


def refused_by_pipeline(event: Trigger, spec: CiConfigSpec, on: On | None) -> str:
    """What the repository itself says, but for paths."""
    if isinstance(event, PullRequest):
        starts = pull_request_starts(spec, on, event.target_ref, None)
        return "" if starts else f"boatyard.yaml builds no pull requests into {_short(event.target_ref)}"
    starts = push_starts(spec, on, event.ref, None)
    return "" if starts else f"boatyard.yaml builds no pushes to {_short(event.ref)}"


def refused_by_paths(event: Trigger, spec: CiConfigSpec, on: On | None, changed: Sequence[str] | None) -> str:
    """What the changed files say; None when they can't be told."""
    if isinstance(event, PullRequest):
        starts = pull_request_starts(spec, on, event.target_ref, changed)
    else:
        starts = push_starts(spec, on, event.ref, changed)
    return "" if starts else "no file was changed that boatyard.yaml names in its paths"


def asks_for_paths(event: Trigger, on: On | None) -> bool:
    """Whether the changed files matter at all."""
    part = on and (on.pull_request if isinstance(event, PullRequest) else on.push)
    return bool(part and part.paths)


def _short(ref: str) -> str:
    return ref.removeprefix("refs/heads/").removeprefix("refs/")
