"""Whether an event starts a build: what a ``CiConfig`` and a ``Pipeline`` say together. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from boatyard.ci.ciconfig_fields import CiConfigSpec
from boatyard.ci.pipeline_fields import On
from boatyard.ci.steps.glob import name_pattern, path_pattern


def push_starts(config: CiConfigSpec, on: On | None, ref: str, changed: Sequence[str] | None) -> bool:
    """Whether a push to ``ref`` (full name) is built. ``changed``: paths that it changed; None when that can't be told.

    Before the pipeline is read (``on`` unknown) ask with None: False is final then.
    """
    kind, _, name = ref.removeprefix("refs/").partition("/")
    if kind == "heads" and not any_matches(config.source.git.branches, name):
        return False
    if kind not in ("heads", "tags"):
        return False
    if _says_nothing(on):
        return kind == "heads"
    assert on is not None
    if on.push is None:
        return False
    if kind == "tags":
        return bool(on.push.tags) and any_matches(on.push.tags, name)
    if on.push.tags and not on.push.branches:
        return False
    return any_matches(on.push.branches, name) and touches(on.push.paths, changed)


def pull_request_starts(config: CiConfigSpec, on: On | None, target_ref: str, changed: Sequence[str] | None) -> bool:
    """Whether a pull request into ``target_ref`` is built; arguments as in :func:`push_starts`."""
    wanted = config.source.pull_requests
    target = target_ref.removeprefix("refs/heads/")
    if not wanted.enabled or not any_matches(wanted.targets, target):
        return False
    if _says_nothing(on):
        return True
    assert on is not None
    if on.pull_request is None:
        return False
    return any_matches(on.pull_request.targets, target) and touches(on.pull_request.paths, changed)


def any_matches(patterns: Iterable[str], name: str) -> bool:
    """Whether one of the patterns (``*``: any characters) fits; no patterns fit everything."""
    patterns = tuple(patterns)
    return not patterns or any(_compiled(pattern, False).fullmatch(name) for pattern in patterns)


def touches(patterns: Sequence[str], changed: Sequence[str] | None) -> bool:
    """Whether a changed path fits a pattern (``*``: any characters but ``/``, ``**``: any). Unknown changes touch everything."""
    if not patterns or changed is None:
        return True
    return any(_compiled(pattern, True).fullmatch(path) for path in changed for pattern in patterns)


def _says_nothing(on: On | None) -> bool:
    return on is None or (on.push is None and on.pull_request is None and not on.schedule)


@lru_cache(maxsize=512)
def _compiled(pattern: str, is_path: bool) -> re.Pattern[str]:
    return path_pattern(pattern) if is_path else name_pattern(pattern)
