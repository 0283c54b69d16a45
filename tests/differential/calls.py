"""Random calls: each verb with what it may be asked, and with what it must refuse."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from .call import Call, changed
from .documents import METADATA, WEIRD, Draw, broken, changes, places, right, spoiled, wrong
from .kinds import CUSTOM, KINDS, Fuzzed

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PARTIAL = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
PARTIALS = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
MERGE, JSON, STRATEGIC, APPLY = (
    f"application/{name}" for name in ("merge-patch+json", "json-patch+json", "strategic-merge-patch+json", "apply-patch+yaml")
)
SELECTORS = (
    "app=x",
    "app==x",
    "app!=x",
    "app",
    "!app",
    "app in (x,y)",
    "app notin (x)",
    "app=x,tier!=web",
    "tier in (web, db),app",
    "app=",
    "app!=",
    "app in ()",
    "nope=1",
    "tier notin (web),!nope",
)
BAD_SELECTORS = (
    "app in (",
    "a b",
    "=x",
    "app=x y",
    "!",
    "app in x",
    ",",
    "app=(",
    "a/b/c=d",
    "app>x",
    "app>1",
    "-a=b",
    "app=" + "x" * 70,
)
BAD_FIELDS = (
    "spec.nope=x",
    "metadata.name",
    "metadata.name=a=b",
    "=",
    "metadata.name>a",
    "spec.color=red,x=y",
    ",",
    "metadata.name=a,",
)
ACCEPTS = ("", "", "", "", "", TABLE, PARTIAL, PARTIALS, f"{TABLE},application/json", "application/yaml", "*/*")
BAD_ACCEPTS = ("text/html", "application/json;as=Nope;v=v1;g=meta.k8s.io", "application/xml", TABLE.replace("v1", "v9"))

Query = list[tuple[str, str]]


def seen(what: str, path: str) -> str:
    """A place for what a server said of what is at ``path``: its ``rv``, ``was``, ``uid``, ``list`` or ``continue``."""
    return f"@{{{what}:{path}}}"


def chance(draw: Draw, percent: int) -> bool:
    return draw.randrange(100) >= 100 - percent


def of(draw: Draw, values: Any) -> Any:
    return draw.choice(values)


def writing(draw: Draw) -> Query:
    """Options of a write."""
    query: Query = []
    which = draw.randint(0, 19)
    if which in (14, 15):
        query.append(("dryRun", "All"))
    if which in (16, 17, 18):
        query.append(("fieldValidation", of(draw, ("Strict", "Warn", "Ignore"))))
    if which == 19:
        query.append(
            of(
                draw,
                (("dryRun", "Nope"), ("fieldValidation", "nope"), ("fieldManager", "x" * 200), ("pretty", "true"), ("dryRun", "")),
            )
        )
    return query


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


def get(draw: Draw, kind: Fuzzed, name: str) -> Call:
    query: Query = []
    if chance(draw, 15):
        query.append(("resourceVersion", of(draw, ("0", seen("rv", f"{kind.path}/{name}"), "1", "x", "99999999", ""))))
    accept = of(draw, ACCEPTS if chance(draw, 90) else BAD_ACCEPTS)
    if accept == TABLE and chance(draw, 50):
        query.append(("includeObject", of(draw, ("None", "Metadata", "Object", "Nope"))))
    return Call("get", "GET", f"{kind.path}/{name}", tuple(query), accept=accept)


def listing(draw: Draw, kind: Fuzzed, name: str) -> Call:
    query = selecting(draw, kind)
    if not kind.namespaced and not query:
        query.append(("fieldSelector", "metadata.name=" + of(draw, kind.names)))
    which = draw.randint(0, 19)
    if which < 5:
        query.append(("limit", of(draw, ("1", "2", "3", "500", "0"))))
        if which < 2 and kind.namespaced:
            query.append(("continue", seen("continue", kind.path)))
    elif which < 9:
        revision = of(draw, ("0", seen("list", kind.path), seen("rv", f"{kind.path}/{name}"), seen("was", f"{kind.path}/{name}")))
        query.append(("resourceVersion", revision))
        match = of(draw, ("", "Exact", "NotOlderThan"))
        if match:
            query.append(("resourceVersionMatch", match))
    elif which == 9:
        query.append(
            of(
                draw,
                (
                    ("limit", "-1"),
                    ("limit", "x"),
                    ("continue", "xx"),
                    ("resourceVersion", "x"),
                    ("resourceVersionMatch", "Exact"),
                    ("resourceVersionMatch", "Nope"),
                    ("resourceVersion", "-1"),
                    ("timeoutSeconds", "x"),
                    ("timeoutSeconds", "-1"),
                ),
            )
        )
    accept = of(draw, ACCEPTS if chance(draw, 95) else BAD_ACCEPTS)
    return Call("list", "GET", kind.path, tuple(query), accept=accept)


def selecting(draw: Draw, kind: Fuzzed) -> Query:
    """Which objects."""
    which = draw.randint(0, 19)
    if which < 6 and kind.namespaced:
        return [("labelSelector", of(draw, SELECTORS))]
    if which < 10:
        own = (f"metadata.name={of(draw, kind.names)}",)
        more = (
            *kind.fields,
            f"metadata.name!={kind.names[0]}",
            "metadata.namespace=@{ns}",
            "metadata.namespace=other",
            "metadata.name=",
        )
        return [("fieldSelector", of(draw, own + (more if kind.namespaced else ())))]
    if which == 10:
        return [of(draw, [("labelSelector", bad) for bad in BAD_SELECTORS] + [("fieldSelector", bad) for bad in BAD_FIELDS])]
    return []


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
            body = (
                dict(
                    of(
                        draw,
                        ({"spec": {}}, {"metadata": {"labels": {"app": "z"}}}, {"metadata": {"finalizers": ["example.com/f"]}}),
                    )
                )
                | body
            )
        return Call("status", "PATCH", path, tuple(writing(draw)), body, MERGE)
    if how < 8:
        document = right(draw, kind, name) | {"status": part}
        return Call("status", "PUT", path, tuple(writing(draw)), document)
    return apply(draw, kind, name, {"status": part}, "/status")


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
        body = body | {
            "metadata": (body.get("metadata") if isinstance(body.get("metadata"), dict) else {})
            | revision(draw, f"{kind.path}/{name}")
        }
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


def json_patch(draw: Draw, kind: Fuzzed, name: str) -> Call:
    operations: list[Any] = []
    base = kind.document(name, labels={"app": "x"})
    for _ in range(draw.randint(1, 3)):
        which = draw.randint(0, 9)
        if which < 6:
            way, value = of(draw, (*kind.may, *METADATA))
        elif which < 7:
            way, value = spoiled(draw, kind, base)
        else:
            way, value = of(draw, list(places(base))), of(draw, WEIRD)
        pointer = "/" + "/".join(str(step).replace("~", "~0").replace("/", "~1") for step in way)
        if which == 8:
            pointer = of(
                draw, ("/spec/nope/x", "/metadata/labels/app", "/data/-", "", "x", "/metadata/finalizers/-", "/spec/parts/0", "/~2")
            )
        op = of(draw, ("add", "add", "add", "replace", "replace", "remove", "test", "copy", "move", "nope"))
        operation: dict[str, Any] = {"op": op, "path": pointer}
        if op in ("add", "replace", "test"):
            operation["value"] = value
        if op in ("copy", "move"):
            operation["from"] = of(draw, ("/metadata/labels", "/spec", "/data", "/nope", pointer))
        operations.append(operation)
    body: Any = operations
    if chance(draw, 4):
        body = of(draw, ({}, "[]", "[5]", '[{"op":"add"}]', "null", "x", [{"path": "/a", "value": 1}]))
    return Call("json", "PATCH", f"{kind.path}/{name}", tuple(writing(draw)), body, JSON)


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


def strategic(draw: Draw, kind: Fuzzed, name: str) -> Call:
    how = draw.randint(0, 9)
    body: Any = of_changes(changes(draw, kind, 2)) if how < 5 else dict(of(draw, DIRECTIVES))
    if how == 9:
        body = of_changes([spoiled(draw, kind, kind.document(name))]) | body
    return Call("strategic", "PATCH", f"{kind.path}/{name}", tuple(writing(draw)), body, STRATEGIC)


def apply(draw: Draw, kind: Fuzzed, name: str, own: dict[str, Any] | None = None, subresource: str = "") -> Call:
    """Server-side apply by one of two managers."""
    base = {"apiVersion": kind.base["apiVersion"], "kind": kind.base["kind"], "metadata": {"name": name}}
    how = draw.randint(0, 19)
    if own is not None:
        document = base | own
    elif how < 10:
        document = kind.document(name) | {}
        document = _laid(document, changes(draw, kind, 2))
    else:
        document = _laid(base, changes(draw, kind, 2))
    if how >= 18:
        document = _laid(document, [spoiled(draw, kind, document)])
    meta = document.get("metadata")
    if isinstance(meta, dict) and len(document) == 3 and len(meta) == 1 and how < 18:
        meta["labels"] = {"app": "applied"}
    if isinstance(meta, dict):
        for field in ("generation", "creationTimestamp", "selfLink", "deletionGracePeriodSeconds"):
            meta.pop(field, None)
    query = [("fieldManager", of(draw, ("m1", "m2"))), *(q for q in writing(draw) if q[0] != "fieldManager")]
    force = of(draw, ("", "true", "false", "true"))
    if force:
        query.append(("force", force))
    if how == 17:
        query = query[1:]
    return Call("apply", "PATCH", f"{kind.path}/{name}{subresource}", tuple(query), document, APPLY)


def _laid(document: dict[str, Any], found: Any) -> dict[str, Any]:
    return changed(document, tuple(found))


def delete(draw: Draw, kind: Fuzzed, name: str) -> Call:
    path, query, body = f"{kind.path}/{name}", [], None
    which = draw.randint(0, 19)
    if which in (8, 9):
        query.append(("propagationPolicy", of(draw, ("Background", "Foreground", "Orphan", "Nope"))))
    elif which in (10, 11, 12):
        body = {"propagationPolicy": of(draw, ("Background", "Foreground", "Orphan")), "kind": "DeleteOptions", "apiVersion": "v1"}
    elif which in (13, 14):
        body = {
            "preconditions": of(
                draw,
                (
                    {"uid": seen("uid", path)},
                    {"uid": "nobody"},
                    {"resourceVersion": seen("rv", path)},
                    {"resourceVersion": seen("was", path)},
                    {},
                ),
            )
        }
    elif which in (15, 16):
        query.append(("gracePeriodSeconds", of(draw, ("0", "1", "30", "-1", "x"))))
    elif which == 17:
        query.append(("dryRun", "All"))
    elif which == 18:
        body = of(
            draw,
            (
                {"orphanDependents": True},
                {"orphanDependents": False, "propagationPolicy": "Orphan"},
                {"gracePeriodSeconds": "x"},
                {"propagationPolicy": "Nope"},
                {"kind": "Nope"},
                "x",
                "[]",
                {"dryRun": ["All"]},
                {"dryRun": "All"},
                {"unknown": 1},
                {"gracePeriodSeconds": 5},
            ),
        )
    return Call("delete", "DELETE", path, tuple(query), body)


def clear(draw: Draw, kind: Fuzzed, name: str) -> Call:
    """The deletion of a collection."""
    if not kind.namespaced:
        return delete(draw, kind, name)
    query = selecting(draw, kind)
    if chance(draw, 15):
        query.append(
            of(draw, (("dryRun", "All"), ("limit", "1"), ("propagationPolicy", "Orphan"), ("propagationPolicy", "Foreground")))
        )
    return Call("deletecollection", "DELETE", kind.path, tuple(query))


def scale(draw: Draw, kind: Fuzzed, name: str) -> Call:
    path, how = f"{kind.path}/{name}/scale", draw.randint(0, 9)
    if how < 3:
        return Call("scale", "GET", path, accept=of(draw, ("", TABLE)))
    replicas = of(draw, (0, 1, 2, 5, -1, "x", None))
    if how < 6:
        return Call("scale", "PATCH", path, tuple(writing(draw)), {"spec": {"replicas": replicas}}, MERGE)
    body = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": name}, "spec": {"replicas": replicas}}
    if how == 9:
        body = dict(
            of(
                draw,
                (
                    body | {"kind": "Nope"},
                    body | {"metadata": {"name": "other"}},
                    body | {"spec": {}},
                    body | {"metadata": {}},
                    body | {"metadata": {"name": name, "resourceVersion": seen("was", f"{kind.path}/{name}")}},
                ),
            )
        )
    return Call("scale", "PUT", path, tuple(writing(draw)), body)


def watch(draw: Draw, kind: Fuzzed, name: str) -> Call:
    """From a revision up to an object that is made for it."""
    labels = {"app": "x"}
    query: Query = [("watch", "1")]
    if chance(draw, 40):
        query.append(("labelSelector", of(draw, ("app=x", "app", "app in (x,y)", "tier!=web"))))
    revision = of(draw, (seen("list", kind.path), seen("rv", f"{kind.path}/{name}"), seen("was", f"{kind.path}/{name}"), "0", ""))
    if revision:
        query.append(("resourceVersion", revision))
    if chance(draw, 20):
        query.append(("allowWatchBookmarks", "true"))
    last = kind.document("zz-end", labels=labels)
    return Call("watch", "GET", kind.path, tuple(query), accept=of(draw, ("", "", "", TABLE, PARTIAL)), until=(kind.path, last))


ODD: tuple[tuple[str, str], ...] = (
    ("GET", "/api/v1/namespaces/@{ns}/nopes"),
    ("GET", "/apis/nope.example.com/v1/x"),
    ("GET", "/api/v9/pods"),
    ("POST", "/api/v1/configmaps"),
    ("PUT", "/api/v1/namespaces/@{ns}/configmaps"),
    ("PATCH", "/api/v1/namespaces/@{ns}/configmaps"),
    ("GET", "/api/v1/namespaces/@{ns}/configmaps/a/nope"),
    ("POST", "/api/v1/namespaces/@{ns}/configmaps/a"),
    ("DELETE", "/api/v1/namespaces/@{ns}/pods/a/status"),
    ("GET", "/api/v1/pods/a"),
    ("HEAD", "/api/v1/namespaces/@{ns}/configmaps/a"),
    ("OPTIONS", "/api/v1/namespaces/@{ns}/configmaps"),
    ("GET", "/apis/apps/v1/nope"),
    ("GET", "/api/v1/namespaces/@{ns}/configmaps/a/scale"),
    ("GET", "/nope"),
    ("GET", "/api/v1/namespaces/nope-@{ns}/configmaps"),
    ("GET", "/api/v1/namespaces/@{ns}/namespaces"),
    ("GET", "/api/v1/nodes/nope-@{ns}"),
    ("DELETE", "/api/v1/namespaces"),
    ("GET", "/apis/fuzz.example.com/v2/widgets"),
    ("GET", "/api/v1/namespaces/@{ns}/pods/nope/log"),
    ("TRACE", "/api/v1/pods"),
    ("GET", "/api/v1/namespaces/@{ns}/configmaps/a%2Fb"),
    ("GET", "/api/v1/namespaces/@{ns}/configmaps/A_"),
    ("GET", "/api/v1//pods"),
    ("DELETE", "/api/v1/configmaps"),
    ("PATCH", "/api/v1/namespaces/@{ns}/configmaps/a"),
    ("GET", "/api/v1/namespaces/@{ns}/configmaps/"),
)


def odd(draw: Draw, kind: Fuzzed, name: str) -> Call:
    """An address or a method that isn't there."""
    if chance(draw, 20):
        path = kind.path.replace("@{ns}", "nope-@{ns}")
        return Call("odd", "POST", path, (), right(draw, kind, name))
    method, path = of(draw, ODD)
    body = {"a": 1} if method in ("POST", "PUT", "PATCH") else None
    return Call("odd", method, path, (), body, of(draw, ("", MERGE, "text/x")) if body else "")


