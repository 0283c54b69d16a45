"""A container's variables."""

from __future__ import annotations

import base64

import pytest

from boatyard.machinery.meta.core import CONFIG_MAPS, SECRETS
from boatyard.node.containers.environment import Surroundings, environment, references
from boatyard.node.containers.errors import ConfigError

POD = {
    "metadata": {"name": "p", "namespace": "ns", "uid": "u", "labels": {"app.kubernetes.io/name": "x"}},
    "spec": {"nodeName": "n1", "containers": [{"name": "other", "resources": {"limits": {"memory": "1Gi"}}}]},
}
OBJECTS = {
    (CONFIG_MAPS, "c"): {"data": {"a": "1", "b": "2"}},
    (SECRETS, "s"): {"data": {"k": base64.b64encode(b"secret").decode()}},
    (CONFIG_MAPS, "none"): None,
}


def env(*variables, around=None, **container):
    around = around or Surroundings(POD, OBJECTS, {"status.podIP": "10.1.1.1"}, {"cpu": "4", "memory": "8Gi"}, {"SERVICE": "here"})
    return environment({"name": "main", "env": list(variables), **container}, around)


def test_values_see_what_came_before_them():
    made = env({"name": "A", "value": "1"}, {"name": "B", "value": "$(A)-$(SERVICE)-$(C)-$$(A)"}, {"name": "C", "value": "x"})
    assert made == {"SERVICE": "here", "A": "1", "B": "1-here-$(C)-$(A)", "C": "x"}


def test_whole_objects_come_first_and_are_overridden():
    made = env(
        {"name": "P_a", "value": "mine"},
        envFrom=[
            {"prefix": "P_", "configMapRef": {"name": "c"}},
            {"secretRef": {"name": "s"}},
            {"configMapRef": {"name": "none", "optional": True}},
        ],
    )
    assert made == {"SERVICE": "here", "P_a": "mine", "P_b": "2", "k": "secret"}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ({"fieldRef": {"fieldPath": "metadata.name"}}, "p"),
        ({"fieldRef": {"fieldPath": "metadata.labels['app.kubernetes.io/name']"}}, "x"),
        ({"fieldRef": {"fieldPath": "metadata.annotations['none']"}}, ""),
        ({"fieldRef": {"fieldPath": "spec.nodeName"}}, "n1"),
        ({"fieldRef": {"fieldPath": "status.podIP"}}, "10.1.1.1"),
        ({"resourceFieldRef": {"resource": "limits.cpu"}}, "4"),
        ({"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}, "8192"),
        ({"resourceFieldRef": {"resource": "limits.memory", "containerName": "other", "divisor": "1Mi"}}, "1024"),
        ({"resourceFieldRef": {"resource": "requests.cpu", "divisor": "1m"}}, "0"),
        ({"configMapKeyRef": {"name": "c", "key": "b"}}, "2"),
        ({"secretKeyRef": {"name": "s", "key": "k"}}, "secret"),
    ],
)
def test_references_are_resolved(source, value):
    assert env({"name": "X", "valueFrom": source})["X"] == value


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"configMapKeyRef": {"name": "none", "key": "b"}}, 'configmap "none" not found'),
        ({"secretKeyRef": {"name": "s", "key": "b"}}, "couldn't find key b in Secret ns/s"),
        ({"fieldRef": {"fieldPath": "spec.secret"}}, "unsupported fieldPath"),
    ],
)
def test_what_is_missing_is_named(source, message):
    with pytest.raises(ConfigError, match=message):
        env({"name": "X", "valueFrom": source})


def test_an_optional_reference_may_be_missing():
    assert "X" not in env({"name": "X", "valueFrom": {"configMapKeyRef": {"name": "none", "key": "b", "optional": True}}})


def test_every_object_is_asked_for_once():
    container = {
        "envFrom": [{"configMapRef": {"name": "c"}}],
        "env": [
            {"name": "X", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "a"}}},
            {"name": "Y", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        ],
    }
    assert references(container) == [(CONFIG_MAPS, "c"), (SECRETS, "s")]
