"""Defaults of Kubernetes' own kinds. What a kube-apiserver makes of whole documents: ``tests/conformance/core``."""

import pytest

from boatyard.machinery.meta import core
from boatyard.machinery.registry.core.defaults import default
from boatyard.machinery.registry.core.pod_defaults import qos_class


def pod(**spec):
    return {"metadata": {"name": "x"}, "spec": {"containers": [{"name": "a", "image": "i:1"}], **spec}}


def test_a_small_pod_becomes_whole():
    obj = pod()
    default(core.PODS, obj)
    assert obj["spec"] == {
        "containers": [
            {
                "name": "a", "image": "i:1", "imagePullPolicy": "IfNotPresent", "resources": {},
                "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
            }
        ],
        "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst", "securityContext": {},
        "schedulerName": "default-scheduler", "enableServiceLinks": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("a", "Always"),
        ("a:latest", "Always"),
        ("a:1", "IfNotPresent"),
        ("r:5000/a", "Always"),
        ("r:5000/a:1", "IfNotPresent"),
        ("a@sha256:0", "IfNotPresent"),
    ],
)
def test_images_without_a_fixed_tag_are_always_pulled(image, policy):
    obj = pod(containers=[{"name": "a", "image": image}])
    default(core.PODS, obj)
    assert obj["spec"]["containers"][0]["imagePullPolicy"] == policy


def test_what_is_set_stays():
    obj = pod(restartPolicy="Never", terminationGracePeriodSeconds=0)
    default(core.PODS, obj)
    assert obj["spec"]["restartPolicy"] == "Never" and obj["spec"]["terminationGracePeriodSeconds"] == 0


@pytest.mark.parametrize("resource", core.STORED, ids=lambda resource: resource.plural)
def test_defaulting_is_safe_on_an_empty_document_and_twice_is_once(resource):
    from boatyard.machinery.meta.objects import copied

    obj = {"metadata": {"name": "x"}}
    default(resource, obj)
    again = copied(obj)
    default(resource, again)
    assert again == obj


def test_secrets_take_plain_texts():
    obj = {"metadata": {"name": "x"}, "stringData": {"a": "b"}, "data": {"a": "old", "c": "ZA=="}}
    default(core.SECRETS, obj)
    assert obj == {"metadata": {"name": "x"}, "type": "Opaque", "data": {"a": "Yg==", "c": "ZA=="}}


def test_a_service_sends_to_the_port_it_listens_on():
    obj = {"metadata": {"name": "x"}, "spec": {"ports": [{"port": 80}]}}
    default(core.SERVICES, obj)
    assert obj["spec"]["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]


@pytest.mark.parametrize(
    ("resources", "qos"),
    [
        ({}, "BestEffort"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, "Guaranteed"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m", "memory": "1Gi"}}, "Burstable"),
        ({"requests": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"memory": "1Gi"}}, "Burstable"),
        ({"requests": {"ephemeral-storage": "1Gi"}}, "BestEffort"),
    ],
)
def test_quality_of_service(resources, qos):
    assert qos_class({"containers": [{"name": "a", "resources": resources}]}) == qos


def test_a_list_that_is_null_to_go_is_not_kept_without_entries():
    piece = {"metadata": {"name": "e"}, "addressType": "IPv4", "endpoints": [], "ports": []}
    default(core.ENDPOINT_SLICES, piece)
    assert "endpoints" not in piece and "ports" not in piece


def test_what_go_leaves_out_says_nothing():
    container = {"name": "a", "image": "i:1", "env": [{"name": "v", "value": ""}], "stdin": False}
    obj = pod(containers=[container], hostNetwork=False, hostname="", restartPolicy="")
    default(core.PODS, obj)
    assert obj["spec"]["containers"][0]["env"] == [{"name": "v"}] and "stdin" not in obj["spec"]["containers"][0]
    assert "hostNetwork" not in obj["spec"] and "hostname" not in obj["spec"] and obj["spec"]["restartPolicy"] == "Always"


def test_what_go_tells_from_nothing_stays_and_so_does_what_is_of_another_type():
    container = {"name": "a", "image": "i:1", "securityContext": {"runAsUser": 0, "privileged": False}, "stdin": 0}
    obj = pod(containers=[container], automountServiceAccountToken=False)
    default(core.PODS, obj)
    assert obj["spec"]["containers"][0]["securityContext"] == {"runAsUser": 0, "privileged": False}
    assert obj["spec"]["containers"][0]["stdin"] == 0 and obj["spec"]["automountServiceAccountToken"] is False


def test_resources_of_containers_are_counted_by_the_thousandth():
    obj = pod(containers=[{"name": "a", "image": "i:1", "resources": {"limits": {"cpu": "0.1m"}}}])
    default(core.PODS, obj)
    assert obj["spec"]["containers"][0]["resources"] == {"limits": {"cpu": "1m"}, "requests": {"cpu": "1m"}}
