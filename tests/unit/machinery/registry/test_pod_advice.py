"""What whoever makes a pod is told although it is taken, in Kubernetes' words."""

from __future__ import annotations

from typing import Any

import pytest

from boatyard.machinery.registry.pod_advice import pod_advice

NULL = "a null labelSelector results in matching no pod"
NO_NAMES: dict[str, Any] = {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "z"}]}
LATER = "will be considered invalid in a future Kubernetes release"


def containers(*ports: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"containers": [{"name": "c", "ports": [{"protocol": "TCP", **port} for port in ports], **more}]}


def told(spec: dict[str, Any], name: str = "x") -> list[str]:
    return list(pod_advice({"metadata": {"name": name}, "spec": spec}))


def test_a_name_that_is_no_host_name() -> None:
    why = "this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended"
    assert told({}, "a.b") == [f"metadata.name: {why}: [must not contain dots]"]


@pytest.mark.parametrize(
    ("spec", "warning"),
    [
        (
            {"nodeSelector": {"beta.kubernetes.io/os": "linux"}},
            'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead',
        ),
        (
            {"topologySpreadConstraints": [{"topologyKey": "z"}]},
            f"spec.topologySpreadConstraints[0].labelSelector: {NULL}",
        ),
        (
            {"affinity": {"podAntiAffinity": NO_NAMES}},
            f"spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelector: {NULL}",
        ),
        ({"imagePullSecrets": [{}]}, 'spec.imagePullSecrets[0].name: invalid empty name ""'),
        ({"imagePullSecrets": [{"name": "a"}, {"name": "a"}]}, 'spec.imagePullSecrets[1].name: duplicate name "a"'),
        (
            {"hostAliases": [{"ip": "001.2.3.4"}]},
            f'spec.hostAliases[0].ip: non-standard IP address "001.2.3.4" {LATER}: use "1.2.3.4"',
        ),
        (
            containers(env=[{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]),
            'spec.containers[0].env[1]: hides previous definition of "a", which may be dropped when using apply',
        ),
        (
            containers(resources={"limits": {"memory": "100m"}}),
            'spec.containers[0].resources.limits[memory]: fractional byte value "100m" is invalid, must be an integer',
        ),
        (
            containers({"containerPort": 80}, {"containerPort": 80}),
            "spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]",
        ),
        (
            containers({"containerPort": 80}, {"containerPort": 80, "hostPort": 5}),
            "spec.containers[0].ports[1]: overlapping port definition with spec.containers[0].ports[0]",
        ),
        (
            containers({"containerPort": 80, "hostIP": "1.2.3.4"}),
            "spec.containers[0].ports[0]: hostIP set without hostPort: "
            "{Name: HostPort:0 ContainerPort:80 Protocol:TCP HostIP:1.2.3.4}",
        ),
    ],
)  # fmt: skip
def test_what_hardly_anybody_means(spec: dict[str, Any], warning: str) -> None:
    assert told(spec) == [warning]


def test_a_variable_that_is_made_of_the_one_before_hides_nothing() -> None:
    assert told(containers(env=[{"name": "a", "value": "1"}, {"name": "a", "value": "$(a):2"}])) == []


def test_the_same_port_of_several_addresses_is_no_double() -> None:
    ports = ({"containerPort": 80, "hostPort": 5}, {"containerPort": 80, "hostPort": 6})
    assert told(containers(*ports)) == []
