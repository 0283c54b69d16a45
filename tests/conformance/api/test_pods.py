"""Pods: what is added to them, how they get a node, what of them stays."""

from __future__ import annotations

from typing import Any

import pytest

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import POD_TEMPLATES, PODS, SERVICE_ACCOUNTS
from boatyard.machinery.meta.errors import ApiError, Conflict, Forbidden, Invalid

from .features import feature

SECTION = "Pods"

TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"


pytestmark = pytest.mark.usefixtures("account")


def pod(name: str = "p", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "busybox:1"}], **spec}}


def binding(node: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "p"}, "target": {"kind": "Node", "name": node}}


@feature("defaults, quality of service, tolerations")
async def test_a_state_that_is_sent(client: Client, namespace: str) -> None:
    """Of a pod that was read somewhere and is made anew only the quality of service is believed."""
    made = await client.create(PODS, {**pod(), "status": {"phase": "Running", "qosClass": "Guaranteed"}}, namespace)
    assert made["status"] == {"phase": "Pending", "qosClass": "Guaranteed"}


@feature("defaults, quality of service, tolerations")
async def test_defaults(client: Client, namespace: str) -> None:
    made = await client.create(PODS, pod(), namespace)
    spec = made["spec"]
    assert spec["restartPolicy"] == "Always" and spec["terminationGracePeriodSeconds"] == 30 and spec["dnsPolicy"] == "ClusterFirst"
    assert spec["serviceAccountName"] == spec["serviceAccount"] == "default" and spec["schedulerName"] == "default-scheduler"
    assert spec["priority"] == 0 and spec["preemptionPolicy"] == "PreemptLowerPriority" and spec["enableServiceLinks"] is True
    assert made["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    container = spec["containers"][0]
    assert container["imagePullPolicy"] == "IfNotPresent" and container["terminationMessagePolicy"] == "File"
    assert [(t["key"], t["effect"], t["tolerationSeconds"]) for t in spec["tolerations"]] == [
        ("node.kubernetes.io/not-ready", "NoExecute", 300),
        ("node.kubernetes.io/unreachable", "NoExecute", 300),
    ]


@feature("defaults, quality of service, tolerations")
async def test_what_says_nothing_is_not_kept(client: Client, namespace: str) -> None:
    container: dict[str, Any] = {"name": "c", "image": "i:1", "env": [{"name": "a", "value": ""}], "stdin": False}
    container["securityContext"] = {"runAsUser": 0}
    said = pod(containers=[container], hostNetwork=False, restartPolicy="", imagePullSecrets=[{"name": ""}])
    spec = (await client.create(PODS, said, namespace))["spec"]
    made = spec["containers"][0]
    assert "hostNetwork" not in spec and spec["restartPolicy"] == "Always" and spec["imagePullSecrets"] == [{}]
    assert made["env"] == [{"name": "a"}] and "stdin" not in made and made["securityContext"] == {"runAsUser": 0}


@feature("server-side apply: an item without its key is the one whose key is empty")
async def test_an_item_without_its_key_is_the_one_whose_key_is_empty(client: Client, namespace: str) -> None:
    applied = {"apiVersion": "v1", "kind": "Pod", **pod(imagePullSecrets=[{}, {"name": "a"}])}
    applied["metadata"]["namespace"] = namespace
    for _ in range(2):
        made = await client.apply(PODS, applied, field_manager="m", force=False)
        assert made["spec"]["imagePullSecrets"] == [{}, {"name": "a"}]
    owned = made["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:imagePullSecrets"]
    assert sorted(owned) == ['k:{"name":""}', 'k:{"name":"a"}']


@feature("defaults, quality of service, tolerations")
@pytest.mark.parametrize(
    ("resources", "requests", "quality"),
    [
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, {"cpu": "1", "memory": "1Gi"}, "Guaranteed"),
        ({"limits": {"cpu": "1"}}, {"cpu": "1"}, "Burstable"), ({"requests": {"memory": "1Gi"}}, {"memory": "1Gi"}, "Burstable"),
    ],
)  # fmt: skip
async def test_resources_of_a_pod_as_a_whole(client: Client, namespace: str, resources: Any, requests: Any, quality: str) -> None:
    made = await client.create(PODS, pod(resources=resources), namespace)
    assert made["spec"]["resources"] == {**resources, "requests": requests} and made["status"]["qosClass"] == quality


@feature("the service account's token is mounted")
async def test_a_token_of_its_account_is_mounted(client: Client, namespace: str) -> None:
    spec = (await client.create(PODS, pod(initContainers=[{"name": "i", "image": "busybox:1"}]), namespace))["spec"]
    (volume,) = spec["volumes"]
    assert volume["name"].startswith("kube-api-access-")
    assert [next(iter(source)) for source in volume["projected"]["sources"]] == ["serviceAccountToken", "configMap", "downwardAPI"]
    for container in (*spec["containers"], *spec["initContainers"]):
        assert container["volumeMounts"] == [{"name": volume["name"], "mountPath": TOKEN_PATH, "readOnly": True}]


@feature("the service account's token is mounted")
async def test_no_token_for_who_wants_none(client: Client, namespace: str) -> None:
    spec = (await client.create(PODS, pod(automountServiceAccountToken=False), namespace))["spec"]
    assert "volumes" not in spec and "volumeMounts" not in spec["containers"][0]
    await client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "mute"}, "automountServiceAccountToken": False}, namespace)
    assert "volumes" not in (await client.create(PODS, pod("q", serviceAccountName="mute"), namespace))["spec"]


@feature("the service account's token is mounted")
async def test_an_account_that_is_not_there(client: Client, namespace: str) -> None:
    with pytest.raises(Forbidden, match='serviceaccount "ghost" not found'):
        await client.create(PODS, pod(serviceAccountName="ghost"), namespace)


