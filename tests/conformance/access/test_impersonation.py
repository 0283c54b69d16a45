"""Acting as others: who may, and as whom."""

from __future__ import annotations

import pytest

from .both import ADMIN, As, Both, account, rule

pytestmark = pytest.mark.real

WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
AUTHENTICATION = "authentication.k8s.io"
CASES = [
    As("other"),
    As("mate"),
    As("mate", ("crew",)),
    As("mate", ("admins",)),
    As("mate", (), "u-1"),
    As("mate", (), "u-2"),
    As("mate", (), "", (("scopes", "view"),)),
    As("mate", (), "", (("scopes", "write"),)),
    As("mate", (), "", (("reason", "x"),)),
    As("system:serviceaccount:default:robot"),
    As("system:serviceaccount:default:other"),
    As("system:serviceaccount:default:robot", ("crew",)),
    As("system:serviceaccount:default"),
    As("system:anonymous"),
    As("mate", ("system:masters",)),
    As("system:node:n1", ("system:nodes",)),
]


@pytest.mark.parametrize("target", CASES, ids=str)
async def test_a_person_may_be_only_whom_the_rules_name(pair: Both, namespace: str, target: As) -> None:
    rules = [
        rule("impersonate", "users", names="mate"),
        rule("impersonate", "groups", names="crew"),
        rule("impersonate", "uids", AUTHENTICATION, "u-1"),
        rule("impersonate", "userextras/scopes", AUTHENTICATION, "view"),
        rule("impersonate", "serviceaccounts", names="robot"),
    ]
    tokens = await pair.account(namespace, "actor")
    await pair.grant(rules, account(namespace, "actor"))
    await pair.settled(namespace)
    await pair.same("POST", WHO, {}, target._replace(tokens=tokens))


@pytest.mark.parametrize(
    "target", [*CASES[:2], As("x", ("a", "b")), As("system:serviceaccount:a:b"), As("system:serviceaccount:a:b", ("c",))], ids=str
)
async def test_an_administrator_is_whoever_he_says(pair: Both, target: As) -> None:
    assert (await pair.same("POST", WHO, {}, target)).code == 201


async def test_groups_without_a_user_are_no_one(pair: Both) -> None:
    """Kubernetes calls this its own fault (500); we call it the caller's."""
    told, judged = await pair.ask("POST", WHO, {}, ADMIN, Impersonate_Group="crew")
    assert (told.code, judged.code) == (400, 500)
