"""``serviceaccounts/<name>/token``: a TokenRequest is answered with a token."""

from __future__ import annotations

from typing import Any

from boatyard.machinery.meta import objects
from boatyard.machinery.meta.core import SERVICE_ACCOUNTS
from boatyard.machinery.meta.errors import BadRequest, FieldError, conflict, invalid, not_found
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.timestamps import rfc3339
from boatyard.machinery.registry.authorizer import refusal
from boatyard.machinery.registry.caller import Caller
from boatyard.machinery.registry.registry import Registry
from boatyard.server.auth.tokens import LONGEST_SECONDS, SHORTEST_SECONDS, ServiceAccountTokens, bound_resource

API_VERSION = "authentication.k8s.io/v1"


class TokenRequests:
    """Issues tokens for who may ``create serviceaccounts/token``."""

    def __init__(self, registry: Registry, tokens: ServiceAccountTokens) -> None:
        self._registry, self._tokens = registry, tokens

    def create(self, caller: Caller, namespace: str, name: str, body: Object) -> Object:
        """The TokenRequest with its status. Raises Forbidden, NotFound, Invalid, Conflict (another object than the one meant)."""
        decision = self._registry.authorizer.allows(caller, "create", SERVICE_ACCOUNTS, "token", namespace, name)
        if not decision.allowed:
            raise refusal(caller, "create", SERVICE_ACCOUNTS, "token", namespace, name, decision.reason)
        if body.get("kind", "TokenRequest") != "TokenRequest" or body.get("apiVersion", API_VERSION) != API_VERSION:
            raise BadRequest(f"the body must be a TokenRequest of {API_VERSION}")
        account = self._registry.ledger.object(SERVICE_ACCOUNTS, namespace, name)
        if account is None:
            raise not_found("serviceaccounts", name)
        spec = body.get("spec") or {}
        seconds, audiences = _checked(spec)
        bound = self._bound(namespace, name, spec.get("boundObjectRef"))
        issued = self._tokens.issue(account, audiences=audiences, seconds=seconds, bound=bound)
        metadata = {"name": name, "namespace": namespace, "creationTimestamp": None}
        told = {**spec, "audiences": list(audiences), "expirationSeconds": seconds}
        status = {"token": issued.token, "expirationTimestamp": rfc3339(issued.expires)}
        return {"kind": "TokenRequest", "apiVersion": API_VERSION, "metadata": metadata, "spec": told, "status": status}

    def _bound(self, namespace: str, account: str, reference: dict[str, str] | None) -> Object | None:
        if not reference:
            return None
        resource = bound_resource(reference.get("kind", ""))
        if resource is None:
            raise BadRequest(f"cannot bind token to object of type {reference.get('kind')}")
        name = reference.get("name", "")
        found = self._registry.ledger.object(resource, namespace, name)
        if found is None:
            raise not_found(resource.group_resource, name)
        if reference.get("uid") and reference["uid"] != objects.uid(found):
            why = f"the UID in the bound object reference ({reference['uid']}) does not match the UID in record"
            raise conflict(resource.group_resource, name, why)
        user = (found.get("spec") or {}).get("serviceAccountName") or "default"
        if resource.plural == "pods" and user != account:
            told = f"cannot bind token for serviceaccount {account!r} to pod running with different serviceaccount name {user!r}"
            raise BadRequest(told)
        return found


def _checked(spec: dict[str, Any]) -> tuple[int, tuple[str, ...]]:
    """Seconds and audiences. Raises Invalid."""
    wrong: list[FieldError] = []
    seconds = spec.get("expirationSeconds", 3600)
    path = "spec.expirationSeconds"
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        wrong.append(FieldError(path, "FieldValueTypeInvalid", f"Invalid value: {seconds!r}: must be a whole number"))
    elif seconds < SHORTEST_SECONDS:
        told = f"Invalid value: {seconds}: may not specify a duration less than 10 minutes"
        wrong.append(FieldError(path, "FieldValueInvalid", told))
    elif seconds > LONGEST_SECONDS:
        told = f"Invalid value: {seconds}: may not specify a duration larger than 2^32 seconds"
        wrong.append(FieldError(path, "FieldValueTooLong", told))
    audiences = spec.get("audiences") or ()
    if not isinstance(audiences, (list, tuple)) or not all(isinstance(audience, str) and audience for audience in audiences):
        wrong.append(FieldError("spec.audiences", "FieldValueInvalid", "Invalid value: must be a list of names"))
    if wrong:
        raise invalid("TokenRequest", "authentication.k8s.io", "", wrong)
    return seconds, tuple(audiences)
