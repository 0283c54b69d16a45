"""What is known to differ, each with its reason and with calls that show it: one that no longer shows has to leave the list."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .call import APPLY, MERGE, Call
from .kinds import definition
from .sequence import Answer
from .wire import HUNG_UP

MAPS = "/api/v1/namespaces/@{ns}/configmaps"
ROLES = "/apis/rbac.authorization.k8s.io/v1/namespaces/@{ns}/roles"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/namespaces/@{ns}/rolebindings"
CLAIMS = "/api/v1/namespaces/@{ns}/persistentvolumeclaims"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/@{ns}/leases"
SERVICES = "/api/v1/namespaces/@{ns}/services"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/@{ns}/endpointslices"
EVENTS = "/api/v1/namespaces/@{ns}/events"


class Difference(NamedTuple):
    """One value in which two answers differ. ``ours`` and ``theirs`` are "<absent>" where there is none."""

    call: Call
    where: str
    """``status``, ``content type``, ``warnings``, or the dotted way in the body."""
    ours: Any
    theirs: Any
    our_answer: Answer
    their_answer: Answer
    earlier: Sequence[Call] = ()
    """What was asked before, in the same sequence."""


@dataclass(frozen=True)
class Known:
    """A difference that is meant."""

    reason: str
    covers: Callable[[Difference], bool]
    shown_by: tuple[Call, ...]


def _message(answer: Answer) -> str:
    return str(answer.body.get("message", "")) if isinstance(answer.body, dict) else str(answer.body)


def _reworded(*patterns: str) -> Callable[[Difference], bool]:
    """The judge's message has words of its own; both refuse with the same code and reason."""
    compiled = re.compile("|".join(patterns))

    def covers(found: Difference) -> bool:
        inside = found.where == ".message" or found.where.startswith(".details")
        return inside and bool(compiled.search(_message(found.their_answer)))

    return covers


GO_WORDS = (
    "json: cannot unmarshal", "couldn't get version/kind", "unable to decode", "cannot be handled as a", "yaml: line",
    "unable to parse", "invalid character", "strict decoding error", "json: unknown",
    "error decoding", "strconv", "expected: ", "field selector",
    "field label", "StorageError", "invalid selector", "invalid object type", "is unrecognized", "is invalid: patch:",
    "Invalid JSON Patch",
)  # fmt: skip
ALWAYS_WRITTEN = (
    "rules", "eventTime", "lastProbeTime", "endpoints", "conditions", "ports", "creationTimestamp", "metadata", "reportingInstance",
    "reportingComponent", "source", "startedAt", "status", "spec", "loadBalancer", "details", "continue", "items",
    "lastState", "state", "firstTimestamp", "lastTimestamp", "resources", "object", "rows",
)  # fmt: skip
"""Members that Go's encoder writes though they say nothing."""


def _empty(value: Any) -> bool:
    return value in (None, [], {}, "", "<absent>")


def _zero(found: Difference) -> bool:
    return found.where.rpartition(".")[2] in ALWAYS_WRITTEN and _empty(found.ours) and _empty(found.theirs)


def _statuses(found: Difference) -> tuple[int, int]:
    return found.our_answer.status, found.their_answer.status


def _at(document: Any, path: str) -> Any:
    for step in path.strip(".").split("."):
        document = document.get(step, "<absent>") if isinstance(document, dict) else "<absent>"
    return document


def _structs(found: Difference) -> bool:
    ours, theirs = (re.sub(r"\{.*\}", "{}", str(told), flags=re.S) for told in (found.ours, found.theirs))
    return found.where.endswith("message") and (theirs.startswith(ours) or theirs == ours)


def _made(path: str, kind: str, version: str, **members: Any) -> Call:
    return Call("create", "POST", path, (), {"apiVersion": version, "kind": kind, "metadata": {"name": "a"}, **members})


def _map(**members: Any) -> Call:
    return _made(MAPS, "ConfigMap", "v1", **members)


def _applied(path: str, kind: str, version: str, **members: Any) -> Call:
    document = {"apiVersion": version, "kind": kind, "metadata": {"name": "a"}, **members}
    return Call("apply", "PATCH", f"{path}/a", (("fieldManager", "m1"),), document, APPLY)


_EMPTY_METADATA: dict[str, Any] = {"labels": {}, "annotations": {}, "finalizers": [], "ownerReferences": []}


def _applies_nothing(call: Call, path: str) -> bool:
    """Whether it applies an empty list or map in the metadata of the custom object at ``path``."""
    found = call.body.get("metadata") if call.type == APPLY and isinstance(call.body, dict) else None
    return call.path == path and isinstance(found, dict) and any(found.get(one) == none for one, none in _EMPTY_METADATA.items())


