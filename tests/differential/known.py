"""What is known to differ, each with its reason and with calls that show it: one that no longer shows has to leave the list."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from .call import Call
from .sequence import Answer


class Difference(NamedTuple):
    """One value in which two answers differ. ``ours`` and ``theirs`` are "<absent>" where there is none."""

    call: Call
    where: str
    """``status``, ``content type``, ``warnings``, or the dotted way in the body."""
    ours: Any
    theirs: Any
    our_answer: Answer
    their_answer: Answer


@dataclass(frozen=True)
class Known:
    """A difference that is meant."""

    reason: str
    covers: Callable[[Difference], bool]
    shown_by: tuple[Call, ...] = ()


def _message(answer: Answer) -> str:
    return str(answer.body.get("message", "")) if isinstance(answer.body, dict) else str(answer.body)


def _reworded(*patterns: str) -> Callable[[Difference], bool]:
    """The judge's message is one of Go's own; both refuse with the same code and reason."""
    compiled = re.compile("|".join(patterns))

    def covers(found: Difference) -> bool:
        inside = found.where == ".message" or found.where.startswith(".details")
        return inside and bool(compiled.search(_message(found.their_answer)))

    return covers


def _empties(found: Difference) -> bool:
    causes = (found.their_answer.body.get("details") or {}).get("causes") or ()
    return all(_empty(_at(found.call.body, cause["field"])) for cause in causes)


def _at(document: Any, path: str) -> Any:
    for step in path.strip(".").split("."):
        document = document.get(step, "<absent>") if isinstance(document, dict) else "<absent>"
    return document


def _shown(message: Any) -> str:
    return re.sub(r"\{.*\}", "{}", str(message))


def _empty(value: Any) -> bool:
    return value in (None, [], {}, "<absent>")


ALWAYS_WRITTEN = (
    "rules",
    "eventTime",
    "lastProbeTime",
    "endpoints",
    "conditions",
    "ports",
    "creationTimestamp",
    "metadata",
    "reportingInstance",
    "reportingComponent",
    "source",
    "startedAt",
    "status",
    "spec",
    "loadBalancer",
    "details",
    "continue",
    "items",
    "lastState",
    "state",
    "firstTimestamp",
    "lastTimestamp",
    "resources",
)


def _zero(found: Difference) -> bool:
    last = found.where.rpartition(".")[2]
    return last in ALWAYS_WRITTEN and (_empty(found.ours) or found.ours == "") and (_empty(found.theirs) or found.theirs == "")


def _list_item_types(found: Difference) -> bool:
    return bool(re.search(r"\.items\.\d+\.(kind|apiVersion)$", found.where)) and found.theirs == "<absent>"


KNOWN: dict[str, Known] = {
    "go-decoding": Known(
        "A body that can't be decoded is refused in our words: Go's name Go's types and offsets.",
        _reworded(
            "json: cannot unmarshal",
            "couldn't get version/kind",
            "unable to decode",
            "cannot be handled as a",
            "yaml: line",
            "unable to parse",
            "invalid character",
            "strict decoding error",
            "json: unknown",
            "error decoding",
            "strconv",
            "must be specified for an update",
            "expected: !",
            "field selector",
            "field label",
            "StorageError",
            "selector",
            "unable to parse requirement",
            "values:",
            "invalid object type",
            "is unrecognized",
        ),
    ),
    "zero-values": Known("Members without a value that Go's encoder writes all the same aren't in our documents.", _zero),
    "no-prose": Known(
        "Columns of tables have no descriptions: Kubernetes' prose isn't ours.",
        lambda found: ".columnDefinitions" in found.where and found.where.endswith(".description"),
    ),
    "before-first-apply": Known(
        "Ownership is tracked from an object's first apply on.",
        lambda found: (
            "managedFields" in found.where
            or (
                "before-first-apply" in str(found.ours)
                and str(found.ours).replace("before-first-apply", "fuzz") == str(found.theirs)
            )
        ),
    ),
    "more said": Known(
        "Ours says more than the judge of why a patch can't be.",
        lambda f: f.where == ".message" and str(f.ours).startswith(str(f.theirs)),
    ),
    "go-structs": Known(
        "A kube-apiserver shows Go's structs, and how they differ, in its messages.",
        lambda f: f.where.endswith("message") and (str(f.theirs).startswith(str(f.ours)) or _shown(f.theirs) == _shown(f.ours)),
    ),
    "patch": Known(
        "What a patch makes that can't be decoded is told with our causes.",
        lambda f: f.our_answer.status == f.their_answer.status == 422 and "is invalid: patch:" in _message(f.their_answer),
    ),
    "conditions of the untracked": Known(
        "Ownership is tracked from an object's first apply on: that apply writes even where it changes nothing else.",
        lambda f: f.call.verb in ("apply", "status") and f.call.method == "PATCH" and f.where.endswith("resourceVersion"),
    ),
    "emptied": Known(
        "A list or map that is emptied is gone, and owned by nobody: applying it empty meets no conflict.",
        lambda f: f.call.verb == "apply" and f.our_answer.status < 300 and f.their_answer.status == 409 and _empties(f),
    ),
    "the unchangeable": Known(
        "What of an unchangeable spec would change is told in one sentence.",
        lambda f: f.where == ".details.causes" and any(c["field"] == "spec" and "Forbidden" in c["message"] for c in f.ours),
    ),
    "claims": Known(
        "A kube-apiserver writes a claim once more at the first change that changes nothing.",
        lambda f: "persistentvolumeclaims" in f.call.path and f.where.endswith("resourceVersion"),
    ),
    "times": Known(
        "Times are kept as they are written, in their zone.",
        lambda f: str(f.ours).startswith("20") and str(f.theirs).endswith("Z") and f.where.endswith("Time"),
    ),
    "status rules": Known(
        "What the status of Kubernetes' own kinds says is believed.",
        lambda f: f.where == "status" and f.call.verb == "status" and f.our_answer.status < 300 and f.their_answer.status == 422,
    ),
    "plain 404": Known(
        "An address that isn't one is answered with a Status, not with text.",
        lambda f: f.our_answer.status == f.their_answer.status == 404 and f.where in ("content type", ""),
    ),
    "base64": Known(
        "Data that isn't base64 is an invalid document (422), not an unreadable one (400).",
        lambda f: "illegal base64" in _message(f.their_answer),
    ),
    "media types": Known(
        "We give no protobuf, and say so.",
        _reworded(
            "media types (are )?accepted",
            "accepted media types",
            "Available representations",
            "Unsupported Media Type",
            "you requested PartialObject",
        ),
    ),
    "list-items": Known("Items of our lists say their kind and apiVersion, as those of custom kinds do.", _list_item_types),
    "caller's fault": Known(
        "What a caller did wrong is a bad request (400) of ours where a kube-apiserver says 500.",
        lambda found: found.their_answer.status == 500 and found.our_answer.status in (400, 422, 409),
    ),
}


def covered_by(found: Difference) -> str:
    """The name of the entry, or nothing."""
    return next((name for name, known in KNOWN.items() if known.covers(found)), "")
