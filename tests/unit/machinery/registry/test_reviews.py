"""Reviews: questions about rights, answered and forgotten."""

from __future__ import annotations

from typing import Any

import pytest

from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.meta.core import ROLE_BINDINGS, ROLES
from boatyard.machinery.meta.errors import Forbidden, Invalid, MethodNotAllowed, Unauthorized
from boatyard.machinery.registry.caller import Caller
from boatyard.machinery.registry.rbac import RbacAuthorizer
from boatyard.machinery.registry.review_kinds import (
    SELF_SUBJECT,
    SELF_SUBJECT_ACCESS,
    SELF_SUBJECT_RULES,
    SUBJECT_ACCESS,
    TOKEN,
)

GROUP = "rbac.authorization.k8s.io"


@pytest.fixture
async def ann(client: EmbeddedClient, user: Any) -> EmbeddedClient:
    """Ann may read pods in ``default``."""
    client.registry.authorizer = RbacAuthorizer(client.registry)
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]
    await client.create(ROLES, {"metadata": {"name": "r"}, "rules": rules}, "default")
    subject = {"kind": "User", "apiGroup": GROUP, "name": "ann"}
    role = {"apiGroup": GROUP, "kind": "Role", "name": "r"}
    await client.create(ROLE_BINDINGS, {"metadata": {"name": "b"}, "roleRef": role, "subjects": [subject]}, "default")
    return EmbeddedClient(client.registry, user("ann"))


def asks(verb: str, resource: str, namespace: str = "default") -> dict[str, Any]:
    return {"spec": {"resourceAttributes": {"verb": verb, "resource": resource, "namespace": namespace}}}


async def test_may_i(ann: EmbeddedClient) -> None:
    yes = await ann.create(SELF_SUBJECT_ACCESS, asks("list", "pods"))
    assert yes["kind"] == "SelfSubjectAccessReview" and yes["status"]["allowed"] is True and 'Role "r"' in yes["status"]["reason"]
    assert (await ann.create(SELF_SUBJECT_ACCESS, asks("delete", "pods")))["status"] == {"allowed": False}


async def test_may_another(ann: EmbeddedClient, client: EmbeddedClient) -> None:
    body = asks("get", "pods")
    body["spec"]["user"] = "ann"
    assert (await client.create(SUBJECT_ACCESS, body))["status"]["allowed"] is True
    with pytest.raises(Forbidden):
        await ann.create(SUBJECT_ACCESS, body)
    with pytest.raises(Invalid, match="at least one of user or group"):
        await client.create(SUBJECT_ACCESS, asks("get", "pods"))


async def test_may_i_reach_an_address(ann: EmbeddedClient) -> None:
    body = {"spec": {"nonResourceAttributes": {"verb": "get", "path": "/healthz"}}}
    assert (await ann.create(SELF_SUBJECT_ACCESS, body))["status"]["allowed"] is True


async def test_a_question_without_content(ann: EmbeddedClient) -> None:
    with pytest.raises(Invalid, match="exactly one of"):
        await ann.create(SELF_SUBJECT_ACCESS, {"spec": {}})


async def test_all_that_i_may(ann: EmbeddedClient) -> None:
    status = (await ann.create(SELF_SUBJECT_RULES, {"spec": {"namespace": "default"}}))["status"]
    assert {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]} in status["resourceRules"]
    assert status["incomplete"] is False and any("/healthz" in rule["nonResourceURLs"] for rule in status["nonResourceRules"])


async def test_who_am_i(client: EmbeddedClient) -> None:
    who = Caller("ann", ("system:authenticated",), "u1", {"scopes": ("a", "b")})
    answer = await EmbeddedClient(client.registry, who).create(SELF_SUBJECT, {})
    info = {"username": "ann", "groups": ["system:authenticated"], "uid": "u1", "extra": {"scopes": ["a", "b"]}}
    assert answer["status"] == {"userInfo": info}


async def test_whose_token_is_this(client: EmbeddedClient) -> None:
    class Minter:
        def issue(self, account: Any, **options: Any) -> Any:
            raise AssertionError

        def verify(self, token: str, audiences: tuple[str, ...] = ()) -> Any:
            if token != "good":
                raise Unauthorized("invalid bearer token")
            return type("Verified", (), {"caller": Caller("robot"), "audiences": audiences})()

    client.registry.tokens = Minter()
    good = (await client.create(TOKEN, {"spec": {"token": "good", "audiences": ["x"]}}))["status"]
    assert good == {"authenticated": True, "user": {"username": "robot", "groups": []}, "audiences": ["x"]}
    bad = (await client.create(TOKEN, {"spec": {"token": "bad"}}))["status"]
    assert bad == {"user": {}, "error": "invalid bearer token"}


async def test_reviews_are_not_stored(client: EmbeddedClient) -> None:
    with pytest.raises(MethodNotAllowed):
        await client.list(SELF_SUBJECT_ACCESS)
