"""Random JSON patches."""

from __future__ import annotations

from typing import Any

from .call import JSON, Call
from .documents import METADATA, WEIRD, Draw, places, spoiled
from .draw import chance, of, writing
from .kinds import Fuzzed, Way

POINTERS = ("/spec/nope/x", "/metadata/labels/app", "/data/-", "", "x", "/metadata/finalizers/-", "/spec/parts/0", "/~2")
BODIES: tuple[Any, ...] = ({}, "[]", "[5]", '[{"op":"add"}]', "null", "x", [{"path": "/a", "value": 1}])


def json_patch(draw: Draw, kind: Fuzzed, name: str) -> Call:
    body: Any = [_hostile(draw, kind, name) for _ in range(draw.randint(1, 3))]
    if chance(draw, 4):
        body = of(draw, BODIES)
    return Call("json", "PATCH", f"{kind.path}/{name}", tuple(writing(draw)), body, JSON)


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
