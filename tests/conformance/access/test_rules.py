"""Which calls a rule allows, and how a refusal is worded."""

from __future__ import annotations

import pytest

from .both import As, Both, account, group, rule, user

pytestmark = pytest.mark.real

NOBODY = As("nobody-known")

ASKED = [
    ("GET", "/api/v1/pods"),
    ("GET", "/api/v1/nodes/n"),
    ("GET", "/api/v1/namespaces/NS/pods/p"),
    ("GET", "/api/v1/namespaces/NS/pods"),
    ("GET", "/api/v1/namespaces/NS/pods/p/log"),
    ("GET", "/api/v1/namespaces/NS/pods/p/status"),
    ("GET", "/api/v1/namespaces/NS/pods?watch=1"),
    ("GET", "/api/v1/namespaces/NS/secrets?fieldSelector=metadata.name%3Done"),
    ("GET", "/api/v1/namespaces/NS"),
    ("GET", "/api/v1/namespaces"),
    ("DELETE", "/api/v1/namespaces/NS/configmaps"),
    ("DELETE", "/api/v1/namespaces/NS/configmaps/x"),
    ("DELETE", "/api/v1/namespaces/NS"),
    ("GET", "/apis/apps/v1/namespaces/NS/deployments/x"),
    ("GET", "/apis/coordination.k8s.io/v1/leases"),
    ("GET", "/apis/nothing.example/v1/things"),
    ("GET", "/apis/nothing.example/v1/namespaces/NS/things/x/part"),
    ("GET", "/metrics"),
    ("GET", "/logs/x"),
    ("POST", "/metrics"),
    ("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/x"),
    ("HEAD", "/api/v1/namespaces/NS/pods/p"),
]


@pytest.mark.parametrize(("method", "path"), ASKED, ids=[f"{method} {path}" for method, path in ASKED])
async def test_who_has_no_right_is_refused_in_the_same_words(pair: Both, namespace: str, method: str, path: str) -> None:
    answer = await pair.same(method, path.replace("NS", namespace), who=NOBODY)
    assert answer.code == 403


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/v1/namespaces/NS/configmaps", {"metadata": {"name": "x"}}),
        ("POST", "/api/v1/namespaces/NS/configmaps", {"metadata": {"generateName": "x"}}),
        ("POST", "/api/v1/namespaces", {"metadata": {"name": "x"}}),
        ("PUT", "/api/v1/namespaces/NS/configmaps/x", {"metadata": {"name": "x"}}),
        ("PUT", "/api/v1/namespaces/NS/pods/x/status", {"metadata": {"name": "x"}}),
        ("PATCH", "/api/v1/namespaces/NS/configmaps/x", {}),
        ("POST", "/api/v1/namespaces/NS/pods/x/binding", {"target": {"name": "n"}}),
        ("POST", "/api/v1/namespaces/NS/pods/x/eviction", {}),
        ("POST", "/api/v1/namespaces/NS/serviceaccounts/default/token", {}),
        ("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {}),
        ("POST", "/api/v1/namespaces/NS/pods/x/exec", None),
        ("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {}),
        ("PUT", "/api/v1/namespaces/NS/finalize", {}),
        ("POST", "/apis/authorization.k8s.io/v1/namespaces/NS/localsubjectaccessreviews", {}),
    ],
)
async def test_who_may_not_write_is_refused_in_the_same_words(
    pair: Both, namespace: str, method: str, path: str, body: object
) -> None:
    headers = {"Content_Type": "application/merge-patch+json"} if method == "PATCH" else {}
    assert (await pair.same(method, path.replace("NS", namespace), body, NOBODY, **headers)).code == 403


async def test_every_subject_counts(pair: Both, namespace: str) -> None:
    rules = [rule("get", "pods")]
    await pair.grant(rules, user("u1"), namespace=namespace)
    await pair.grant(rules, group("g1"), namespace=namespace)
    await pair.grant(rules, account(namespace, "sa1"), namespace=namespace)
    await pair.grant(rules, {"kind": "ServiceAccount", "name": "sa2", "namespace": "default"}, namespace=namespace)
    await pair.grant(rules, group(f"system:serviceaccounts:{namespace}-other"), namespace=namespace)
    await pair.grant(rules, user("system:serviceaccount:x:y"), namespace=namespace)
    await pair.settled(namespace)
    path = f"/api/v1/namespaces/{namespace}/pods/nope"
    codes = {
        "u1": As("u1"),
        "u2": As("u2"),
        "g1": As("u3", ("g1",)),
        "g2": As("u3", ("g2",)),
        "u1 as group": As("u3", ("u1",)),
        "sa1": As(f"system:serviceaccount:{namespace}:sa1"),
        "sa1 elsewhere": As("system:serviceaccount:default:sa1"),
        "sa2": As("system:serviceaccount:default:sa2"),
        "sa of group": As(f"system:serviceaccount:{namespace}-other:any"),
        "sa as user": As("system:serviceaccount:x:y"),
        "empty parts": As("system:serviceaccount::y"),
    }
    allowed = [name for name, who in codes.items() if await pair.code("GET", path, who=who) == 404]
    assert allowed == ["u1", "g1", "sa1", "sa2", "sa of group", "sa as user"]


