"""Random JSON patches: half of them such that every operation should be possible, the others with anything in them."""

from __future__ import annotations

from typing import Any

from .call import JSON, Call, changed
from .documents import METADATA, WEIRD, Draw, places, spoiled
from .draw import chance, of, writing
from .kinds import Fuzzed, Way

POINTERS = ("/spec/nope/x", "/metadata/labels/app", "/data/-", "", "x", "/metadata/finalizers/-", "/spec/parts/0", "/~2")
BODIES: tuple[Any, ...] = ({}, "[]", "[5]", '[{"op":"add"}]', "null", "x", [{"path": "/a", "value": 1}])


def json_patch(draw: Draw, kind: Fuzzed, name: str) -> Call:
    body: Any = _possible(draw, kind, name) if chance(draw, 50) else [_hostile(draw, kind, name) for _ in range(draw.randint(1, 3))]
    if chance(draw, 4):
        body = of(draw, BODIES)
    return Call("json", "PATCH", f"{kind.path}/{name}", tuple(writing(draw)), body, JSON)


def _possible(draw: Draw, kind: Fuzzed, name: str) -> list[Any]:
    """Operations on the document as it may be there, one after the other."""
    document: Any = kind.document(name)
    operations: list[Any] = [{"op": "add", "path": "/metadata/labels", "value": {"app": "x"}}] if chance(draw, 60) else []
    document = changed(document, ((("metadata", "labels"), {"app": "x"} if operations else None),))
    for _ in range(draw.randint(1, 3)):
        operation, document = _next(draw, kind, document)
        operations.append(operation)
    return operations


def _next(draw: Draw, kind: Fuzzed, document: Any) -> tuple[dict[str, Any], Any]:
    which, labelled = draw.randint(0, 9), "app" in document["metadata"].get("labels", {})
    if which < 2 and labelled:
        op = of(draw, ("copy", "move"))
        document = changed(document, ((("metadata", "labels"), {"other": "x"} | ({"app": "x"} if op == "copy" else {})),))
        return {"op": op, "from": "/metadata/labels/app", "path": "/metadata/labels/other"}, document
    if which < 4:
        way = of(draw, [one for one in places(document) if one[0] != "metadata" or one[-1] == "name"])
        return {"op": "test", "path": pointer(way), "value": _at(document, way)}, document
    ways = [(way, value) for way, value in (*kind.may, *METADATA) if isinstance(_at(document, way[:-1]), dict)]
    way, value = of(draw, ways)
    there = way[-1] in _at(document, way[:-1])
    if value is None and there:
        operation = {"op": "remove", "path": pointer(way)}
    elif isinstance(value, list) and value and there and chance(draw, 50):
        operation = {"op": "add", "path": pointer((*way, of(draw, ("-", "0")))), "value": value[0]}
        value = [*(_at(document, way) or ()), value[0]]
    else:
        operation = {"op": of(draw, ("replace", "add")) if there else "add", "path": pointer(way), "value": value}
    return operation, changed(document, ((way, value),))


def _at(document: Any, way: Way) -> Any:
    """What is there, or None."""
    for step in way:
        if isinstance(document, list):
            document = document[step] if isinstance(step, int) and step < len(document) else None
        else:
            document = document.get(step) if isinstance(document, dict) else None
    return document


def pointer(way: Way) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in way)


def _hostile(draw: Draw, kind: Fuzzed, name: str) -> dict[str, Any]:
    base = kind.document(name, labels={"app": "x"})
    which = draw.randint(0, 9)
    if which < 6:
        way, value = of(draw, (*kind.may, *METADATA))
    elif which < 7:
        way, value = spoiled(draw, kind, base)
    else:
        way, value = of(draw, list(places(base))), of(draw, WEIRD)
    path = of(draw, POINTERS) if which == 8 else pointer(way)
    op = of(draw, ("add", "add", "add", "replace", "replace", "remove", "test", "copy", "move", "nope"))
    operation: dict[str, Any] = {"op": op, "path": path}
    if op in ("add", "replace", "test"):
        operation["value"] = value
    if op in ("copy", "move"):
        operation["from"] = of(draw, ("/metadata/labels", "/spec", "/data", "/nope", path))
    return operation
