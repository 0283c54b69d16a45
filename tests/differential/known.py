"""What is known to differ, each with its reason and with calls that show it: one that no longer shows has to leave the list."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.patch.written import put
from boatyard.machinery.registry.core.types import core_schema
from boatyard.machinery.schema.structural import Structural

from .call import APPLY, JSON, MERGE, STRATEGIC, Call
from .kinds import CUSTOM, KINDS, definition
from .sequence import Answer, shown
from .wire import HUNG_UP
from .words import message, reworded

MAPS = "/api/v1/namespaces/@{ns}/configmaps"
ROLES = "/apis/rbac.authorization.k8s.io/v1/namespaces/@{ns}/roles"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/namespaces/@{ns}/rolebindings"
CLAIMS = "/api/v1/namespaces/@{ns}/persistentvolumeclaims"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/@{ns}/leases"
SERVICES = "/api/v1/namespaces/@{ns}/services"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/@{ns}/endpointslices"
PODS = "/api/v1/namespaces/@{ns}/pods"
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
    return message(answer.body)


def _reworded(found: Difference) -> bool:
    inside = found.where == ".message" or found.where.startswith(".details")
    return inside and reworded(_message(found.their_answer), _message(found.our_answer))


def _zero(found: Difference) -> bool:
    """Whether Go writes this member of this type so, though it says nothing."""
    place = re.fullmatch(r"(?:\.\d+\.object)?(?:\.items\.\d+|\.rows\.\d+\.object)?((?:\.[^.]+)*)\.([^.]+)", found.where)
    kind = next((kind for kind in KINDS.values() if found.call.path.startswith(kind.path)), None)
    if place is None or kind is None or kind.name in CUSTOM or found.ours not in ("<absent>", None, [], {}, ""):
        return False
    group, _, version = kind.base["apiVersion"].rpartition("/")
    node: Structural | None = core_schema(Resource(group, version, "", kind.base["kind"]))
    for step in place.group(1).split(".")[1:]:
        node = (node.items if step.isdigit() else node.child(step)) if node is not None else None
    member, written = place.group(2), dict[str, Any]()
    if node is not None:
        put(node, written)
    if member in written and written[member] is None and found.theirs == []:
        return True  # of what an update ends, which nobody stores, the judge shows what was sent
    return member in written and found.theirs == written[member]


_TERSE = (
    "the server rejected our request due to an error in our request",
    "the namespace of the provided object does not match the namespace sent on the request",
)
def _nothing(found: Difference) -> bool:
    """What stands around nothing."""
    about = (found.where, found.ours, found.theirs)
    return about in ((".items", [], None), (".rows", [], None), (".details", "<absent>", {}))


def _statuses(found: Difference) -> tuple[int, int]:
    return found.our_answer.status, found.their_answer.status


def _at(document: Any, path: str) -> Any:
    for step in path.strip(".").split("."):
        document = document.get(step, "<absent>") if isinstance(document, dict) else "<absent>"
    return document


def _structs(found: Difference) -> bool:
    ours, theirs = str(found.ours), str(found.theirs)
    if not found.where.endswith("message"):
        return False
    if theirs.startswith(ours + "\n@@"):
        return True
    return "{" in theirs and re.sub(r"\{.*\}", "{}", theirs, flags=re.S) == re.sub(r"\{.*\}", "{}", ours, flags=re.S)


_CALLERS = re.compile(
    r"^failed to create typed patch object \(|^(resourceVersion: Invalid value: .*)?strconv\.ParseUint: parsing"
    r"|^couldn't get version/kind; json parse error: |^json: cannot unmarshal \w+ into Go struct field DeleteOptions\."
    r"|^failed to convert new object \(.*\) to proper version: |^expected a \[\]interface \{\}, but received a "
    r"|^content is not a list$|^no kind .* is registered for version .meta\.k8s\.io/v1"
    r"|^map: map\[.*\] does not contain declared merge key: |^unknown patch type: "
    r"|^resourceVersion should not be set on objects to be created$|Object 'apiVersion' is missing in"
)


def _is_callers(told: str) -> bool:
    """Whether what is told as an internal error is the caller's."""
    return bool(_CALLERS.search(told))


def _of_whole_cluster(found: Difference) -> bool:
    """A list of all there is of a kind in no namespace: a selector that selects nothing in particular."""
    whole = "/namespaces/@{ns}/" not in found.call.path and dict(found.call.query).get("fieldSelector") in ("=", ",")
    return found.call.verb == "list" and whole and found.where.startswith((".items", ".rows", ".metadata."))


def _events(found: Any) -> list[tuple[str, str]] | Any:
    """Types and names, but for pods that are written once more before they are gone."""
    if not isinstance(found, list) or not all(isinstance(event, dict) for event in found):
        return found
    seen = [(event["type"], shown(event["object"]).get("metadata") or {}) for event in found]
    left = [(type, meta) for type, meta in seen if type != "MODIFIED" or meta.get("deletionGracePeriodSeconds") != 0]
    return [(type, meta.get("name", "")) for type, meta in left]


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


def _lease(**members: Any) -> Call:
    return _made(LEASES, "Lease", "coordination.k8s.io/v1", **members)


def _pod(name: str) -> Call:
    spec = {"containers": [{"name": "main", "image": "busybox"}]}
    return _made(PODS, "Pod", "v1", metadata={"name": name}, spec=spec)


