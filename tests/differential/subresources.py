"""Random calls to what objects have below them: status and scale."""

from __future__ import annotations

from typing import Any

from .applies import apply
from .call import MERGE, Call
from .documents import WEIRD, Draw, right
from .draw import chance, of, seen, writing
from .kinds import Fuzzed
from .reads import TABLE

BESIDE_STATUS: tuple[dict[str, Any], ...] = (
    {"spec": {}}, {"metadata": {"labels": {"app": "z"}}}, {"metadata": {"finalizers": ["example.com/f"]}},
)  # fmt: skip


def status(draw: Draw, kind: Fuzzed, name: str) -> Call:
    """A write to the status, by every verb that can."""
    path, how = f"{kind.path}/{name}/status", draw.randint(0, 9)
    wanted = kind.status or {}
    if how < 2:
        return Call("status", "GET", path)
    part = {key: value for key, value in wanted.items() if chance(draw, 60)}
    if chance(draw, 15):
        part = {**part, of(draw, (*wanted, "unknown", "conditions")): of(draw, WEIRD)}
    if how < 5:
        body: dict[str, Any] = {"status": part}
        if chance(draw, 30):
            body = dict(of(draw, BESIDE_STATUS)) | body
        return Call("status", "PATCH", path, tuple(writing(draw)), body, MERGE)
    if how < 8:
        document = right(draw, kind, name) | {"status": part}
        return Call("status", "PUT", path, tuple(writing(draw)), document)
    return apply(draw, kind, name, {"status": part}, "/status")


def scale(draw: Draw, kind: Fuzzed, name: str) -> Call:
    path, how = f"{kind.path}/{name}/scale", draw.randint(0, 9)
    if how < 3:
        return Call("scale", "GET", path, accept=of(draw, ("", TABLE)))
    replicas = of(draw, (0, 1, 2, 5, -1, "x", None))
    if how < 6:
        return Call("scale", "PATCH", path, tuple(writing(draw)), {"spec": {"replicas": replicas}}, MERGE)
    body = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": name}, "spec": {"replicas": replicas}}
    if how == 9:
        others = (
            body | {"kind": "Nope"},
            body | {"metadata": {"name": "other"}},
            body | {"spec": {}},
            body | {"metadata": {}},
            body | {"metadata": {"name": name, "resourceVersion": seen("was", f"{kind.path}/{name}")}},
        )
        body = dict(of(draw, others))
    return Call("scale", "PUT", path, tuple(writing(draw)), body)
