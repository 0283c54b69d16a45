"""Pod templates from repositories get no more than the restricted Pod Security Standard and what the CiConfig allows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boatyard.ci.ciconfig_fields import Trust
from boatyard.ci.trust import violations


def paths(spec, **trust):
    return [error.path.removeprefix("t.spec") for error in violations({"spec": spec}, Trust(**trust), "t")]


def test_a_plain_template_is_fine():
    volumes = [{"name": "cache", "emptyDir": {}}, {"name": "d", "persistentVolumeClaim": {"claimName": "m2"}}]
    assert paths({"containers": [{"name": "a", "image": "x"}], "volumes": volumes, "nodeSelector": {"spot": "true"}}) == []


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"hostNetwork": True}, ".hostNetwork"),
        ({"hostPID": True}, ".hostPID"),
        ({"nodeName": "n1"}, ".nodeName"),
        ({"priorityClassName": "system-node-critical"}, ".priorityClassName"),
        ({"restartPolicy": "Always"}, ".restartPolicy"),
        ({"serviceAccountName": "admin"}, ".serviceAccountName"),
        ({"automountServiceAccountToken": True}, ".automountServiceAccountToken"),
        ({"terminationGracePeriodSeconds": 9999}, ".terminationGracePeriodSeconds"),
        ({"tolerations": [{"operator": "Exists"}]}, ".tolerations[0]"),
        ({"securityContext": {"runAsUser": 0}}, ".securityContext.runAsUser"),
        ({"securityContext": {"sysctls": [{"name": "a"}]}}, ".securityContext.sysctls"),
        ({"securityContext": {"seccompProfile": {"type": "Unconfined"}}}, ".securityContext.seccompProfile.type"),
        ({"volumes": [{"name": "a", "hostPath": {"path": "/etc"}}]}, ".volumes[0].hostPath.path"),
        ({"volumes": [{"name": "a", "nfs": {}}]}, ".volumes[0].nfs"),
        ({"volumes": [{"name": "boatyard-key", "emptyDir": {}}]}, ".volumes[0].name"),
        ({"volumes": [{"name": "a", "secret": {"secretName": "scm"}}]}, ".volumes[0].secret.secretName"),
        (
            {"volumes": [{"name": "a", "persistentVolumeClaim": {"claimName": "ci-shop"}}]},
            ".volumes[0].persistentVolumeClaim.claimName",
        ),
        (
            {"volumes": [{"name": "a", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]},
            ".volumes[0].projected.sources[0].serviceAccountToken",
        ),
        ({"imagePullSecrets": [{"name": "r"}]}, ".imagePullSecrets[0].name"),
    ],
)
def test_what_a_pod_may_not_ask_for(spec, path):
    assert paths(spec) == [path]


@pytest.mark.parametrize(
    ("container", "path"),
    [
        ({"securityContext": {"privileged": True}}, "securityContext.privileged"),
        ({"securityContext": {"allowPrivilegeEscalation": True}}, "securityContext.allowPrivilegeEscalation"),
        ({"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}, "securityContext.capabilities.add"),
        ({"securityContext": {"runAsNonRoot": False}}, "securityContext.runAsNonRoot"),
        ({"securityContext": {"procMount": "Unmasked"}}, "securityContext.procMount"),
        ({"ports": [{"containerPort": 1, "hostPort": 1}]}, "ports[0].hostPort"),
        ({"volumeMounts": [{"name": "a", "mountPath": "/boatyard/../boatyard/turn"}]}, "volumeMounts[0].mountPath"),
        ({"volumeMounts": [{"name": "a", "mountPath": "/"}]}, "volumeMounts[0].mountPath"),
        (
            {"env": [{"name": "T", "valueFrom": {"secretKeyRef": {"name": "scm", "key": "t"}}}]},
            "env[0].valueFrom.secretKeyRef.name",
        ),
        ({"envFrom": [{"secretRef": {"name": "scm"}}]}, "envFrom[0].secretRef.name"),
        ({"name": "source"}, "name"),
    ],
)
@pytest.mark.parametrize("group", ["containers", "initContainers"])
def test_what_a_container_may_not_ask_for(group, container, path):
    assert paths({group: [{"name": "a", "image": "x", **container}]}) == [f".{group}[0].{path}"]


def test_what_the_ciconfig_allows_is_allowed():
    spec = {
        "serviceAccountName": "deployer", "tolerations": [{"key": "builds", "operator": "Exists"}],
        "volumes": [{"name": "a", "hostPath": {"path": "/cache/maven"}}, {"name": "b", "secret": {"secretName": "npm"}}],
        "containers": [{"name": "a", "image": "registry/team/x:1"}],
    }  # fmt: skip
    allowed = {
        "service_accounts": ("deployer",), "tolerations": ("builds",), "host_paths": ("/cache",), "secrets": ("npm",),
        "images": ("registry/team/*",),
    }  # fmt: skip
    assert paths(spec, **allowed) == []
    assert len(paths(spec, images=("other/*",))) == 5


def test_secrets_of_ci_servers_are_never_allowed():
    assert paths({"volumes": [{"name": "a", "secret": {"secretName": "ci-shop"}}]}, secrets=("*",)) == [
        ".volumes[0].secret.secretName"
    ]


def test_a_path_beside_an_allowed_one_is_not_allowed():
    for path in ("/cachet", "/cache/../etc"):
        assert paths({"volumes": [{"name": "a", "hostPath": {"path": path}}]}, host_paths=("/cache",))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["spec", "containers", "volumes", "env", "valueFrom", "securityContext", "capabilities", "add", "projected",
                         "sources", "hostPath", "path", "name", "tolerations", "key", "ports", "secret", "image", "volumeMounts"]),
        inner, max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["spec", "metadata"]), JSON))
def test_it_never_fails_whatever_the_template_holds(template):
    violations(template, Trust(images=("a*",)))


def test_a_pod_can_not_pass_for_a_ci_server_or_another_build_by_its_labels():
    metadata = {
        "labels": {"boatyard.dev/component": "ciserver", "app": "mine"},
        "annotations": {"x.Boatyard.dev/a": "b", "notboatyard.dev/a": "b"},
    }
    template = {"metadata": metadata, "spec": {"containers": [{"name": "a", "image": "x"}]}}
    assert [error.path for error in violations(template, Trust(), "t")] == [
        "t.metadata.labels[boatyard.dev/component]", "t.metadata.annotations[x.Boatyard.dev/a]",
    ]  # fmt: skip


@pytest.mark.parametrize("path", ["//boatyard", "//", "/boatyard/../boatyard", "boatyard", "//opt/boatyard/lib"])
def test_boatyards_own_directories_can_not_be_mounted_over_whatever_they_are_called(path):
    container = {"name": "a", "image": "x", "volumeMounts": [{"name": "v", "mountPath": path}]}
    assert paths({"containers": [container]}) == [".containers[0].volumeMounts[0].mountPath"]


def test_processes_of_the_pod_are_not_shared():
    assert paths({"shareProcessNamespace": True}) == [".shareProcessNamespace"]


def test_a_token_in_a_volume_is_of_an_allowed_account():
    volumes = [{"name": "t", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}]
    assert paths({"volumes": volumes, "serviceAccountName": "deployer"}, service_accounts=("deployer",)) == []
    told = paths({"volumes": volumes}, service_accounts=("deployer",))
    assert told == [".volumes[0].projected.sources[0].serviceAccountToken"]


@pytest.mark.parametrize("field", ["volumeName", "dataSource", "dataSourceRef"])
def test_an_ephemeral_volume_begins_empty(field):
    """A copy of a CI server's claim would show its database."""
    claim = {"spec": {field: {"kind": "PersistentVolumeClaim", "name": "ci-shop"}}}
    volumes = [{"name": "v", "ephemeral": {"volumeClaimTemplate": claim}}]
    assert paths({"volumes": volumes}) == [f".volumes[0].ephemeral.volumeClaimTemplate.spec.{field}"]