_TOO_MANY_SECONDS = {"spec": {"leaseDurationSeconds": 3_000_000_000}}
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
        "What can't be read is refused in our words: a kube-apiserver's name Go's types, functions and offsets, and media types "
        "that ours doesn't speak.",
        _reworded,
        (_map(data={"a": 1}), Call("get", "GET", MAPS, accept="text/html")),
    ),
    "zero values": Known(
        "Members that say nothing, which Go's encoder writes all the same, aren't in our documents.",
        _zero,
        (_made(ROLES, "Role", _RBAC, rules=[]),),
    ),
    "nothing": Known(
        "A list without entries is an empty list, never null; and a refusal without details has none.",
        _nothing,
        (Call("list", "GET", MAPS, accept="application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"),),
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
        lambda f: f.where in ("status", ".details.causes", ".message")
        and 'must be of type string: "array"' in _message(f.our_answer),
        (Call("create", "POST", WIDGETS, (), _WIDGET | {"spec": {"size": 1, "when": ["x"]}}),),
    ),
    "items": Known(
        "Items of our lists say their kind and apiVersion, as a kube-apiserver's of custom kinds do.",
        lambda f: bool(re.search(r"\.items\.\d+\.(kind|apiVersion)$", f.where)) and f.theirs == "<absent>",
        (_map(), Call("list", "GET", MAPS)),
    ),
    "more said": Known(
        "Ours says more than the judge of why a JSON patch can't be carried out, and which namespaces don't match.",
        lambda f: f.where == ".message" and f.theirs in _TERSE and str(f.ours).startswith(f"{f.theirs}: "),
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
    "nothing in metadata": Known(
        "What doesn't change isn't written anew. A kube-apiserver stores empty lists and maps of metadata that are applied to a "
        "custom object and never shows them: every such apply, and the next other write, makes a revision.",
        _rewritten,
        (_applied(WIDGETS, "Widget", "fuzz.example.com/v1", metadata={"name": "a", "finalizers": []}),
         Call("update", "PUT", f"{WIDGETS}/a", edit=())),
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
        "What a caller did wrong is never an internal error (500) of ours.",
        lambda f: f.their_answer.status == 500 and 400 <= f.our_answer.status < 500 and _is_callers(_message(f.their_answer)),
        (Call("get", "GET", f"{MAPS}/a", (("resourceVersion", "x"),)),),
    ),
    "members of none": Known(
        "Members of a strategic merge patch that no kind has are dropped, as those of any other document.",
        lambda f: f.their_answer.status == 500 and _message(f.their_answer).startswith("unable to find api field in struct"),
        (_map(), Call("strategic", "PATCH", f"{MAPS}/a", (), {"nope": [{"name": "x"}], "$setElementOrder/nope": []}, STRATEGIC)),
    ),
    "hung up": Known(
        "A kube-apiserver falls over some definitions, and over a JSON patch that replaces a document by nothing, and hangs up.",
        lambda f: f.their_answer.status == HUNG_UP and f.call.verb in ("json", "define") and f.our_answer.status == 422,
        (_map(), Call("json", "PATCH", f"{MAPS}/a", (), [{"op": "replace", "path": ""}], JSON)),
    ),
    "cut numbers": Known(
        "A kube-apiserver cuts whole numbers to 32 bits without a word where a patch or an apply sets them: ours refuses them.",
        lambda f: bool(re.search(r"must be of type int32: \d", _message(f.our_answer))) and f.call.method == "PATCH"
        and "Invalid value: -" in _message(f.their_answer),
        (_lease(spec={"leaseDurationSeconds": 1}), Call("strategic", "PATCH", f"{LEASES}/a", (), _TOO_MANY_SECONDS, STRATEGIC)),
    ),
    "whole cluster": Known(
        "What else there is in a cluster is its own: cluster roles that come with it, what other sequences left.",
        _of_whole_cluster,
        (Call("list", "GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles", (("fieldSelector", "="), ("limit", "1"))),),
    ),
    "born deleted": Known(
        "Nothing is made as what is being deleted already, which nobody would ever end: a kube-apiserver keeps the times of a "
        "deletion that an apply of what isn't there says, though it drops those of a create.",
        lambda f: f.where in (".metadata.deletionTimestamp", ".metadata.deletionGracePeriodSeconds") and f.ours == "<absent>"
        and f.call.type == APPLY and _statuses(f) == (201, 201),
        (_applied(MAPS, "ConfigMap", "v1", metadata={"name": "a", "deletionTimestamp": "2001-01-01T00:00:00Z"}),),
    ),
    "gone at once": Known(
        "A pod that nobody holds goes in one write; a kube-apiserver first writes that it goes.",
        lambda f: f.call.verb == "watch" and "/pods" in f.call.path and f.where == "" and _events(f.ours) == _events(f.theirs),
        (_pod("a"), Call("delete", "DELETE", f"{PODS}/a"),
         Call("watch", "GET", PODS, (("watch", "1"), ("resourceVersion", f"@{{list:{PODS}}}")), until=(PODS, _pod("zz-end").body))),
    ),
}  # fmt: skip
DIVERGING = (
    "claims", "nothing in metadata", "larger claims", "addresses", "here", "finalizers of admission", "gone at once",
    "whole cluster", "born deleted",
)  # fmt: skip
"""After these the servers' objects are no longer the same, and the sequence ends."""


def covered_by(found: Difference) -> str:
    """The name of the entry, or nothing."""
    return next((name for name, known in KNOWN.items() if known.covers(found)), "")
