"""Questions asked by creating an object that nobody stores: may somebody do something, who am I, whose token is this."""

from __future__ import annotations

from typing import Any

import msgspec

from boatyard.machinery.meta.errors import BadRequest, Unauthorized
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.meta.timestamps import rfc3339
from boatyard.machinery.registry import review_specs
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


def answer(
    request: Request, review: Object, kinds: Kinds, authorizer: Authorizer, minter: TokenMinter | None, now: float
) -> Object:
    """The review with its status. Raises BadRequest and Invalid when it asks nothing that can be answered."""
    resource, caller = request.kind.resource, request.caller
    metadata = _framed(request, review)
    result: Object = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": {}}
    spec: review_specs.SelfAccess | review_specs.Rules | review_specs.Token
    if resource in (SELF_SUBJECT_ACCESS, SUBJECT_ACCESS, LOCAL_SUBJECT_ACCESS):
        wanted = review_specs.SelfAccess if resource == SELF_SUBJECT_ACCESS else review_specs.Access
        spec = review_specs.read(resource, review.get("spec"), wanted)
        local = resource == LOCAL_SUBJECT_ACCESS
        review_specs.check(resource, metadata, spec, request.namespace if local else None)
        if local:
            result["metadata"]["namespace"] = request.namespace
        who = caller
        if isinstance(spec, review_specs.Access):
            extra = {key: tuple(values) for key, values in spec.extra.items()}
            who = Caller(spec.user, tuple(spec.groups), spec.uid, extra)
        status = _access(who, spec, kinds, authorizer)
    elif resource == SELF_SUBJECT_RULES:
        spec = review_specs.read(resource, review.get("spec"), review_specs.Rules)
        if not spec.namespace:
            raise BadRequest("no namespace on request")
        status = _rules(caller, spec.namespace, authorizer)
        spec = review_specs.Rules()
    elif resource == SELF_SUBJECT:
        result["metadata"]["creationTimestamp"] = rfc3339(now)
        result["status"] = {"userInfo": user_info(caller)}
        return result
    else:
        spec = review_specs.read(resource, review.get("spec"), review_specs.Token)
        status = _token(spec, minter)
    return {**result, "spec": msgspec.to_builtins(spec), "status": status}


def _framed(request: Request, review: Object) -> Object:
    """The metadata of a document that is what its address says. Raises BadRequest."""
    resource = request.kind.resource
    kind, version = review.get("kind") or resource.kind, review.get("apiVersion") or resource.api_version
    if (kind, version) != (resource.kind, resource.api_version):
        told = f'{kind} in version "{str(version).rpartition("/")[2]}" cannot be handled as a {resource.kind}'
        raise BadRequest(f"{told}: converting ({version}.{kind}) to ({resource.api_version}.{resource.kind}): unknown conversion")
    metadata = review.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise BadRequest(f'{kind} in version "{resource.version}" cannot be handled as a {kind}: metadata: expected an object')
    if resource.namespaced and metadata.get("namespace") not in (None, "", request.namespace):
        raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")
    return metadata


def _access(who: Caller, spec: review_specs.SelfAccess, kinds: Kinds, authorizer: Authorizer) -> Object:
    path, attributes = spec.non_resource_attributes, spec.resource_attributes
    if attributes is None:
        path = path or review_specs.PathAttributes()
        decision = authorizer.allows_path(who, path.verb, path.path)
    else:
        decision = _allows(who, attributes, kinds, authorizer)
    status: Object = {"allowed": decision.allowed}
    if decision.reason:
        status["reason"] = decision.reason
    return status


def _allows(who: Caller, asked: review_specs.ResourceAttributes, kinds: Kinds, authorizer: Authorizer) -> Decision:
    kind = next((k for k in kinds.all() if k.resource.group == asked.group and k.resource.plural == asked.resource), None)
    resource = kind.resource if kind else Resource(asked.group, asked.version or "v1", asked.resource, "")
    return authorizer.allows(who, asked.verb, resource, asked.subresource, asked.namespace, asked.name)


def _rules(caller: Caller, namespace: str, authorizer: Authorizer) -> Object:
    resources, paths, why = authorizer.rules_of(caller, namespace)
    status: Object = {"resourceRules": resources, "nonResourceRules": paths, "incomplete": bool(why)}
    if why:
        status["evaluationError"] = why
    return status


def _token(spec: review_specs.Token, minter: TokenMinter | None) -> Object:
    if not spec.token:
        raise BadRequest("token is required for TokenReview in authentication")
    if minter is None:
        return {"user": {}, "error": "this server knows no tokens"}
    try:
        verified = minter.verify(spec.token, tuple(spec.audiences))
    except Unauthorized as error:
        return {"user": {}, "error": str(error)}
    return {"authenticated": True, "user": user_info(verified.caller), "audiences": list(verified.audiences)}


def user_info(caller: Caller) -> dict[str, Any]:
    """``authentication.k8s.io`` UserInfo."""
    info: dict[str, Any] = {"username": caller.name, "groups": list(caller.groups)}
    if caller.uid:
        info["uid"] = caller.uid
    if caller.extra:
        info["extra"] = {key: list(values) for key, values in caller.extra.items()}
    return info
