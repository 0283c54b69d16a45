"""Random deletions, of one and of a collection."""

from __future__ import annotations

from typing import Any

from .call import Call
from .documents import Draw
from .draw import chance, of, seen
from .kinds import Fuzzed
from .reads import selecting

ODD_OPTIONS: tuple[Any, ...] = (
    {"orphanDependents": True}, {"orphanDependents": False, "propagationPolicy": "Orphan"}, {"gracePeriodSeconds": "x"},
    {"propagationPolicy": "Nope"}, {"kind": "Nope"}, "x", "[]", {"dryRun": ["All"]}, {"dryRun": "All"}, {"unknown": 1},
    {"gracePeriodSeconds": 5},
)  # fmt: skip
OF_COLLECTION = (("dryRun", "All"), ("limit", "1"), ("propagationPolicy", "Orphan"), ("propagationPolicy", "Foreground"))


def preconditions(path: str) -> tuple[dict[str, str], ...]:
    return (
        {"uid": seen("uid", path)}, {"uid": "nobody"}, {"resourceVersion": seen("rv", path)},
        {"resourceVersion": seen("was", path)}, {},
    )  # fmt: skip


def delete(draw: Draw, kind: Fuzzed, name: str) -> Call:
    path, query, body = f"{kind.path}/{name}", [], None
    which = draw.randint(0, 19)
    if which in (8, 9):
        query.append(("propagationPolicy", of(draw, ("Background", "Foreground", "Orphan", "Nope"))))
    elif which in (10, 11, 12):
        body = {"propagationPolicy": of(draw, ("Background", "Foreground", "Orphan")), "kind": "DeleteOptions", "apiVersion": "v1"}
    elif which in (13, 14):
        body = {"preconditions": of(draw, preconditions(path))}
    elif which in (15, 16):
        query.append(("gracePeriodSeconds", of(draw, ("0", "1", "30", "-1", "x"))))
    elif which == 17:
        query.append(("dryRun", "All"))
    elif which == 18:
        body = of(draw, ODD_OPTIONS)
    return Call("delete", "DELETE", path, tuple(query), body)


def clear(draw: Draw, kind: Fuzzed, name: str) -> Call:
    """The deletion of a collection."""
    if not kind.namespaced:
        return delete(draw, kind, name)
    query = selecting(draw, kind)
    if chance(draw, 15):
        query.append(of(draw, OF_COLLECTION))
    return Call("deletecollection", "DELETE", kind.path, tuple(query))
