"""Questions asked by creating an object that nobody stores: may somebody do something, who am I, whose token is this."""

from __future__ import annotations

from typing import Any

from boatyard.machinery.meta.errors import BadRequest, Unauthorized
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry.authorizer import Authorizer, Decision
from boatyard.machinery.registry.caller import Caller
from boatyard.machinery.registry.kinds import Kinds
from boatyard.machinery.registry.request import Request
from boatyard.machinery.registry.review_kinds import (
    LOCAL_SUBJECT_ACCESS,
    SELF_SUBJECT,
    SELF_SUBJECT_ACCESS,
    SELF_SUBJECT_RULES,
    SUBJECT_ACCESS,
)
from boatyard.machinery.registry.tokens import TokenMinter


def answer(request: Request, review: Object, kinds: Kinds, authorizer: Authorizer, minter: TokenMinter | None) -> Object:
    """The review with its status. Raises BadRequest when it asks nothing that can be answered."""
    resource, caller = request.kind.resource, request.caller
    spec = review.get("spec") or {}
    result: Object = {
        "kind": resource.kind,
        "apiVersion": resource.api_version,
        "metadata": {"creationTimestamp": None},
        "spec": spec,
    }
    if resource == SELF_SUBJECT_ACCESS:
        result["status"] = _access(caller, spec, kinds, authorizer)
    elif resource in (SUBJECT_ACCESS, LOCAL_SUBJECT_ACCESS):
        if not spec.get("user") and not spec.get("groups"):
            raise BadRequest('spec.user: Invalid value: "": at least one of user or group must be specified')
        extra = {key: tuple(values) for key, values in (spec.get("extra") or {}).items()}
        who = Caller(spec.get("user") or "", tuple(spec.get("groups") or ()), spec.get("uid") or "", extra)
        result["status"] = _access(who, spec, kinds, authorizer)
    elif resource == SELF_SUBJECT_RULES:
        resource_rules, path_rules = authorizer.rules_of(caller, spec.get("namespace") or "")
        result["status"] = {"resourceRules": resource_rules, "nonResourceRules": path_rules, "incomplete": False}
    elif resource == SELF_SUBJECT:
        del result["spec"]
        result["status"] = {"userInfo": user_info(caller)}
    else:
        result["status"] = _token(spec, minter)
    return result


def _access(who: Caller, spec: Object, kinds: Kinds, authorizer: Authorizer) -> Object:
    path, attributes = spec.get("nonResourceAttributes"), spec.get("resourceAttributes")
    if path:
        decision = authorizer.allows_path(who, path.get("verb") or "", path.get("path") or "")
    elif attributes:
        decision = _allows(who, attributes, kinds, authorizer)
    else:
        told = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        raise BadRequest(f"spec.resourceAttributes: Invalid value: null: {told}")
    status: Object = {"allowed": decision.allowed}
    if decision.reason:
        status["reason"] = decision.reason
    return status


def _allows(who: Caller, attributes: Object, kinds: Kinds, authorizer: Authorizer) -> Decision:
    group, plural = attributes.get("group") or "", attributes.get("resource") or ""
    kind = next((k for k in kinds.all() if k.resource.group == group and k.resource.plural == plural), None)
    resource = kind.resource if kind else Resource(group, attributes.get("version") or "v1", plural, "")
    return authorizer.allows(
        who, attributes.get("verb") or "", resource, attributes.get("subresource") or "", attributes.get("namespace") or "",
        attributes.get("name") or "",
    )  # fmt: skip


def _token(spec: Object, minter: TokenMinter | None) -> Object:
    if not spec.get("token"):
        raise BadRequest("spec.token: Required value: must specify a token to authenticate")
    if minter is None:
        return {"authenticated": False, "error": "this server knows no tokens"}
    try:
        verified = minter.verify(spec["token"], tuple(spec.get("audiences") or ()))
    except Unauthorized as error:
        return {"authenticated": False, "error": str(error)}
    return {"authenticated": True, "user": user_info(verified.caller), "audiences": list(verified.audiences)}


def user_info(caller: Caller) -> dict[str, Any]:
    """``authentication.k8s.io`` UserInfo."""
    info: dict[str, Any] = {"username": caller.name, "groups": list(caller.groups)}
    if caller.uid:
        info["uid"] = caller.uid
    if caller.extra:
        info["extra"] = {key: list(values) for key, values in caller.extra.items()}
    return info
