"""What goes together in the query of a list or a watch, from apimachinery's ``meta/internalversion/validation``."""

from __future__ import annotations

from typing import cast

from boatyard.machinery.meta.errors import FieldError, invalid
from boatyard.machinery.meta.field_errors import forbidden, unsupported
from boatyard.machinery.meta.selectors import FieldSelector, LabelSelector
from boatyard.machinery.registry.list import Match
from boatyard.server.call import Call

_MATCH = "resourceVersionMatch"
_UNLESS_TOLD = "resourceVersionMatch is forbidden unless resourceVersion is provided"
_CONTINUED = "resourceVersionMatch is forbidden when continue is provided"
_EXACT_ZERO = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
_INITIAL_MATCH = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
_NO_WATCH_MATCH = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"


def read(call: Call) -> None:
    """Read what a list, a watch or the deletion of a collection is asked with: first of all. Raises BadRequest."""
    for name in ("limit", "timeoutSeconds"):
        call.number(name, signed=True)
    if labels := call.query.get("labelSelector"):
        LabelSelector.parse(labels)
    if fields := call.query.get("fieldSelector"):
        FieldSelector.parse(fields)


def limit(call: Call) -> int:
    """How long a page may be; 0 for all, which is what less than 0 means, too. Raises BadRequest."""
    return max(call.number("limit", signed=True) or 0, 0)


def match_of_list(call: Call) -> Match:
    """How the resourceVersion of a list is meant. Raises Invalid for options that contradict each other."""
    match, wrong = call.query.get(_MATCH, ""), list[FieldError]()
    revision = call.query.get("resourceVersion", "")
    if match:
        if not revision:
            wrong.append(forbidden(_MATCH, _UNLESS_TOLD))
        if call.query.get("continue"):
            wrong.append(forbidden(_MATCH, _CONTINUED))
        if match not in ("Exact", "NotOlderThan"):
            wrong.append(unsupported(_MATCH, match, ("Exact", "NotOlderThan", "")))
        if match == "Exact" and revision == "0":
            wrong.append(forbidden(_MATCH, _EXACT_ZERO))
    if "sendInitialEvents" in call.query:
        wrong.append(forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"))
    _refuse(wrong)
    return cast(Match, match)


def initial_events(call: Call) -> bool | None:
    """Whether a watch begins with what is there: as asked, or None when the resourceVersion alone says it. Raises Invalid."""
    match, wrong = call.query.get(_MATCH, ""), list[FieldError]()
    asked = "sendInitialEvents" in call.query
    if asked and match != "NotOlderThan":
        wrong.append(forbidden(_MATCH, _INITIAL_MATCH))
    if match:
        if not asked:
            wrong.append(forbidden(_MATCH, _NO_WATCH_MATCH))
        if match != "NotOlderThan":
            wrong.append(unsupported(_MATCH, match, ("NotOlderThan",)))
        if call.query.get("continue"):
            wrong.append(forbidden(_MATCH, _CONTINUED))
    _refuse(wrong)
    return call.flag("sendInitialEvents") if asked else None


def _refuse(wrong: list[FieldError]) -> None:
    if wrong:
        raise invalid("ListOptions", "meta.k8s.io", "", wrong)
