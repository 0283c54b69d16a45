"""A node sees and writes what its pods need, and nothing of other nodes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.meta.core import (
    CONFIG_MAPS,
    LEASES,
    NODES,
    PERSISTENT_VOLUMES,
    PODS,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
)
from boatyard.machinery.meta.errors import Forbidden, NotFound
from boatyard.machinery.registry.caller import Caller
from boatyard.machinery.registry.rbac import RbacAuthorizer

NODE = Caller("system:node:n1", ("system:nodes", "system:authenticated"))


def pod(name: str, node: str, secret: str) -> dict[str, Any]:
    env = [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": f"{secret}-map", "key": "a"}}}]
    container = {"name": "c", "image": "busybox:1", "env": env}
    token = {"serviceAccountToken": {"path": "token"}}
    volumes = [{"name": "s", "secret": {"secretName": secret}}, {"name": "t", "projected": {"sources": [token]}}]
    return {"metadata": {"name": name}, "spec": {"nodeName": node, "containers": [container], "volumes": volumes}}


@pytest.fixture
async def node(client: EmbeddedClient) -> EmbeddedClient:
    """The node ``n1``, on which one of two pods runs."""
    client.registry.authorizer = RbacAuthorizer(client.registry)
    for name, where in (("mine", "n1"), ("other", "n2")):
        await client.create(SECRETS, {"metadata": {"name": name}}, "default")
        await client.create(CONFIG_MAPS, {"metadata": {"name": f"{name}-map"}}, "default")
        await client.create(PODS, pod(name, where, name), "default")
        await client.create(NODES, {"metadata": {"name": where}})
    return EmbeddedClient(client.registry, NODE)


async def test_secrets_and_config_maps_of_its_pods_only(node: EmbeddedClient) -> None:
    await node.get(SECRETS, "mine", "default")
    await node.get(CONFIG_MAPS, "mine-map", "default")
    await node.list(CONFIG_MAPS, "default", field_selector="metadata.name=mine-map")
    for resource, name in ((SECRETS, "other"), (CONFIG_MAPS, "other-map")):
        with pytest.raises(Forbidden):
            await node.get(resource, name, "default")
    for resource in (SECRETS, CONFIG_MAPS):
        with pytest.raises(Forbidden):
            await node.list(resource, "default")


async def test_when_the_pod_goes_so_does_the_right(node: EmbeddedClient, client: EmbeddedClient) -> None:
    await client.delete(PODS, "mine", "default", grace_period_seconds=0)
    with pytest.raises(Forbidden):
        await node.get(SECRETS, "mine", "default")
    with pytest.raises(NotFound):
        await node.get(PODS, "mine", "default")


async def test_the_status_of_its_pods_only(node: EmbeddedClient) -> None:
    await node.patch(PODS, "mine", {"status": {"phase": "Running"}}, "default", subresource="status")
    with pytest.raises(Forbidden):
        await node.patch(PODS, "other", {"status": {"phase": "Failed"}}, "default", subresource="status")
    with pytest.raises(Forbidden):
        await node.patch(PODS, "mine", {"metadata": {"labels": {"a": "b"}}}, "default")
    with pytest.raises(Forbidden):
        await node.create(PODS, pod("new", "n1", "other"), "default")


async def test_it_ends_its_pods_only(node: EmbeddedClient) -> None:
    await node.delete(PODS, "mine", "default", grace_period_seconds=0)
    with pytest.raises(Forbidden):
        await node.delete(PODS, "other", "default", grace_period_seconds=0)


async def test_its_own_node_and_lease(node: EmbeddedClient) -> None:
    await node.patch(NODES, "n1", {"status": {"phase": "Running"}}, subresource="status")
    with pytest.raises(Forbidden):
        await node.patch(NODES, "n2", {"status": {}}, subresource="status")
    with pytest.raises(Forbidden, match="not allowed to modify taints"):
        await node.patch(NODES, "n1", {"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}})
    with pytest.raises(Forbidden, match=r"is not allowed to modify labels: node-restriction\.kubernetes\.io/zone"):
        await node.patch(NODES, "n1", {"metadata": {"labels": {"node-restriction.kubernetes.io/zone": "a"}}})
    await node.create(LEASES, {"metadata": {"name": "n1"}}, "kube-node-lease")
    with pytest.raises(Forbidden, match="can only access node lease with the same name as the requesting node"):
        await node.create(LEASES, {"metadata": {"name": "n2"}}, "kube-node-lease")
    with pytest.raises(Forbidden):
        await node.create(LEASES, {"metadata": {"name": "n1"}}, "default")


async def test_what_concerns_every_node(node: EmbeddedClient) -> None:
    await node.list(SERVICES)
    await node.list(PODS, field_selector="spec.nodeName=n1")
    await node.list(PODS, "default", field_selector="metadata.name=mine")
    for elsewhere in ({"field_selector": "metadata.name=other"}, {"field_selector": "spec.nodeName=n2"}, {}):
        with pytest.raises(Forbidden):
            await node.list(PODS, "default", **elsewhere)
    await node.list(PERSISTENT_VOLUMES)


async def test_volumes_that_lie_on_it(node: EmbeddedClient, client: EmbeddedClient) -> None:
    for name, where in (("here", "n1"), ("there", "n2")):
        term = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [where]}]}
        spec = {
            "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "local": {"path": "/data"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [term]}},
        }  # fmt: skip
        await client.create(PERSISTENT_VOLUMES, {"metadata": {"name": name}, "spec": spec})
    await node.patch(PERSISTENT_VOLUMES, "here", {"metadata": {"finalizers": None}})
    with pytest.raises(Forbidden):
        await node.patch(PERSISTENT_VOLUMES, "there", {"metadata": {"finalizers": None}})


async def test_tokens_bound_to_its_pods(node: EmbeddedClient, client: EmbeddedClient) -> None:
    await client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default"}}, "default")
    await client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "strong"}}, "default")

    class Minter:
        longest_seconds, audiences = 86400, ("api",)

        def issue(self, account: Any, **options: Any) -> Any:
            assert options["bound"]["metadata"]["name"] == "mine"
            return type("Issued", (), {"token": f"of {account['metadata']['name']}", "expires": 1_700_003_600.0})()

        def verify(self, token: str, audiences: tuple[str, ...] = ()) -> Any:
            raise AssertionError

    client.registry.tokens = Minter()
    pods = {name: (await client.get(PODS, name, "default"))["metadata"]["uid"] for name in ("mine", "other")}

    def asked(name: str = "mine", audiences: list[str] | None = None, **more: str) -> dict[str, Any]:
        reference = {"kind": "Pod", "apiVersion": "v1", "name": name, "uid": pods.get(name, "x"), **more}
        return {"spec": {"boundObjectRef": reference, **({"audiences": audiences} if audiences else {})}}

    answer = await node.create(SERVICE_ACCOUNTS, asked(), "default", name="default", subresource="token")
    assert answer["status"]["token"] == "of default"
    for body, told in (
        ({"spec": {}}, "node requested token not bound to a pod"),
        (asked(kind="Secret"), "node requested token not bound to a pod"),
        (asked(apiVersion=""), "node requested token not bound to a pod"),
        (asked(uid=""), "node requested token with a pod binding without a uid"),
        (asked(uid="another"), "does not match the UID in record"),
        (asked("other"), "node requested token bound to a pod scheduled on a different node"),
        (asked(audiences=["vault"]), 'audience "vault" not found in pod spec volume'),
        (asked(audiences=["a", "b"]), "node may only request 0 or 1 audiences"),
    ):
        with pytest.raises(Forbidden, match=re.escape(told)):
            await node.create(SERVICE_ACCOUNTS, body, "default", name="default", subresource="token")
    with pytest.raises(NotFound, match='"none" not found'):
        await node.create(SERVICE_ACCOUNTS, asked("none"), "default", name="default", subresource="token")
    with pytest.raises(Forbidden):
        await node.create(SERVICE_ACCOUNTS, asked(), "default", name="strong", subresource="token")


async def test_what_a_node_may_not_say_of_itself(node: EmbeddedClient, client: EmbeddedClient) -> None:
    """As a kube-apiserver with NodeRestriction says it."""
    own = {
        "kubernetes.io/hostname": "n1",
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/x": "y",
        "x.kubelet.kubernetes.io/z": "1",
    }
    await node.patch(NODES, "n1", {"metadata": {"labels": {**own, "a": "b"}, "annotations": {"c": "d"}}})
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "x", "uid": "y"}
    for change, told in (
        (
            {"metadata": {"labels": {"x.k8s.io/y": "1", "node-role.kubernetes.io/a": ""}}},
            "labels: node-role.kubernetes.io/a, x.k8s.io/y",
        ),
        ({"metadata": {"labels": {"x.node-restriction.kubernetes.io/a": "b"}}}, "labels: x.node-restriction.kubernetes.io/a"),
        ({"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}}, 'node "n1" is not allowed to modify taints'),
        ({"metadata": {"ownerReferences": [owner]}}, 'node "n1" is not allowed to modify ownerReferences'),
    ):
        with pytest.raises(Forbidden, match=re.escape(told)):
            await node.patch(NODES, "n1", change)
    new = EmbeddedClient(client.registry, Caller("system:node:n3", NODE.groups))
    told = 'nodes "n3" is forbidden: node "n3" is not allowed to set the following labels: sub.k8s.io/q, x.kubernetes.io/a'
    with pytest.raises(Forbidden, match=re.escape(told)):
        await new.create(NODES, {"metadata": {"name": "n3", "labels": {"sub.k8s.io/q": "1", "x.kubernetes.io/a": "1", "b": "c"}}})
    await new.create(NODES, {"metadata": {"name": "n3", "labels": own}, "spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}})
    with pytest.raises(Forbidden, match='node "n1" is not allowed to modify node "n4"'):
        await node.create(NODES, {"metadata": {"name": "n4"}})


async def test_labels_of_a_pod_are_not_its_nodes_business(node: EmbeddedClient) -> None:
    with pytest.raises(Forbidden, match='node "n1" cannot update labels through pod status'):
        await node.patch(PODS, "mine", {"metadata": {"labels": {"a": "b"}}}, "default", subresource="status")
    await node.patch(PODS, "mine", {"metadata": {"annotations": {"a": "b"}}}, "default", subresource="status")


async def test_pods_are_deleted_one_by_one_and_only_its_own(node: EmbeddedClient, client: EmbeddedClient) -> None:
    for namespace in ("default", None):
        with pytest.raises(Forbidden):
            await client.registry.delete_collection(NODE, PODS, namespace)
    with pytest.raises(Forbidden):
        await node.delete(PODS, "other", "default")
    assert len((await client.list(PODS, "default")).items) == 2


async def test_a_pod_that_is_not_there_can_not_be_made_by_changing_it(node: EmbeddedClient) -> None:
    with pytest.raises(Forbidden):
        await node.patch(PODS, "none", {"metadata": {"labels": {"a": "b"}}}, "default")
    with pytest.raises(NotFound):
        await node.get(PODS, "none", "default")