VERBS = (
    *[create] * 16,
    *[get] * 7,
    *[listing] * 11,
    *[update] * 12,
    *[merge] * 10,
    *[json_patch] * 7,
    *[strategic] * 8,
    *[apply] * 16,
    *[delete] * 6,
    clear,
    *[watch] * 3,
    odd,
    *[status] * 8,
)


def call(draw: Draw, kinds: tuple[str, ...]) -> Call:
    """Any call about one of the kinds."""
    kind = KINDS[of(draw, kinds)]
    make = of(draw, VERBS)
    name = of(draw, kind.names[:2] if make is not get else kind.names)
    if make is status:
        if kind.scale and chance(draw, 40):
            make = scale
        elif kind.status is None and chance(draw, 90):
            make = apply
    if make is watch and not kind.namespaced:
        make = listing
    if make.__name__ in kind.skip:
        make = merge
    if make is strategic and kind.name in CUSTOM and chance(draw, 90):
        make = merge
    return make(draw, kind, name)


def sequence(seed: str) -> list[Call]:
    """Calls about one or two kinds, most of which are there when they are asked for. The same for the same seed."""
    draw = Random(seed)
    kinds = tuple(dict.fromkeys(of(draw, tuple(KINDS)) for _ in range(draw.randint(1, 2))))
    begin = [
        Call("create", "POST", KINDS[kind].path, (), right(draw, KINDS[kind], name))
        for kind in kinds
        for name in KINDS[kind].names[:2]
        if chance(draw, 75)
    ]
    return begin + [call(draw, kinds) for _ in range(draw.randint(6, 16))]
