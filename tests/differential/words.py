"""Refusals that mean the same in other words: what a kube-apiserver tells in Go's types, functions and offsets, and what ours says.

Each entry pairs both: its words count only beside ours. Where the judge names a field, ours must name that one.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

_NOT_JSON = (
    "is not valid JSON|a list is no object|the body of the request (must be an object|is empty)|a (JSON|merge) patch |an operation"
)
_OTHER_TYPE = r"does not match the expected (kind|API version)"
_MISTYPED = r"in body must be of type|expected map"
_READING = r"(^|cannot be handled as a \w+: |^error decoding from json: )"
"""A document, or what a patch makes of one."""


class Pair(NamedTuple):
    """Two refusals, as patterns."""

    theirs: str
    ours: str


PAIRS = (
    # A value of another type than its field.
    Pair(_READING + r"json: cannot unmarshal", _MISTYPED),
    Pair(_READING + r"parsing time", "in body must be of type (micro-)?time"),
    Pair(_READING + r"illegal base64", "in body must be of type byte"),
    Pair(_READING + r"(quantities must match|unable to parse quantity)", "in body must be of type (quantity|string)"),
    Pair(_READING + r"[\w.]+\.metadata: Invalid value: .*: json: cannot unmarshal", r"(^|: )[\w.]+\.metadata[\w.]*: Invalid"),
    # No document of any kind.
    Pair(r"Object 'Kind' is missing", "it has no kind|the object has no kind"),
    Pair(r"json parse error: json: cannot unmarshal \w+ into Go struct field \.kind", "kind must be a text"),
    Pair(r"json parse error: json: cannot unmarshal \w+ into Go struct field \.apiVersion", "apiVersion must be a text"),
    Pair(r"json parse error: ", _NOT_JSON),
    Pair(r"unexpected GroupVersion string", f"{_OTHER_TYPE}|it has no kind"),
    Pair(r'^\w+ in version "" cannot be handled as a', r"^the API version in the data \(\) does not match"),
    Pair(r"strict decoding error: ", r"strict decoding error: "),
    Pair(r"yaml: (line|unmarshal|invalid|control)", "error converting YAML to JSON"),
    Pair(r"^(error decoding patch: )?(invalid character|unexpected end|json: cannot unmarshal)", _NOT_JSON),
    Pair(r"error decoding YAML: ", "error converting YAML to JSON|must be an object"),
    # A document of another kind.
    Pair(r"unknown conversion|no kind .* is registered|no kind is registered for the type v1\.Scale", f"{_OTHER_TYPE}|{_MISTYPED}"),
    Pair(r"^Invalid JSON Patch$", "a merge patch must be an object|is not valid JSON"),
    Pair(r"StorageError: invalid object, .*Precondition failed", "Precondition failed"),
    Pair(r"invalid object type: ", f"invalid object type: |{_OTHER_TYPE}"),
    # Options.
    Pair(r"^strconv\.Parse\w+: parsing", "must be a number"),
    Pair(r"invalid resource version: .*strconv\.ParseUint", "invalid resource version: .*must be a number"),
    Pair(r"continue key is not valid: invalid character", "continue key is not valid: "),
    Pair(r"^invalid field selector: ", r"^invalid field selector: "),
    Pair(r"unable to parse requirement: <nil>: Invalid value", "unable to parse requirement: \\w+(\\[.*\\])?: Invalid value"),
    # Media types.
    Pair(r"^406: Not Acceptable|^only the following media types", "^only the following media types are accepted: "),
    Pair(r"^415: Unsupported Media Type|unknown format - accepted media types", "^the body of the request was in an unknown"),
    Pair(r"the requested object is (not )?a list \(\*", r"the requested object is (not )?a list \(\w"),
    # What a strategic patch makes of an object.
    Pair(r"^cannot (convert|restore) \w+ (to|from)|^unrecognized type: \w+$", f"{_MISTYPED}|must be a text"),
)  # fmt: skip
_STRICT = "strict decoding error: "
_FIELD = re.compile(r"into Go struct field \w*\.([\w.]+) of type")
_DECODED = re.compile(r'in version "v\w+" cannot be handled as')
_NAMED = re.compile(r"([^\s:]+): Invalid value")


_PATCHED = re.compile(r' "" is invalid: patch: Invalid value: "(?:[^"\\]|\\.)*": (.*)', re.S)
"""What is wrong with what a patch makes of an object, which the judge shows whole or in Go's form, and ours as the patch."""


def reworded(theirs: str, ours: str) -> bool:
    """Whether both messages say the same."""
    patched = _PATCHED.fullmatch(theirs), _PATCHED.fullmatch(ours)
    if patched[0] and patched[1]:
        theirs, ours = patched[0].group(1), patched[1].group(1)
        if theirs == ours:
            return True
    field = _FIELD.search(theirs)
    if field and (patched[0] or _DECODED.search(theirs)) and not _names(ours, field.group(1)):
        return False
    if _strictly(theirs) != _strictly(ours):
        return False
    return any(re.search(pair.theirs, theirs, re.S) and re.search(pair.ours, ours, re.S) for pair in PAIRS)


def _strictly(message: str) -> list[str]:
    """The fields that are refused since nobody knows them, or since they are there twice; of YAML each is told on a line."""
    told = message.partition(_STRICT)[2].removeprefix("yaml: unmarshal errors:\n")
    return sorted(one.strip() for one in re.split(", |\n", told))


def _names(message: str, field: str) -> bool:
    """Whether one of the paths in a message leads to a field, or below it. The judge's have neither indexes nor keys of maps, and
    those in custom kinds' metadata begin there."""
    paths = [re.sub(r"\[[^\]]*\]", "", path) for path in _NAMED.findall(message)]
    told = "expected map" if field == "metadata" else f"{field} must be a text"
    return any(f".{path}.".find(f".{field}.") >= 0 for path in paths) or told in message


def message(body: Any) -> str:
    """Of a Status, or the text."""
    return str(body.get("message", "")) if isinstance(body, dict) else str(body)
