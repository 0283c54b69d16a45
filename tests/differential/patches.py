"""Random merge patches and strategic ones."""

from __future__ import annotations

import json
from typing import Any

from .call import MERGE, STRATEGIC, Call
from .documents import Draw, broken, changes, spoiled
from .draw import chance, of, seen, writing
from .kinds import Fuzzed

DIRECTIVES: tuple[dict[str, Any], ...] = (
    {"metadata": {"$deleteFromPrimitiveList/finalizers": ["example.com/f"]}},
    {"metadata": {"finalizers": ["example.com/h"]}},
    {"metadata": {"$setElementOrder/finalizers": ["example.com/g", "example.com/f"], "finalizers": ["example.com/g"]}},
    {"metadata": {"labels": {"$patch": "replace", "app": "r"}}},
    {"metadata": {"labels": {"$patch": "delete"}}},
    {"metadata": {"labels": {"$patch": "nope"}}},
    {"data": {"$patch": "replace", "z": "1"}},
    {"data": {"$retainKeys": ["a"], "a": "5"}},
    {"metadata": {"ownerReferences": [{"uid": "x", "$patch": "delete"}]}},
    {"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "q", "uid": "y"}]}},
    {"spec": {"containers": [{"name": "main", "image": "busybox:3"}]}},
    {"spec": {"containers": [{"image": "x"}]}},
    {"spec": {"containers": [{"$patch": "delete", "name": "main"}]}},
    {"spec": {"tolerations": [{"key": "z", "operator": "Exists"}]}},
    {"spec": {"ports": [{"port": 80, "name": "z"}]}},
    {"spec": {"ports": [{"port": 80, "$patch": "delete"}]}},
    {"spec": {"ports": [{"$patch": "replace"}, {"port": 90, "name": "n"}]}},
    {"spec": {"ports": [{"name": "x"}]}},
    {"spec": {"$setElementOrder/ports": [{"port": 81}, {"port": 80}], "ports": [{"port": 81, "name": "b"}]}},
    {"spec": {"selector": {"$retainKeys": ["b"], "b": "c"}}},
    {"secrets": [{"name": "t"}]},
    {"imagePullSecrets": [{"name": "q"}]},
    {"secrets": [{"name": "s", "$patch": "delete"}]},
    {"$patch": "delete"},
    {"$patch": "replace", "metadata": {"name": "a"}},
    {"template": {"spec": {"containers": [{"name": "side", "image": "d"}]}}},
    {"rules": [{"verbs": ["list"], "apiGroups": [""], "resources": ["a"]}]},
    {"subjects": [{"kind": "User", "name": "v"}]},
    {"$setElementOrder/secrets": [{"name": "t"}, {"name": "s"}], "secrets": [{"name": "t"}]},
    {"metadata": {"$deleteFromPrimitiveList/finalizers": "x"}},
    {"spec": {"$setElementOrder/ports": 5}},
    {"spec": {"ports": 5}},
    {"spec": {"containers": None}},
    {"spec": None},
    {"metadata": {"$retainKeys": ["name"], "name": "a"}},
)


def merge(draw: Draw, kind: Fuzzed, name: str) -> Call:
    how = draw.randint(0, 19)
    if how < 14:
        body = of_changes(changes(draw, kind, 3))
    elif how < 19:
        body = of_changes([spoiled(draw, kind, kind.document(name))])
    else:
        body = broken(draw, kind.document(name))
    type = MERGE
    if how >= 18:
        type = of(draw, (MERGE, "text/plain", "", "application/yaml"))
    if isinstance(body, dict) and chance(draw, 15):
        there = body.get("metadata")
        named = revision(draw, f"{kind.path}/{name}")
        body = body | {"metadata": there | named if isinstance(there, dict) else named}
    return Call("merge", "PATCH", f"{kind.path}/{name}", tuple(writing(draw)), body, type)


def revision(draw: Draw, path: str) -> dict[str, Any]:
    """A precondition in metadata."""
    return of(
        draw,
        (
            {"resourceVersion": seen("rv", path)},
            {"resourceVersion": seen("was", path)},
            {"uid": seen("uid", path)},
            {"uid": "nobody"},
            {"resourceVersion": None},
            {"uid": None},
        ),
    )


def of_changes(found: Any) -> dict[str, Any]:
    """A merge patch of members; indexes can't be in one, and end it."""
    body: dict[str, Any] = {}
    for way, value in found:
        node = body
        steps = way
        if any(isinstance(step, int) for step in way):
            continue
        for step in steps[:-1]:
            inner = node.get(step)
            if not isinstance(inner, dict):
                inner = node[step] = {}
            node = inner
        node[steps[-1]] = value
    return json.loads(json.dumps(body))


def strategic(draw: Draw, kind: Fuzzed, name: str) -> Call:
    how = draw.randint(0, 9)
    body: Any = of_changes(changes(draw, kind, 2)) if how < 5 else dict(of(draw, DIRECTIVES))
    if how == 9:
        body = of_changes([spoiled(draw, kind, kind.document(name))]) | body
    return Call("strategic", "PATCH", f"{kind.path}/{name}", tuple(writing(draw)), body, STRATEGIC)