async def test_names_limit_a_rule_to_them(pair: Both, namespace: str) -> None:
    await pair.grant([rule("* ", "configmaps", names="one two")], user("named"), namespace=namespace)
    await pair.settled(namespace)
    who, base = As("named"), f"/api/v1/namespaces/{namespace}/configmaps"
    selected = "?fieldSelector=metadata.name%3D"
    for path, code in (
        (f"{base}/one", 404),
        (f"{base}/three", 403),
        (base, 403),
        (f"{base}{selected}one", 200),
        (f"{base}{selected}three", 403),
        (f"{base}?fieldSelector=metadata.name!%3Done", 403),
        (f"{base}{selected}one,metadata.namespace%3D{namespace}", 200),
        (f"{base}?fieldSelector=metadata.name%3D%3Dtwo", 200),
        (f"{base}{selected}one,metadata.name%3Dtwo", 200),
        (f"/api/v1/configmaps{selected}one", 403),
        (f"{base}?labelSelector=a", 403),
        (f"{base}{selected}", 403),
    ):
        assert (path, await pair.code("GET", path, who=who)) == (path, code)
    assert await pair.code("DELETE", f"{base}{selected}one", who=who) == 403
    assert await pair.code("DELETE", base, who=who) == 403
    assert await pair.code("POST", base, {"metadata": {"name": "one"}}, who) == 403
    told, judged = await pair.ask("GET", f"{base}{selected}two&watch=1&timeoutSeconds=1", who=who)
    assert (told.code, judged.code) == (200, 200)


async def test_stars_and_subresources(pair: Both, namespace: str) -> None:
    for name, given in {
        "all": rule("*", "*", "*"),
        "core": rule("get", "*", "core"),
        "every-status": rule("get", "*/status", "*"),
        "logs": rule("get", "pods/log"),
        "pods": rule("get", "pods"),
        "pods-star": rule("get", "pods/*"),
        "star-star": rule("get", "*/*", "*"),
        "any-verb": rule("*", "pods"),
        "wrong-group": rule("get", "pods", "apps"),
        "upper": rule("GET", "PODS"),
        "half": rule("get", "*/stat", "*"),
    }.items():
        await pair.grant([given], user(name), namespace=namespace)
    await pair.settled(namespace)
    base = f"/api/v1/namespaces/{namespace}"
    for name in (
        "all",
        "core",
        "every-status",
        "logs",
        "pods",
        "pods-star",
        "star-star",
        "any-verb",
        "wrong-group",
        "upper",
        "half",
    ):
        for path in (
            "pods/x",
            "pods/x/status",
            "pods/x/log",
            "services/x/status",
            "configmaps/x",
            "nosuch/x",
            "pods",
            "nosuch/x/part",
        ):
            await pair.code("GET", f"{base}/{path}", who=As(name))
        await pair.code("GET", f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/x", who=As(name))
        await pair.code("GET", "/api/v1/nodes/x", who=As(name))


async def test_a_cluster_role_counts_where_it_is_bound(pair: Both, namespace: str) -> None:
    await pair.grant([rule("get list", "pods nodes")], user("here"), namespace=namespace, cluster_role=True)
    await pair.grant([rule("get list", "pods nodes")], user("everywhere"))
    await pair.settled(namespace)
    for name in ("here", "everywhere"):
        for path in (f"namespaces/{namespace}/pods", "pods", "namespaces/default/pods", "nodes", "namespaces"):
            # Others make pods in the judge meanwhile: a list of all is asked for none of them.
            await pair.same("GET", f"/api/v1/{path}/nope" if path != "pods" else "/api/v1/pods?labelSelector=nope", who=As(name))


async def test_addresses_that_are_no_resources(pair: Both, namespace: str) -> None:
    paths = ["/metrics", "/logs/*", "/debug/*", "/a*"]
    await pair.grant([{"verbs": ["get", "post"], "nonResourceURLs": paths}], user("reader"))
    await pair.grant([{"verbs": ["*"], "nonResourceURLs": ["*"]}], user("all"))
    await pair.grant([{"verbs": ["get"], "nonResourceURLs": ["/metrics"]}], user("local"), namespace=namespace, cluster_role=True)
    await pair.settled(namespace)
    for name in ("reader", "all", "local"):
        for path in (
            "/metrics",
            "/metrics/x",
            "/logs",
            "/logs/",
            "/logs/a/b",
            "/debugx",
            "/abc",
            "/b",
            "/version/x",
            "/api",
            "/healthz/x",
        ):
            for verb in ("get", "post", "delete", "GET"):
                review = {"spec": {"user": name, "nonResourceAttributes": {"path": path, "verb": verb}}}
                await pair.same("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)


async def test_a_binding_to_nothing_gives_nothing_and_is_named(pair: Both, namespace: str) -> None:
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": f"{pair.name}-missing"}
    binding = {"metadata": {"name": f"{pair.name}-loose"}, "roleRef": reference, "subjects": [user("loose")]}
    await pair.make("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding)
    await pair.settled(namespace)
    assert (await pair.same("GET", "/api/v1/pods", who=As("loose"))).code == 403
    local = {**binding, "roleRef": {**reference, "kind": "Role"}}
    await pair.make(f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings", local)
    await pair.settled(namespace)
    assert (await pair.same("GET", f"/api/v1/namespaces/{namespace}/pods", who=As("loose"))).code == 403


async def test_what_is_taken_away_is_gone(pair: Both, namespace: str) -> None:
    name = await pair.grant([rule("get", "pods")], user("former"), namespace=namespace)
    await pair.settled(namespace)
    path = f"/api/v1/namespaces/{namespace}/pods/nope"
    assert await pair.code("GET", path, who=As("former")) == 404
    roles = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    await pair.ask("PUT", f"{roles}/roles/{name}", {"metadata": {"name": name}, "rules": [rule("list", "pods")]})
    await pair.settled(namespace)
    assert (await pair.same("GET", path, who=As("former"))).code == 403
    await pair.ask("DELETE", f"{roles}/roles/{name}")
    await pair.settled(namespace)
    assert (await pair.same("GET", path, who=As("former"))).code == 403
