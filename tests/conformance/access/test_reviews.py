"""May he, may I, what may I, who am I: the answers in full."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .both import ADMIN, As, Both, group, rule, user

pytestmark = pytest.mark.real

ACCESS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
SELF = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
RULES = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
TOKEN = "/apis/authentication.k8s.io/v1/tokenreviews"


@pytest.fixture
async def jane(pair: Both, namespace: str) -> As:
    await pair.grant([rule("get", "pods pods/log"), rule("create", "configmaps", names="a b")], user("jane"), namespace=namespace)
    await pair.grant([rule("list", "nodes"), {"verbs": ["get"], "nonResourceURLs": ["/metrics", "/x/*"]}], group("crew"))
    await pair.settled(namespace)
    return As("jane", ("crew",))


def attributes(verb: str, resource: str, namespace: str = "", **more: Any) -> Any:
    return {"resourceAttributes": {"verb": verb, "resource": resource, "namespace": namespace, **more}}


def questions(namespace: str) -> list[Any]:
    return [
        attributes("get", "pods", namespace),
        attributes("get", "pods", namespace, name="x"),
        attributes("get", "pods"),
        attributes("get", "pods", namespace, subresource="log"),
        attributes("get", "pods", namespace, subresource="exec"),
        attributes("create", "configmaps", namespace),
        attributes("create", "configmaps", namespace, name="a"),
        attributes("list", "nodes"),
        attributes("list", "nodes", namespace),
        attributes("*", "*", namespace),
        attributes("get", "*", namespace),
        attributes("get", "pods", namespace, group="*"),
        attributes("get", "pods", namespace, group="apps"),
        attributes("get", "pods", namespace, version="v9"),
        attributes("get", "widgets", namespace, group="x.example"),
        attributes("", "", namespace),
        attributes("get", "pods", "other"),
        {"nonResourceAttributes": {"path": "/metrics", "verb": "get"}},
        {"nonResourceAttributes": {"path": "/x/y", "verb": "get"}},
        {"nonResourceAttributes": {"path": "/x", "verb": "get"}},
        {"nonResourceAttributes": {"path": "/healthz/x", "verb": "get"}},
        {"nonResourceAttributes": {}},
        {"resourceAttributes": {}},
    ]


async def test_may_i(pair: Both, namespace: str, jane: As) -> None:
    for question in questions(namespace):
        await pair.same("POST", SELF, {"spec": question}, jane)


async def test_may_he(pair: Both, namespace: str, jane: As) -> None:
    local = f"/apis/authorization.k8s.io/v1/namespaces/{namespace}/localsubjectaccessreviews"
    for question in questions(namespace):
        for who in (
            {"user": "jane"},
            {"groups": ["crew"]},
            {"user": "jane", "groups": ["crew", "x"], "uid": "1", "extra": {"a": ["b"]}},
        ):
            spec = {**question, **who}
            await pair.same("POST", ACCESS, {"spec": spec})
            if question.get("resourceAttributes", {}).get("namespace") == namespace:
                await pair.same("POST", local, {"spec": spec})
    await pair.same("POST", ACCESS, {"spec": {"user": "x", "groups": ["system:masters"], **questions(namespace)[0]}})


@pytest.mark.parametrize("path", [ACCESS, SELF, RULES, WHO, TOKEN, "LOCAL"])
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"spec": {}},
        {"spec": {"user": "x"}},
        {"spec": {"user": "x", "resourceAttributes": {"verb": "get"}, "nonResourceAttributes": {"path": "/"}}},
        {"spec": {"user": "x", "resourceAttributes": {"namespace": "elsewhere"}}},
        {"spec": {"namespace": "default"}},
        {"metadata": {"name": "named"}, "spec": {"user": "x", "resourceAttributes": {"verb": "get"}}},
        {"metadata": {"namespace": "other"}, "spec": {"user": "x"}},
        {"spec": {"user": "x", "nonResourceAttributes": {"path": "/"}}},
        {"spec": {"resourceAttributes": {"verb": "get"}}},
        {"spec": {"groups": ["g"], "resourceAttributes": {}}},
        {
            "spec": {
                "user": "x",
                "resourceAttributes": {
                    "fieldSelector": {"rawSelector": "a=b", "requirements": [{"key": "a", "operator": "In", "values": ["b"]}]}
                },
            }
        },
        {"spec": {"token": ""}},
        {"spec": {"token": "nonsense"}},
        {"spec": {"token": "a.b.c", "audiences": ["x"]}},
        {"metadata": {"labels": {"a": "b"}}},
        {"kind": "Pod", "apiVersion": "v1"},
        {"spec": []},
        {"spec": {"user": 1}},
        {"spec": {"extra": {"A": ["b"]}}},
        {"status": {"allowed": True}, "spec": {"user": "u", "resourceAttributes": {"verb": "get"}}},
    ],
    ids=str,
)
async def test_questions_that_make_no_sense(pair: Both, path: str, body: Any) -> None:
    """The admin, as the local review's namespace is one that both have."""
    if path == "LOCAL":
        path = "/apis/authorization.k8s.io/v1/namespaces/default/localsubjectaccessreviews"
    told, judged = await pair.ask("POST", path, body, As("admin", ("system:masters",)))
    assert told.code == judged.code
    if judged.code == 400:
        assert told.body["reason"] == judged.body["reason"]
    elif judged.code == 422:
        assert _causes(told.body) == _causes(judged.body)
    elif path == RULES:
        assert told.body.keys() == judged.body.keys()
    else:
        for answer in (told.body, judged.body):
            answer["status"].pop("error", None)
        assert told == judged


def _causes(status: Any) -> list[Any]:
    """What is wrong; of values that hold what only the real server adds, only where."""
    causes = status["details"]["causes"]
    assert status["reason"] == "Invalid" and len(causes) == status["message"].count("Invalid value")
    return [cause if cause["field"] != "metadata" else cause["field"] for cause in causes]


async def test_what_may_i(pair: Both, namespace: str, jane: As) -> None:
    for where in (namespace, "other"):
        for who in (jane, As("jane"), As("nobody", ("nothing",))):
            told, judged = await pair.ask("POST", RULES, {"spec": {"namespace": where}}, who)
            assert told.code == judged.code == 201
            for field in ("resourceRules", "nonResourceRules"):
                ours, theirs = (sorted(answer.body["status"].pop(field), key=_told) for answer in (told, judged))
                assert ours == theirs
            assert told == judged


def _told(one: Any) -> str:
    return json.dumps(one, sort_keys=True)


async def test_who_am_i(pair: Both) -> None:
    for who in (
        As("jane"),
        As("jane", ("a", "b"), "u-1", (("scopes", "x"), ("Scopes", "y"), ("example.org/a%b", "z"))),
        As("system:serviceaccount:default:x"),
        As("system:anonymous"),
        As("jane", ("system:authenticated",)),
        As("x", ("system:unauthenticated",)),
    ):
        await pair.same("POST", WHO, {}, who)
    told, judged = await pair.ask("POST", WHO, {}, ADMIN)
    assert told.code == judged.code and told.body.keys() == judged.body.keys()
