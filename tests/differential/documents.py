"""Documents: right ones, ones with something wrong, and their metadata."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from .call import changed
from .kinds import Fuzzed, Way

Draw = Random

METADATA: tuple[tuple[Way, Any], ...] = tuple(
    (("metadata", field), value)
    for field, values in {
        "labels": [{"app": "x"}, {"app": "y", "tier": "web"}, {"tier": "db"}, {}, None, {"app": ""}],
        "annotations": [{"note": "a b"}, {"example.com/n": "ü", "note": ""}, {}, None],
        "finalizers": [["example.com/f"], ["example.com/f", "example.com/g"], []],
        "ownerReferences": [
            [{"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": "00000000-0000-4000-8000-000000000001"}],
            [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "x", "controller": True, "blockOwnerDeletion": True}],
        ],
        "generation": [5], "creationTimestamp": ["2001-01-01T00:00:00Z", None],
    }.items()
    for value in values
)  # fmt: skip
BAD_METADATA: tuple[tuple[Way, Any], ...] = tuple(
    (("metadata", *field.split(".")), value)
    for field, values in {
        "name": ["A_b", "a/b", "", "-a", "x" * 300, 5, "other", "ü", "a.b", ".."],
        "namespace": ["other", "", 5],
        "labels": [{"a b": "c"}, {"a": "b c"}, {"a": 1}, "x", {"/a": "b"}, {"a/b/c": "d"}, {"x" * 70: "y"}, {"a": None}, ["a"]],
        "annotations": [{"a b": "c"}, {"a": 1}, {"A.B/c": "d"}, []],
        "finalizers": [["x"], ["a b/c"], [5], "x", ["example.com/f", "example.com/f"]],
        "ownerReferences": [
            [{}], [{"apiVersion": "v1", "kind": "Pod", "name": "p"}], "x",
            [{"apiVersion": "v1", "kind": "Event", "name": "p", "uid": "x"}],
            [{"apiVersion": "v1", "kind": "Pod", "name": n, "uid": n, "controller": True} for n in "pq"],
        ],
        "uid": ["00000000-0000-4000-8000-000000000009", 5], "resourceVersion": ["1", "x", 5, "99999999"],
        "generateName": ["x-", "A_", 5], "creationTimestamp": ["yesterday", 5], "unknown": ["x"], "generation": ["x", 1.5],
        "managedFields": [[], [{}], "x", [{"manager": "m", "operation": "Nope"}]], "deletionTimestamp": ["2001-01-01T00:00:00Z"],
        "deletionGracePeriodSeconds": [5],
    }.items()
    for value in values
)  # fmt: skip
WEIRD: tuple[Any, ...] = (
    None, True, 0, -1, 1.5,
    2**31, 2**63, 2**70, 1e300, "", "x", "ü☃", "\u0000", "x" * 400, [], {}, [None], {"": 1}, {"a": {"b": []}},
    [[[[[]]]]], "2020-01-01T00:00:00Z", [1, 1],
)  # fmt: skip
FRAMES: tuple[tuple[Way, Any], ...] = (
    (("kind",), "Nope"), (("kind",), ""), (("kind",), None), (("kind",), 5), (("apiVersion",), "v9"), (("apiVersion",), ""),
    (("apiVersion",), None), (("apiVersion",), "a/b/c"), (("apiVersion",), 5), (("metadata",), None), (("metadata",), "x"),
    (("metadata",), []), (("unknown",), {"a": 1}), (("Kind",), "x"), (("spec",), "x"), (("status",), 5),
)  # fmt: skip


def changes(draw: Draw, kind: Fuzzed, most: int = 3) -> list[tuple[Way, Any]]:
    """A few members that may be."""
    pool = (*kind.may, *kind.may, *(METADATA if not kind.admitted else [one for one in METADATA if one[0][-1] != "finalizers"]))
    return [draw.choice(pool) for _ in range(draw.randint(0, most))]


def right(draw: Draw, kind: Fuzzed, name: str) -> dict[str, Any]:
    """A document that should be taken."""
    return changed(kind.document(name), tuple(changes(draw, kind)))


def wrong(draw: Draw, kind: Fuzzed, name: str) -> dict[str, Any]:
    """A document with something in it that mostly isn't taken."""
    document = right(draw, kind, name)
    for _ in range(draw.randint(1, 2)):
        document = changed(document, (spoiled(draw, kind, document),))
    return document


def spoiled(draw: Draw, kind: Fuzzed, document: Any) -> tuple[Way, Any]:
    """One change for the worse."""
    way, value = _spoiled(draw, kind, document)
    if way == ("metadata", "name") and isinstance(value, str) and not kind.namespaced and value not in ("", ".."):
        # Where all sequences share their names, one mustn't meet another's.
        value += "-@{id}"
    return way, value


def _spoiled(draw: Draw, kind: Fuzzed, document: Any) -> tuple[Way, Any]:
    which = draw.randint(0, 9)
    if which < 5 and kind.bad:
        return draw.choice(kind.bad)
    if which < 7:
        return draw.choice(BAD_METADATA)
    if which < 8:
        return draw.choice(FRAMES)
    ways = list(places(document))
    way = draw.choice(ways)
    if which == 8:
        return (*way[:-1], "unknown"), 1
    return way, draw.choice(WEIRD)


def places(value: Any, way: Way = ()) -> Any:
    """Every way into a document."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield (*way, key)
        yield from places(inner, (*way, key))


def doubled(document: Any) -> str:
    """A text with a member that is there twice."""
    text = json.dumps(document)
    name = json.dumps(document["metadata"]["name"])
    return text[:-1] + f', "data": {{"a": "1"}}, "data": {{"a": "2"}}, "metadata": {{"name": {name}, "name": {name}}}}}'


def broken(draw: Draw, document: Any) -> str:
    """A body that isn't such a document at all."""
    text = json.dumps(document)
    return draw.choice(
            ["", "null", "[]", "x", "{", "5", '"x"', text[:-1], text + text, text + "x", "{}", "[" * 200 + "]" * 200, '{"a":1,}',
             '{"kind":"Status","apiVersion":"v1"}', '{"kind":"List","apiVersion":"v1","items":[]}', "a: b", doubled(document)]
    )  # fmt: skip
