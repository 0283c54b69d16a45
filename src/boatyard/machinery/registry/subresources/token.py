"""``serviceaccounts/token``: a token for an account, bound to a pod, a secret or a node if asked.

Rules, their order and wording follow ``pkg/registry/core/serviceaccount/storage/token.go`` and
``pkg/apis/authentication/validation``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from boatyard.machinery.meta import field_errors
from boatyard.machinery.meta.core import NODES, PODS, SECRETS, SERVICE_ACCOUNTS
from boatyard.machinery.meta.errors import BadRequest, FieldError, ServiceUnavailable, conflict, invalid, not_found
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.meta.timestamps import rfc3339
from boatyard.machinery.registry.admission import node_restriction
from boatyard.machinery.registry.core.types import core_type
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.registry.ledger import Ledger
from boatyard.machinery.registry.request import Request
from boatyard.machinery.registry.subresources.posted import read_as
from boatyard.machinery.registry.tokens import TokenMinter

SHORTEST_SECONDS, DEFAULT_SECONDS, LARGEST_SECONDS = 600, 3600, 1 << 32
"""What may be asked for; what is given may be less."""

TOKEN_REQUEST = Kind(
    Resource("authentication.k8s.io", "v1", "tokenrequests", "TokenRequest"), stored=False,
    schema=lambda: core_type("authentication.v1.TokenRequest"),
)  # fmt: skip
_SERVER_SET = ("deletionTimestamp", "deletionGracePeriodSeconds", "generation", "managedFields", "resourceVersion", "selfLink")
_BOUND = {"Pod": PODS, "Secret": SECRETS, "Node": NODES}


class Bound(NamedTuple):
    """What a token ends with, and the node that it says its pod is on."""

    obj: Object | None = None
    node: Object | None = None


def request_token(ledger: Ledger, request: Request, body: Object, minter: TokenMinter | None) -> Object:
    """Answer a TokenRequest; a dry run gets a token, too, as nothing is written.

    Raises BadRequest, NotFound (the account, or what the token is to be bound to), Invalid, Conflict (another uid), Forbidden (to
    a node, for what is none of its pods).
    """
    if minter is None:
        raise ServiceUnavailable("this server issues no tokens")
    spec = body["spec"] = _without_nulls(body.get("spec"))
    if "status" in body:
        body["status"] = _without_nulls(body["status"])  # kubectl before 1.32 sends one, with a time that is null
    read_as(TOKEN_REQUEST, ledger, request, body)
    said = body["metadata"]
    if said.get("name", request.name) != request.name:
        told = "must match the service account name if specified"
        raise _invalid(request.name, [field_errors.invalid("metadata.name", said["name"], told)])
    account = ledger.object(SERVICE_ACCOUNTS, request.namespace, request.name)
    if account is None:
        raise not_found("serviceaccounts", request.name)
    uid = account["metadata"]["uid"]
    if said.get("uid", uid) != uid:
        told = f"the UID in the token request ({said['uid']}) does not match the UID of the service account ({uid})"
        raise conflict("TokenRequest.authentication.k8s.io", request.name, told)
    seconds = spec.get("expirationSeconds", DEFAULT_SECONDS)
    if wrong := _seconds_wrong(seconds):
        raise _invalid("", wrong)
    node_restriction.restrict_token(ledger, request, body)
    reference = spec.get("boundObjectRef")
    bound = _bound(ledger, request, reference) if reference is not None else Bound()
    if seconds > minter.longest_seconds:
        told = f"requested expiration of {seconds} seconds shortened to {minter.longest_seconds} seconds"
        request.warnings.append(told)
        seconds = minter.longest_seconds
    audiences = tuple(spec.get("audiences") or ()) or minter.audiences
    issued = minter.issue(account, audiences=audiences, seconds=seconds, bound=bound.obj, node=bound.node)
    kept = {field: value for field, value in said.items() if field not in _SERVER_SET}
    named = {**kept, "name": request.name, "creationTimestamp": rfc3339(ledger.world.now())}
    return {
        "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "metadata": named,
        "spec": {"audiences": list(audiences), "expirationSeconds": seconds, "boundObjectRef": reference},
        "status": {"token": issued.token, "expirationTimestamp": rfc3339(issued.expires)},
    }  # fmt: skip


def _without_nulls(spec: Any) -> Any:
    """What is null isn't there, to whoever reads it into Go's types."""
    if not isinstance(spec, dict):
        return {} if spec is None else spec
    return {field: value for field, value in spec.items() if value is not None}


def _seconds_wrong(seconds: int) -> list[FieldError]:
    path, told = "spec.expirationSeconds", "may not specify a duration "
    if seconds < SHORTEST_SECONDS:
        return [field_errors.invalid(path, seconds, told + "less than 10 minutes")]
    return [field_errors.invalid(path, seconds, told + "larger than 2^32 seconds")] if seconds > LARGEST_SECONDS else []


def _invalid(name: str, wrong: list[FieldError]) -> Exception:
    return invalid("TokenRequest", "authentication.k8s.io", name, wrong)


def _bound(ledger: Ledger, request: Request, reference: Object) -> Bound:
    group, version, kind = *_group_version(reference.get("apiVersion") or ""), reference.get("kind") or ""
    name, resource = reference.get("name") or "", _BOUND.get(kind)
    if resource is None or group:
        raise BadRequest(f"cannot bind token to object of type {group}/{version}, Kind={kind}")
    if not name:
        raise BadRequest("Name parameter required.")
    obj = ledger.object(resource, request.namespace if resource.namespaced else None, name)
    if obj is None:
        raise not_found(resource.plural, name)
    node: Object | None = None
    if resource == PODS:
        spec = obj["spec"]
        if (spec.get("serviceAccountName") or "") != request.name:
            told = f'cannot bind token for serviceaccount "{request.name}" to pod running with different serviceaccount name.'
            raise BadRequest(told)
        if on := spec.get("nodeName"):
            # A node that isn't there (yet) is named all the same, without the uid that nobody knows.
            node = ledger.object(NODES, None, on) or {"kind": "Node", "metadata": {"name": on}}
    uid = obj["metadata"]["uid"]
    if reference.get("uid") and reference["uid"] != uid:
        told = f"the UID in the bound object reference ({reference['uid']}) does not match the UID in record"
        raise conflict(kind, name, f"{told}. The object might have been deleted and then recreated")
    return Bound(obj, node)


def _group_version(api_version: str) -> tuple[str, str]:
    """As Kubernetes reads it: what is none at all is the core group's."""
    if api_version.count("/") > 1:
        return "", ""
    group, _, version = api_version.rpartition("/")
    return group, version