def _rewritten(found: Difference) -> bool:
    path = found.call.path.removesuffix("/status").removesuffix("/scale")
    if not found.where.endswith("metadata.resourceVersion") or _statuses(found) != (200, 200) or ".example.com/" not in path:
        return False
    return any(_applies_nothing(call, path) for call in (*found.earlier, found.call))


_RBAC = "rbac.authorization.k8s.io/v1"
_REFERENCE = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"}
_RULES = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
_PROTECTED = {"name": "a", "finalizers": ["kubernetes.io/pvc-protection"]}
_CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}

_SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": [{"port": 80}]}, "status": {}}

WIDGETS = "/apis/fuzz.example.com/v1/namespaces/@{ns}/widgets"
_WIDGET = {"apiVersion": "fuzz.example.com/v1", "kind": "Widget", "metadata": {"name": "a"}}
_THING = definition("Thing", "fuzz.example.com", "Namespaced", {"schema": {"openAPIV3Schema": {"type": "object"}}})

KNOWN: dict[str, Known] = {
    "structs": Known(
        "A kube-apiserver shows Go's structs, and how they differ, in its messages.",
        _structs,
        (_made(BINDINGS, "RoleBinding", _RBAC, roleRef=_REFERENCE),
         Call("update", "PUT", f"{BINDINGS}/a", edit=((("roleRef", "name"), "other"),))),
    ),
    "words": Known(
        "What can't be read is refused in our words: a kube-apiserver's name Go's types, functions and offsets.",
        _reworded(*GO_WORDS),
        (_map(data={"a": 1}),),
    ),
    "media types": Known(
        "Protobuf isn't among the types that we name.",
        _reworded("media types", "Available representations", "Unsupported Media Type", "you requested PartialObject"),
        (Call("get", "GET", MAPS, accept="text/html"),),
    ),
    "zero values": Known(
        "Members that say nothing, which Go's encoder writes all the same, aren't in our documents.",
        _zero,
        (_made(ROLES, "Role", _RBAC, rules=[]),),
    ),
    "prose": Known(
        "Columns of tables have no descriptions: Kubernetes' prose isn't ours.",
        lambda f: ".columnDefinitions" in f.where and f.where.endswith(".description"),
        (Call("list", "GET", MAPS, accept="application/json;as=Table;v=v1;g=meta.k8s.io"),),
    ),
    "definitions": Known(
        "Definitions are accepted in the very write that makes them, not by a controller a moment later.",
        lambda f: f.call.path.endswith("/customresourcedefinitions") and f.where.startswith(".status."),
        (Call("define", "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", (("dryRun", "All"),), _THING),),
    ),
    "lists for texts": Known(
        "A list isn't taken for a text because the text would have a format.",
        lambda f: f.where in ("status", ".details.causes") and 'must be of type string: "array"' in _message(f.our_answer),
        (Call("create", "POST", WIDGETS, (), _WIDGET | {"spec": {"size": 1, "when": ["x"]}}),),
    ),
    "items": Known(
        "Items of our lists say their kind and apiVersion, as a kube-apiserver's of custom kinds do.",
        lambda f: bool(re.search(r"\.items\.\d+\.(kind|apiVersion)$", f.where)) and f.theirs == "<absent>",
        (_map(), Call("list", "GET", MAPS)),
    ),
    "more said": Known(
        "Ours says more than the judge of why a JSON patch can't be carried out.",
        lambda f: f.where == ".message" and str(f.ours).startswith(str(f.theirs)),
        (_map(), Call("json", "PATCH", f"{MAPS}/a", (), [{"op": "remove", "path": "/x"}], "application/json-patch+json")),
    ),
    "finalizers of admission": Known(
        "Claims get no finalizer for their protection: no controller of ours would take it away.",
        lambda f: f.where == ".metadata.finalizers" and "kubernetes.io/pvc-protection" in str(f.theirs),
        (_made(CLAIMS, "PersistentVolumeClaim", "v1", spec=_CLAIM),),
    ),
    "claims": Known(
        "A kube-apiserver writes a claim anew at its first update even when that changes nothing.",
        lambda f: "persistentvolumeclaims" in f.call.path and f.where.endswith("resourceVersion"),
        (_made(CLAIMS, "PersistentVolumeClaim", "v1", spec=_CLAIM, metadata=_PROTECTED),
         Call("merge", "PATCH", f"{CLAIMS}/a", (), {}, MERGE)),
    ),
    "several faults": Known(
        "Of several faults of one request another is told first.",
        lambda f: f.where in ("status", "warnings") and all(status in (400, 406, 413, 415, 422) for status in _statuses(f)),
        (Call("create", "POST", MAPS, (("dryRun", "x"),), "x", type="text/plain"),),
    ),
    "times": Known(
        "Times are kept as they are written, in their zone.",
        lambda f: f.where.endswith("Time") and str(f.ours).startswith("20") and str(f.theirs).endswith("Z"),
        (_made(LEASES, "Lease", "coordination.k8s.io/v1", spec={"renewTime": "2020-01-01T00:00:01.000000+02:00"}),),
    ),
    "nothing in metadata": Known(
        "What doesn't change isn't written anew. A kube-apiserver stores empty lists and maps of metadata that are applied to a "
        "custom object and never shows them: every such apply, and the next other write, makes a revision.",
        _rewritten,
        (_applied(WIDGETS, "Widget", "fuzz.example.com/v1", metadata={"name": "a", "finalizers": []}),
         Call("update", "PUT", f"{WIDGETS}/a", edit=())),
    ),
    "nothing changed": Known(
        "An immutable object may be sent with an empty map that it has not got: that changes nothing.",
        lambda f: bool(re.search(r"'(data|binaryData)'.*\{\}", str(f.call.body or f.call.edit)))
        and f.where in ("status", ".details.causes") and "field is immutable when `immutable` is set" in _message(f.their_answer),
        (_map(immutable=True), Call("merge", "PATCH", f"{MAPS}/a", (), {"binaryData": {}}, MERGE)),
    ),
    "larger claims": Known(
        "A bound claim may be made larger: our volumes are directories, and ask no storage class.",
        lambda f: f.where == "status" and "persistentvolumeclaims" in f.call.path and _statuses(f) == (200, 403),
        (_made(CLAIMS, "PersistentVolumeClaim", "v1", spec=_CLAIM, metadata=_PROTECTED),
         Call("status", "PATCH", f"{CLAIMS}/a/status", (), {"status": {"phase": "Bound"}}, MERGE),
         Call("merge", "PATCH", f"{CLAIMS}/a", (), {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}, MERGE)),
    ),
    "addresses": Known(
        "A service that a write of its status makes has an address, and an owner of its fields; a kube-apiserver gives it neither.",
        lambda f: bool(re.match(r"\.spec\.(clusterIP|ipFamil)|\.metadata\.managed", f.where)) and _statuses(f) == (201, 201)
        and f.call.path.endswith("/status"),
        (Call("status", "PUT", f"{SERVICES}/a/status", (), _SERVICE),),
    ),
    "here": Known(
        "Pods without a network of their own are reached at this machine's loopback address, so an EndpointSlice may name it.",
        lambda f: "may not be in the loopback range" in _message(f.their_answer) and "endpointslices" in f.call.path,
        (_made(SLICES, "EndpointSlice", "discovery.k8s.io/v1", addressType="IPv4", endpoints=[{"addresses": ["127.0.0.1"]}]),),
    ),
    "when to ask again": Known(
        "Who asks for a revision to come is told when to ask again; a kube-apiserver says nothing of it for events.",
        lambda f: f.where == ".details.retryAfterSeconds" and f.their_answer.status == 504 and "/events" in f.call.path,
        (Call("get", "GET", f"{EVENTS}/a", (("resourceVersion", "99999999"),)),),
    ),
    "plain 404": Known(
        "An address of no kind is answered with a Status, not with text.",
        lambda f: f.our_answer.status == f.their_answer.status == 404 and f.where in ("content type", ""),
        (Call("odd", "GET", "/apis/nope.example.com/v1/x"),),
    ),
    "whose fault": Known(
        "What a caller did wrong is never an internal error (500) of ours; a patch's members that no kind has are dropped.",
        lambda f: f.their_answer.status in (500, HUNG_UP)
        and (400 <= f.our_answer.status < 500 or _NO_MEMBER in _message(f.their_answer)),
        (Call("get", "GET", f"{MAPS}/a", (("resourceVersion", "x"),)),),
    ),
}  # fmt: skip
_NO_MEMBER = "unable to find api field"
DIVERGING = ("claims", "nothing in metadata", "larger claims", "addresses", "here", "finalizers of admission")
"""After these the servers' objects are no longer the same, and the sequence ends."""


def covered_by(found: Difference) -> str:
    """The name of the entry, or nothing."""
    return next((name for name, known in KNOWN.items() if known.covers(found)), "")
