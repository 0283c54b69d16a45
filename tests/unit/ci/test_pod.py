"""From a Build to its pod: complete, hardened, the same every time, without a secret in it."""

from __future__ import annotations

import json

import pytest

from boatyard.ci.build_fields import PullRequestSource
from boatyard.ci.pod import build_pod, claims, pod_name, service
from unit.ci.documents import REVISION, build, ciconfig, settings, trigger

SERVICES = """
spec:
  podTemplate:
    metadata: {labels: {team: x}, annotations: {a: b}}
    spec:
      nodeSelector: {spot: "true"}
      containers:
      - {name: build, image: maven, env: [{name: CI, value: "no"}]}
      - {name: db, image: postgres, ports: [{containerPort: 5432}]}
      volumes:
      - name: cache
        ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}}
  steps: [{name: test, run: 'echo $$ $(x) $HOME', timeout: 90s}]
"""


def environment(container) -> dict[str, str]:
    return {one["name"]: one.get("value", "") for one in container["env"]}


def unescaped(text: str) -> str:
    return text.replace("$$", "$")


def by_name(pod) -> dict:
    return {one["name"]: one for one in [*pod["spec"]["initContainers"], *pod["spec"]["containers"]]}


def test_source_comes_first_then_services_then_the_steps_then_collect():
    pod = build_pod(build(), 1, settings())
    assert [one["name"] for one in pod["spec"]["initContainers"]] == ["source"]
    assert [one["name"] for one in pod["spec"]["containers"]] == ["build", "collect"]
    pod = build_pod(build(SERVICES), 1, settings())
    assert [one["name"] for one in pod["spec"]["initContainers"]] == ["source", "db"]
    assert [one["name"] for one in pod["spec"]["containers"]] == ["build"]


def test_it_is_the_same_every_time():
    assert build_pod(build(SERVICES), 2, settings()) == build_pod(build(SERVICES), 2, settings())


@pytest.mark.parametrize(("attempt", "name"), [(1, "shop-7"), (2, "shop-7-r2"), (12, "shop-7-r12")])
def test_its_name_is_derived(attempt, name):
    assert pod_name("shop-7", attempt) == build_pod(build(), attempt, settings())["metadata"]["name"] == name


def test_its_labels_cannot_be_forged():
    made = build(SERVICES)
    made["spec"]["podTemplate"]["metadata"]["labels"]["boatyard.dev/build"] = "forged"
    labels = build_pod(made, 2, settings())["metadata"]["labels"]
    assert labels == {"team": "x", "boatyard.dev/ciconfig": "shop", "boatyard.dev/build": "shop-7", "boatyard.dev/attempt": "2"}


def test_the_runner_is_the_command_of_containers_with_steps():
    container = by_name(build_pod(build(), 1, settings()))["build"]
    assert container["command"] == ["/bin/sh", "/boatyard/runner", "build"]
    assert container["workingDir"] == "/workspace"


def test_the_plan_reaches_source_whatever_the_scripts_hold():
    value = environment(by_name(build_pod(build(SERVICES), 1, settings()))["source"])["BOATYARD_PLAN"]
    plan = json.loads(unescaped(value))
    assert plan["steps"][0] == {
        "number": 1, "container": "build", "when": "on_success", "name": "test", "run": "echo $$ $(x) $HOME", "limit": 90,
        "dir": "", "env": {},
    }  # fmt: skip
    assert plan["containers"] == ["build"] and plan["timeout"] == 3600


def test_a_pull_request_names_head_and_target():
    pull = PullRequestSource(number=3, head=REVISION, target="b" * 40, target_ref="refs/heads/main")
    pod = build_pod(build(type="pullRequest", pull_request=pull, ref="refs/pull/3/head"), 1, settings())
    source = json.loads(environment(by_name(pod)["source"])["BOATYARD_SOURCE"])
    assert (source["revision"], source["target"], source["targetRef"]) == (REVISION, "b" * 40, "refs/heads/main")
    assert environment(by_name(pod)["build"])["BOATYARD_PULL_REQUEST"] == "3"


def test_only_source_sees_the_credential():
    config = ciconfig(source={"git": {"url": "https://x/y.git", "credentials": {"secretRef": {"name": "git"}}}})
    pod = build_pod(build(config=config), 1, settings())
    users = [name for name, one in by_name(pod).items() if any(m["name"] == "boatyard-credentials" for m in one["volumeMounts"])]
    assert users == ["source"]


def test_only_collect_sees_the_upload_key_and_no_secret_is_in_the_clear():
    given = settings(secrets_key=b"very secret")
    pod = build_pod(build(), 1, given)
    users = [name for name, one in by_name(pod).items() if any(m["name"] == "boatyard-key" for m in one["volumeMounts"])]
    assert users == ["collect"]
    assert "very secret" not in json.dumps(pod)


def test_nothing_runs_with_privileges_or_a_token():
    pod = build_pod(build(SERVICES), 1, settings())
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    for container in by_name(pod).values():
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]


def test_on_kubernetes_the_user_is_named():
    assert "runAsUser" not in build_pod(build(), 1, settings())["spec"]["securityContext"]
    assert build_pod(build(), 1, settings(embedded=False))["spec"]["securityContext"]["runAsUser"] == 1000


def test_what_the_template_asks_for_is_kept():
    pod = build_pod(build(SERVICES), 1, settings())
    assert pod["spec"]["nodeSelector"] == {"spot": "true"} and pod["metadata"]["annotations"]["a"] == "b"
    assert environment(by_name(pod)["build"])["CI"] == "no"


def test_ephemeral_volumes_become_claims_of_the_attempt():
    first, second = (claims(build(SERVICES), attempt)[0]["metadata"]["name"] for attempt in (1, 2))
    assert (first, second) == ("shop-7-cache", "shop-7-r2-cache")
    volumes = {one["name"]: one for one in build_pod(build(SERVICES), 2, settings())["spec"]["volumes"]}
    assert volumes["cache"]["persistentVolumeClaim"]["claimName"] == "shop-7-r2-cache"


def test_declared_ports_get_a_service_of_the_builds_name():
    assert service(build()) is None
    made = service(build(SERVICES))
    assert made is not None and made["metadata"]["name"] == "shop-7"
    assert made["spec"]["ports"] == [{"name": "tcp-5432", "port": 5432, "protocol": "TCP"}]


def test_messages_of_many_containers_fit_into_what_a_kubelet_keeps():
    containers = ", ".join(f"{{name: c{n}, image: x}}" for n in range(8))
    steps = ", ".join(f"{{name: s{n}, run: x, container: c{n}}}" for n in range(8))
    text = f"spec: {{podTemplate: {{spec: {{containers: [{containers}]}}}}, steps: [{steps}], tests: [{{junit: a}}]}}"
    collect = by_name(build_pod(build(text), 1, settings()))["collect"]
    assert json.loads(environment(collect)["BOATYARD_COLLECT"])["messageBytes"] == 12 * 1024 // 10


def test_parameters_are_variables():
    text = "spec: {parameters: [{name: LEVEL, default: $(x)}], steps: [{name: a, run: a}]}"
    pod = build_pod(build(text, parameters={}), 1, settings())
    assert unescaped(environment(by_name(pod)["build"])["LEVEL"]) == "$(x)"
    assert trigger().parameters == {}