@feature("priority classes of the system; others are not there")
async def test_a_priority_class_that_is_not_there(client: Client, namespace: str) -> None:
    with pytest.raises(Forbidden, match="no PriorityClass with name urgent was found"):
        await client.create(PODS, pod(priorityClassName="urgent"), namespace)


@feature("`binding`")
async def test_a_pod_is_bound_once(client: Client, namespace: str) -> None:
    await client.create(PODS, pod(), namespace)
    await client.create(PODS, binding("n1"), namespace, name="p", subresource="binding")
    bound = await client.get(PODS, "p", namespace)
    assert bound["spec"]["nodeName"] == "n1"
    (condition,) = bound["status"]["conditions"]
    assert condition["type"] == "PodScheduled" and condition["status"] == "True" and condition["lastTransitionTime"]
    with pytest.raises(Conflict, match='pod p is already assigned to node "n1"'):
        await client.create(PODS, binding("n2"), namespace, name="p", subresource="binding")


@feature("`binding`")
async def test_pods_of_a_node(client: Client, namespace: str) -> None:
    await client.create(PODS, pod("here", nodeName="n1"), namespace)
    await client.create(PODS, pod("there", nodeName="n2"), namespace)
    found = await client.list(PODS, namespace, field_selector="spec.nodeName=n1,status.phase!=Failed")
    assert [each["metadata"]["name"] for each in found.items] == ["here"]


@feature("`eviction`")
async def test_an_eviction_deletes(client: Client, namespace: str) -> None:
    await client.create(PODS, pod(nodeName="n1", terminationGracePeriodSeconds=7), namespace)
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p", "namespace": namespace}}
    await client.create(PODS, eviction, namespace, name="p", subresource="eviction")
    assert (await client.get(PODS, "p", namespace))["metadata"]["deletionGracePeriodSeconds"] == 7


@feature("what of a spec may change")
async def test_the_spec_stays(client: Client, namespace: str) -> None:
    made = await client.create(PODS, pod(), namespace)
    changed = {**made, "spec": {**made["spec"], "restartPolicy": "Never"}}
    with pytest.raises(Invalid, match="pod updates may not change fields other than"):
        await client.update(PODS, changed)
    image = [{**made["spec"]["containers"][0], "image": "busybox:2"}]
    changed = await client.update(PODS, {**made, "spec": {**made["spec"], "containers": image}})
    assert changed["spec"]["containers"][0]["image"] == "busybox:2"


NO_PROFILE = "must be a valid seccomp profile"
SECCOMP, APP_ARMOR = "seccomp.security.alpha.kubernetes.io/pod", "container.apparmor.security.beta.kubernetes.io/c"


@feature("every wrong field is told")
@pytest.mark.parametrize(
    ("annotation", "profile", "wrong"),
    [
        (SECCOMP, "nope", NO_PROFILE), (f"container.{SECCOMP.replace('/pod', '/c')}", "nope", NO_PROFILE),
        (APP_ARMOR, "unconfined", "may not add AppArmor annotations"), (APP_ARMOR, "nope", "invalid AppArmor profile name"),
    ],
)  # fmt: skip
async def test_annotations_that_name_profiles(client: Client, namespace: str, annotation: str, profile: str, wrong: str) -> None:
    await client.create(PODS, pod(), namespace)
    with pytest.raises(Invalid, match=wrong):
        await client.patch(PODS, "p", {"metadata": {"annotations": {annotation: profile}}}, namespace)
    changed = await client.patch(PODS, "p", {"metadata": {"annotations": {SECCOMP: "runtime/default", "a": "b"}}}, namespace)
    assert changed["metadata"]["annotations"] == {SECCOMP: "runtime/default", "a": "b"}


@feature("every wrong field is told")
async def test_annotations_of_a_template(client: Client, namespace: str) -> None:
    template = {"metadata": {"annotations": {SECCOMP: "nope"}}, "spec": pod()["spec"]}
    with pytest.raises(Invalid, match=f"template.annotations.{SECCOMP}: Invalid value: \"nope\": {NO_PROFILE}"):
        await client.create(POD_TEMPLATES, {"metadata": {"name": "t"}, "template": template}, namespace)


@feature("`status` is a subresource")
async def test_the_status_is_written_by_its_own_door(client: Client, namespace: str) -> None:
    await client.create(PODS, pod(), namespace)
    status = {"phase": "Running", "podIP": "10.0.0.9", "conditions": [{"type": "Ready", "status": "True"}]}
    changed = await client.patch(PODS, "p", {"status": status}, namespace, subresource="status")
    assert changed["status"]["phase"] == "Running" and changed["status"]["qosClass"] == "BestEffort"
    assert (await client.patch(PODS, "p", {"status": {"phase": "Failed"}}, namespace))["status"]["phase"] == "Running"


@feature("every wrong field is told")
async def test_a_document_of_wrong_types(client: Client, namespace: str) -> None:
    body = pod(containers=[{"name": "c", "image": 7}])
    with pytest.raises(ApiError) as told:
        await client.create(PODS, body, namespace)
    assert told.value.code == 400 and "image" in str(told.value)


@feature("every wrong field is told")
async def test_every_wrong_field_is_told(client: Client, namespace: str) -> None:
    body = pod(containers=[{"name": "C_", "image": ""}], restartPolicy="Sometimes")
    with pytest.raises(Invalid) as told:
        await client.create(PODS, body, namespace)
    fields = {cause["field"] for cause in told.value.details["causes"]}
    assert {"spec.containers[0].name", "spec.containers[0].image", "spec.restartPolicy"} <= fields
