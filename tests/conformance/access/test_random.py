"""Rules, questions and gifts at random: the same decisions and the same words from both."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .both import RBAC, As, Both, rule, user

pytestmark = pytest.mark.real

VERBS = st.sampled_from(["get", "list", "watch", "create", "*", "escalate", "bind", "impersonate", "GET", ""])
GROUPS = st.sampled_from(["", "apps", "*", "rbac.authorization.k8s.io", "x.example"])
RESOURCES = st.sampled_from(["pods", "pods/log", "*", "*/log", "pods/*", "*/*", "secrets", "roles", "clusterroles", "things/part"])
NAMES = st.sampled_from(["a", "b", "*", "pods"])
PATHS = st.sampled_from(["/metrics", "/logs/*", "*", "/logs/a", "/a**", "/healthz"])


def some(strategy: Any, least: int = 1) -> Any:
    return st.lists(strategy, min_size=least, max_size=2, unique=True)


RULES = st.lists(
    st.fixed_dictionaries(
        {"verbs": some(VERBS.filter(bool)), "apiGroups": some(GROUPS), "resources": some(RESOURCES)},
        optional={"resourceNames": some(NAMES)},
    ),
    max_size=3,
)
PATH_RULES = st.lists(st.fixed_dictionaries({"verbs": some(VERBS.filter(bool)), "nonResourceURLs": some(PATHS)}), max_size=2)
QUESTIONS = st.lists(
    st.one_of(
        st.tuples(
            VERBS,
            GROUPS,
            st.sampled_from(["pods", "secrets", "*", "things", "roles"]),
            st.sampled_from(["", "log", "part", "*"]),
            st.sampled_from(["", "a", "c", "*"]),
            st.booleans(),
        ),
        st.tuples(VERBS, st.sampled_from(["/metrics", "/logs", "/logs/a", "/ab", "/healthz", "", "*"])),
    ),
    min_size=8,
    max_size=12,
)


def review(namespace: str, question: tuple[Any, ...]) -> Any:
    if len(question) == 2:
        return {"spec": {"user": "fuzz", "nonResourceAttributes": {"verb": question[0], "path": question[1]}}}
    verb, group, resource, subresource, name, inside = question
    attributes = {"verb": verb, "group": group, "resource": resource, "subresource": subresource, "name": name}
    return {"spec": {"user": "fuzz", "resourceAttributes": {**attributes, "namespace": namespace if inside else ""}}}


@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(local=RULES, everywhere=RULES, paths=PATH_RULES, questions=QUESTIONS, gift=RULES)
async def test_both_decide_alike(
    pair: Both, namespace: str, local: Any, everywhere: Any, paths: Any, questions: Any, gift: Any
) -> None:
    if not pair.kept:
        pair.kept["local"] = await pair.grant([], user("fuzz"), namespace=namespace)
        pair.kept["everywhere"] = await pair.grant([], user("fuzz"))
        await pair.grant([rule("create", "roles clusterroles", "rbac.authorization.k8s.io")], user("fuzz"))
    roles = f"{RBAC}/namespaces/{namespace}/roles"
    for path, name, rules in (
        (roles, pair.kept["local"], local),
        (f"{RBAC}/clusterroles", pair.kept["everywhere"], [*everywhere, *paths]),
    ):
        await pair.same("PUT", f"{path}/{name}", {"metadata": {"name": name}, "rules": rules})
    await pair.settled(namespace)
    for question in questions:
        told, judged = await pair.ask("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review(namespace, question))
        assert told.body["status"]["allowed"] == judged.body["status"]["allowed"], (question, told, judged)
    who = As("fuzz")
    await pair.same("POST", f"{roles}?dryRun=All", {"metadata": {"name": "gift"}, "rules": gift}, who)
    body = {"metadata": {"name": f"{pair.name}-gift"}, "rules": [*gift, *paths]}
    await pair.same("POST", f"{RBAC}/clusterroles?dryRun=All", body, who)
