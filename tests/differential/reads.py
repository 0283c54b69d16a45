"""Random gets, lists and watches, in every form that can be asked for."""

from __future__ import annotations

from .call import Call
from .documents import Draw
from .draw import Query, chance, of, seen
from .kinds import Fuzzed

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PARTIAL = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
PARTIALS = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
ACCEPTS = ("", "", "", "", "", TABLE, PARTIAL, PARTIALS, f"{TABLE},application/json", "application/yaml", "*/*")
BAD_ACCEPTS = ("text/html", "application/json;as=Nope;v=v1;g=meta.k8s.io", "application/xml", TABLE.replace("v1", "v9"))
SELECTORS = (
    "app=x", "app==x", "app!=x", "app", "!app", "app in (x,y)", "app notin (x)", "app=x,tier!=web", "tier in (web, db),app", "app=",
    "app!=", "app in ()", "nope=1", "tier notin (web),!nope",
)  # fmt: skip
BAD_SELECTORS = (
    "app in (", "a b", "=x", "app=x y", "!", "app in x", ",", "app=(", "a/b/c=d", "app>x", "app>1", "-a=b", "app=" + "x" * 70,
)  # fmt: skip
BAD_FIELDS = (
    "spec.nope=x", "metadata.name", "metadata.name=a=b", "=", "metadata.name>a", "spec.color=red,x=y", ",", "metadata.name=a,",
)  # fmt: skip
BAD_OPTIONS = (
    ("limit", "-1"), ("limit", "x"), ("continue", "xx"), ("resourceVersion", "x"), ("resourceVersionMatch", "Exact"),
    ("resourceVersionMatch", "Nope"), ("resourceVersion", "-1"), ("timeoutSeconds", "x"), ("timeoutSeconds", "-1"),
)  # fmt: skip


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
        query.append(of(draw, BAD_OPTIONS))
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
            *kind.fields, f"metadata.name!={kind.names[0]}", "metadata.namespace=@{ns}", "metadata.namespace=other",
            "metadata.name=",
        )  # fmt: skip
        return [("fieldSelector", of(draw, own + (more if kind.namespaced else ())))]
    if which == 10:
        return [of(draw, [("labelSelector", bad) for bad in BAD_SELECTORS] + [("fieldSelector", bad) for bad in BAD_FIELDS])]
    return []


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
