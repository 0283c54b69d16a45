"""Random creates and updates."""

from __future__ import annotations

from .call import MERGE, Call
from .documents import Draw, broken, changes, right, spoiled, wrong
from .draw import of, seen, writing
from .kinds import Fuzzed


def create(draw: Draw, kind: Fuzzed, name: str) -> Call:
    how = draw.randint(0, 19)
    query = writing(draw)
    if how < 13 or kind.admitted:
        return Call("create", "POST", kind.path, tuple(query), right(draw, kind, name))
    if how < 15:
        document = right(draw, kind, name)
        document["metadata"] = {k: v for k, v in (document.get("metadata") or {}).items() if k != "name"} | {
            "generateName": f"{name}-"
        }
        return Call("create", "POST", kind.path, tuple(query), document)
    if how < 19:
        return Call("create", "POST", kind.path, tuple(query), wrong(draw, kind, name))
    type = of(draw, ("", "", "", "text/plain", "application/xml", MERGE, "application/yaml", "application/json; charset=utf-8"))
    return Call("create", "POST", kind.path, tuple(query), broken(draw, kind.document(name)), type)


def update(draw: Draw, kind: Fuzzed, name: str) -> Call:
    path, how = f"{kind.path}/{name}", draw.randint(0, 19)
    query = writing(draw)
    if how < 11:
        return Call("update", "PUT", path, tuple(query), edit=tuple(changes(draw, kind, 2)))
    if how < 17:
        document = right(draw, kind, name) if how < 15 else wrong(draw, kind, name)
        revision = of(draw, ("", "", seen("rv", path), seen("rv", path), seen("was", path), "x", "0"))
        if revision and isinstance(document.get("metadata"), dict):
            document["metadata"]["resourceVersion"] = revision
        return Call("update", "PUT", path, tuple(query), document)
    if how < 19:
        return Call("update", "PUT", path, tuple(query), edit=(spoiled(draw, kind, kind.document(name)),))
    return Call("update", "PUT", path, tuple(query), broken(draw, kind.document(name)))
