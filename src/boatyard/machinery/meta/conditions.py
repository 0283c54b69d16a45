"""Conditions: the list in ``status.conditions`` by which every kind of ours says how it is doing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.timestamps import rfc3339


def set_condition(
    conditions: Sequence[Object] | None, type: str, status: str | bool | None, reason: str, message: str, now: float,
    observed_generation: int = 0,
) -> list[Object]:  # fmt: skip
    """A new list in which the condition ``type`` says this; the others and the order stay as they are.

    ``status`` is True, False or None (Unknown), or Kubernetes' own words for them. ``lastTransitionTime`` moves to ``now`` (seconds
    since the epoch) only when the status flips, so that a pass that finds nothing new yields an equal list and writes nothing.
    """
    word = status if isinstance(status, str) else {True: "True", False: "False", None: "Unknown"}[status]
    fresh: Object = {"type": type, "status": word, "reason": reason, "message": message, "lastTransitionTime": rfc3339(now)}
    if observed_generation:
        fresh["observedGeneration"] = observed_generation
    result: list[Object] = []
    found = False
    for old in conditions or ():
        if old.get("type") != type:
            result.append(old)
        elif not found:
            found = True
            if old.get("status") == word and old.get("lastTransitionTime"):
                fresh["lastTransitionTime"] = old["lastTransitionTime"]
            result.append(fresh)
    return result if found else [*result, fresh]


def remove_condition(conditions: Sequence[Object] | None, type: str) -> list[Object]:
    """A new list without the condition ``type``."""
    return [old for old in conditions or () if old.get("type") != type]


def condition(obj: Object, type: str) -> dict[str, Any] | None:
    """The condition ``type`` of an object, or None."""
    for found in (obj.get("status") or {}).get("conditions") or ():
        if found.get("type") == type:
            return found
    return None


def is_true(obj: Object, type: str) -> bool:
    """Whether the condition is there and its status is ``True``."""
    found = condition(obj, type)
    return found is not None and found.get("status") == "True"
