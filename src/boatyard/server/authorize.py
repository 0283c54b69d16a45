"""May he: asked of every call before anything of it is looked at, its body, its method and whether what it names exists included.

What is asked for is told from the address alone, as Kubernetes does (``pkg/endpoints/request/requestinfo.go``), so that who has no
right learns nothing else. The registry asks again about what only a document tells.
"""

from __future__ import annotations

from aiohttp import web

from boatyard.machinery.meta.core import NAMESPACES, PODS
from boatyard.machinery.meta.errors import BadRequest, Forbidden
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry.authorizer import Authorizer, refusal
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.registry.selection import Selection
from boatyard.server.auth.authenticate import public
from boatyard.server.call import Call, flag
from boatyard.server.path import ResourcePath
from boatyard.server.pods import STREAMS

_VERBS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_OF_MANY = {"get": "list", "delete": "deletecollection"}


def authorize_path(call: Call, authorizer: Authorizer) -> None:
    """An address that is no resource. Raises Forbidden."""
    verb, address = call.request.method.lower(), call.request.path
    if public(address):
        return
    decision = authorizer.allows_path(call.caller, verb, address)
    if not decision.allowed:
        told = f'forbidden: User "{call.caller.name}" cannot {verb} path "{address}"'
        raise Forbidden(told + (f": {decision.reason}" if decision.reason else ""))


def authorize(call: Call, kind: Kind | None, target: ResourcePath, authorizer: Authorizer) -> None:
    """A resource, served (``kind``) or not. Raises Forbidden."""
    resource = kind.resource if kind else Resource(target.group, target.version, target.plural, "")
    verb, name, node = verb_of(call.request, target), target.name, ""
    if not name and verb in ("list", "watch"):
        name, node = _selected(call, kind)
    # A namespace is inside of itself: who has rights there may have them on it.
    namespace = target.name if resource == NAMESPACES else target.namespace
    decision = authorizer.allows(call.caller, verb, resource, target.subresource, namespace, name, node)
    if not decision.allowed:
        raise refusal(call.caller, verb, resource, target.subresource, namespace, name, decision.reason)


def verb_of(request: web.Request, target: ResourcePath) -> str:
    """What is done to a resource; empty for a method that means nothing."""
    verb = _VERBS.get(request.method, "")
    if not target.name:
        verb = _OF_MANY.get(verb, verb)
    if target.subresource in STREAMS and (target.group, target.plural) == ("", PODS.plural):
        # A websocket comes as GET: what it does is to begin something.
        return "create"
    if request.method == "GET" and not target.subresource and flag(request.query, "watch"):
        return "watch"
    return verb


def _selected(call: Call, kind: Kind | None) -> tuple[str, str]:
    """The one name, and the one node, that a selector confines a list to."""
    selector = call.query.get("fieldSelector", "")
    if kind is None or not selector:
        return "", ""
    try:
        selection = Selection.of(kind, "", selector)
    except BadRequest:
        return "", ""
    return selection.name or "", selection.node
