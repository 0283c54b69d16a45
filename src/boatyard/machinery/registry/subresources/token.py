"""``serviceaccounts/token``: a token for an account, bound to a pod if asked."""

from __future__ import annotations

from boatyard.machinery.meta.core import PODS, SECRETS, SERVICE_ACCOUNTS
from boatyard.machinery.meta.errors import Conflict, FieldError, Forbidden, ServiceUnavailable, invalid, not_found
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.timestamps import rfc3339
from boatyard.machinery.registry.admission import node_restriction
from boatyard.machinery.registry.ledger import Ledger
from boatyard.machinery.registry.request import Request
from boatyard.machinery.registry.tokens import TokenMinter

SHORTEST_SECONDS, DEFAULT_SECONDS, LONGEST_SECONDS = 600, 3600, 1 << 32
_BOUND = {"Pod": PODS, "Secret": SECRETS}


def request_token(ledger: Ledger, request: Request, body: Object, minter: TokenMinter | None) -> Object:
    """Answer a TokenRequest. Raises NotFound, Invalid, Conflict (a bound object of another uid), Forbidden (of another account)."""
    if minter is None:
        raise ServiceUnavailable("this server issues no tokens")
    node_restriction.restrict(request, body)
    account = ledger.object(SERVICE_ACCOUNTS, request.namespace, request.name)
    if account is None:
        raise not_found("serviceaccounts", request.name)
    spec = body.get("spec") or {}
    seconds = spec.get("expirationSeconds")
    seconds = DEFAULT_SECONDS if seconds is None else seconds
    if not isinstance(seconds, int) or not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        bound = "less than 10 minutes" if isinstance(seconds, int) and seconds < SHORTEST_SECONDS else "larger than 2^32 seconds"
        told = f"Invalid value: {seconds}: may not specify a duration {bound}"
        raise invalid(
            "TokenRequest", "authentication.k8s.io", "", [FieldError("spec.expirationSeconds", "FieldValueInvalid", told)]
        )
    audiences = tuple(spec.get("audiences") or ())
    issued = minter.issue(account, audiences=audiences, seconds=seconds, bound=_bound(ledger, request, spec.get("boundObjectRef")))
    metadata = {"name": request.name, "namespace": request.namespace, "creationTimestamp": rfc3339(ledger.world.now())}
    return {
        "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "metadata": metadata,
        "spec": {**spec, "expirationSeconds": seconds},
        "status": {"token": issued.token, "expirationTimestamp": rfc3339(issued.expires)},
    }  # fmt: skip


def _bound(ledger: Ledger, request: Request, reference: Object | None) -> Object | None:
    if not reference:
        return None
    kind, name = reference.get("kind", ""), reference.get("name", "")
    resource = _BOUND.get(kind)
    if resource is None:
        told = f'Unsupported value: "{kind}": supported values: "Pod", "Secret"'
        error = FieldError("spec.boundObjectRef.kind", "FieldValueNotSupported", told)
        raise invalid("TokenRequest", "authentication.k8s.io", "", [error])
    obj = ledger.object(resource, request.namespace, name)
    if obj is None:
        raise not_found(resource.plural, name)
    uid = obj["metadata"]["uid"]
    if reference.get("uid") and reference["uid"] != uid:
        told = f"the UID in the bound object reference ({reference['uid']}) does not match the UID in record"
        raise Conflict(f'Operation cannot be fulfilled on {resource.plural} "{name}": {told} ({uid})')
    if kind == "Pod" and (obj["spec"].get("serviceAccountName") or "default") != request.name:
        raise Forbidden(f'pods "{name}" is forbidden: the pod runs as another service account')
    return obj
