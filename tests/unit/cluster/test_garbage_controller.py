from __future__ import annotations

from typing import Any

import pytest

from boatyard.cluster import garbage_controller
from boatyard.cluster.ownership import KEEP, Decision, decide
from boatyard.machinery.meta.core import CONFIG_MAPS, CUSTOM_RESOURCE_DEFINITIONS, EVENTS, PERSISTENT_VOLUMES, SECRETS
from boatyard.machinery.meta.objects import owner_reference
from boatyard.machinery.meta.resource import Resource

BOATS = Resource("test.boatyard.dev", "v1", "boats", "Boat")
DEFINITION = {
    "metadata": {"name": "boats.test.boatyard.dev"},
    "spec": {
        "group": "test.boatyard.dev", "scope": "Namespaced", "names": {"plural": "boats", "kind": "Boat"},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}],
    },
}  # fmt: skip

DECISIONS = [
    ("no owners", {}, False, KEEP),
    ("owner there", {"a": "present"}, False, KEEP),
    ("owner gone", {"a": "absent"}, False, Decision(delete="Background")),
    ("all gone", {"a": "absent", "b": "absent"}, True, Decision(delete="Background")),
    ("one is left", {"a": "absent", "b": "present"}, False, Decision(release=("a",))),
    ("one waits, one is left", {"a": "waiting", "b": "present"}, False, Decision(release=("a",))),
    ("owner waits", {"a": "waiting"}, False, Decision(delete="Background")),
    ("owner waits for a tree", {"a": "waiting"}, True, Decision(delete="Foreground")),
    ("nobody serves the owner's type", {"a": "unknown"}, False, KEEP),
    ("unknown counts as there", {"a": "absent", "b": "unknown"}, False, Decision(release=("a",))),
]


@pytest.mark.parametrize(("what", "owners", "tree", "expected"), DECISIONS, ids=[row[0] for row in DECISIONS])
def test_decision(what: str, owners: Any, tree: bool, expected: Decision) -> None:
    assert decide({"metadata": {}}, owners, tree) == expected
    assert decide({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}, owners, tree) == KEEP


@pytest.mark.parametrize(("finalizer", "propagation"), [("orphan", "Orphan"), ("foregroundDeletion", "Foreground")])
def test_what_an_object_asks_for_itself_is_kept(finalizer: str, propagation: Any) -> None:
    assert decide({"metadata": {"finalizers": [finalizer]}}, {"a": "absent"}, False) == Decision(delete=propagation)


async def make(cluster: Any, resource: Any, name: str, *owners: Any, namespace: str | None = "default", **metadata: Any) -> Any:
    body: Any = {"metadata": {"name": name, **metadata}}
    if owners:
        body["metadata"]["ownerReferences"] = [owner_reference(owner, controller=False) for owner in owners]
    return await cluster.client.create(resource, body, namespace)


def test_a_tree_of_several_kinds_goes_with_its_owner_and_nothing_else(in_cluster: Any) -> None:
    async def body(cluster: Any) -> None:
        owner = await make(cluster, CONFIG_MAPS, "owner")
        child = await make(cluster, SECRETS, "child", owner)
        await make(cluster, CONFIG_MAPS, "grandchild", child)
        await make(cluster, SECRETS, "bystander")
        await cluster.client.delete(CONFIG_MAPS, "owner", "default")
        await cluster.settle()
        assert await cluster.names(CONFIG_MAPS, "default") == []
        assert await cluster.names(SECRETS, "default") == ["bystander"]

    in_cluster(body, garbage_controller)


def test_an_object_with_another_owner_left_stays_and_loses_the_reference(in_cluster: Any) -> None:
    async def body(cluster: Any) -> None:
        one, two = await make(cluster, CONFIG_MAPS, "one"), await make(cluster, CONFIG_MAPS, "two")
        await make(cluster, SECRETS, "child", one, two)
        await cluster.client.delete(CONFIG_MAPS, "one", "default")
        await cluster.settle()
        child = await cluster.client.get(SECRETS, "child", "default")
        assert [reference["name"] for reference in child["metadata"]["ownerReferences"]] == ["two"]

    in_cluster(body, garbage_controller)


def test_an_owner_made_anew_under_the_same_name_is_not_the_owner(in_cluster: Any) -> None:
    async def body(cluster: Any) -> None:
        owner = await make(cluster, CONFIG_MAPS, "owner")
        cluster.control.stop()
        cluster.control.start()
        await cluster.settle(0)
        await cluster.settle()
        await cluster.client.delete(CONFIG_MAPS, "owner", "default")
        await make(cluster, CONFIG_MAPS, "owner")
        await make(cluster, SECRETS, "late", owner)
        await cluster.settle()
        assert await cluster.names(SECRETS, "default") == []

    in_cluster(body, garbage_controller)


def test_what_was_orphaned_while_the_collector_was_down_goes_when_it_is_back(in_cluster: Any) -> None:
    async def body(cluster: Any) -> None:
        owner = await make(cluster, CONFIG_MAPS, "owner")
        await make(cluster, SECRETS, "child", owner)
        client = cluster.client
        deletion = client.delete(CONFIG_MAPS, "owner", "default")
        await deletion
        await cluster.restart()
        await cluster.settle()
        assert await cluster.names(SECRETS, "default") == []

    in_cluster(body, garbage_controller)


def test_an_owner_of_a_kind_that_nobody_serves_deletes_nothing(in_cluster: Any) -> None:
    async def body(cluster: Any) -> None:
        stranger = {"apiVersion": "x.example/v1", "kind": "Stranger", "metadata": {"name": "x", "uid": "1"}}
        await make(cluster, SECRETS, "child", stranger)
        await cluster.settle()
        assert await cluster.names(SECRETS, "default") == ["child"]

    in_cluster(body, garbage_controller)


def test_an_owner_in_a_namespace_can_not_own_what_lies_in_none(in_cluster: Any) -> None:
    async def body(cluster: Any) -> None:
        owner = await make(cluster, CONFIG_MAPS, "owner")
        spec = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}}
        volume = {"metadata": {"name": "v", "ownerReferences": [owner_reference(owner)]}, "spec": spec}
        await cluster.client.create(PERSISTENT_VOLUMES, volume)
        await make(cluster, SECRETS, "child", owner)
        await cluster.client.delete(CONFIG_MAPS, "owner", "default")
        await cluster.settle()
        await cluster.restart()
        assert await cluster.names(SECRETS) == []  # so the owner is known to be gone
        assert await cluster.names(PERSISTENT_VOLUMES) == ["v"]
        assert "OwnerRefInvalidNamespace" in [e["reason"] for e in (await cluster.client.list(EVENTS)).items]

    in_cluster(body, garbage_controller)


def test_foreground_the_owner_goes_last(in_cluster: Any) -> None:
    async def body(cluster: Any) -> None:
        owner = await make(cluster, CONFIG_MAPS, "owner")
        await make(cluster, SECRETS, "child", owner, finalizers=["test.boatyard.dev/hold"])
        await cluster.client.delete(CONFIG_MAPS, "owner", "default", propagation="Foreground")
        await cluster.settle()
        assert (await cluster.client.get(SECRETS, "child", "default"))["metadata"]["deletionTimestamp"]
        assert await cluster.find(CONFIG_MAPS, "owner", "default")
        await cluster.settle(400)
        blocked = [e for e in (await cluster.client.list(EVENTS)).items if e["reason"] == "DeletionBlocked"]
        assert [e["message"] for e in blocked] == ["still there: secrets/child"]
        await cluster.client.patch(SECRETS, "child", {"metadata": {"finalizers": None}}, "default")
        await cluster.settle()
        assert await cluster.names(CONFIG_MAPS, "default") == []

    in_cluster(body, garbage_controller)


def test_foreground_what_another_still_owns_is_released_and_not_waited_for(in_cluster: Any) -> None:
    async def body(cluster: Any) -> None:
        one, two = await make(cluster, CONFIG_MAPS, "one"), await make(cluster, CONFIG_MAPS, "two")
        owners = [owner_reference(owner, controller=False) | {"blockOwnerDeletion": True} for owner in (one, two)]
        await cluster.client.create(SECRETS, {"metadata": {"name": "child", "ownerReferences": owners}}, "default")
        await cluster.client.delete(CONFIG_MAPS, "one", "default", propagation="Foreground")
        await cluster.settle()
        assert await cluster.names(CONFIG_MAPS, "default") == ["two"]
        assert await cluster.names(SECRETS, "default") == ["child"]

    in_cluster(body, garbage_controller)


def test_orphans_stay_and_forget_their_owner(in_cluster: Any) -> None:
    async def body(cluster: Any) -> None:
        owner = await make(cluster, CONFIG_MAPS, "owner")
        await make(cluster, SECRETS, "child", owner)
        await cluster.client.delete(CONFIG_MAPS, "owner", "default", propagation="Orphan")
        await cluster.settle()
        assert await cluster.names(CONFIG_MAPS, "default") == []
        assert "ownerReferences" not in (await cluster.client.get(SECRETS, "child", "default"))["metadata"]

    in_cluster(body, garbage_controller)


def test_custom_kinds_own_and_are_owned_as_soon_as_they_are_served(in_cluster: Any) -> None:
    async def body(cluster: Any) -> None:
        await cluster.client.create(CUSTOM_RESOURCE_DEFINITIONS, DEFINITION)
        await cluster.settle()
        boat = await make(cluster, BOATS, "boat")
        cargo = await make(cluster, SECRETS, "cargo", boat)
        await make(cluster, BOATS, "dinghy", cargo)
        await cluster.client.delete(BOATS, "boat", "default")
        await cluster.settle()
        assert await cluster.names(BOATS, "default") == []
        assert await cluster.names(SECRETS, "default") == []

    in_cluster(body, garbage_controller)


def test_a_definition_goes_after_its_objects(in_cluster: Any) -> None:
    async def body(cluster: Any) -> None:
        await cluster.client.create(CUSTOM_RESOURCE_DEFINITIONS, DEFINITION)
        await cluster.settle()
        boat = await make(cluster, BOATS, "boat")
        await make(cluster, SECRETS, "cargo", boat)
        await cluster.client.delete(CUSTOM_RESOURCE_DEFINITIONS, "boats.test.boatyard.dev")
        await cluster.settle(10)
        assert await cluster.find(CUSTOM_RESOURCE_DEFINITIONS, "boats.test.boatyard.dev") is None
        assert await cluster.names(SECRETS, "default") == []

    in_cluster(body, garbage_controller)


@pytest.mark.parametrize("seed", range(10))
def test_forests_go_under_crashes_and_only_what_must(in_cluster: Any, seed: int) -> None:
    async def body(cluster: Any) -> None:
        for tree in range(4):
            root = await make(cluster, CONFIG_MAPS, f"root{tree}")
            for child in range(3):
                branch = await make(cluster, SECRETS, f"t{tree}c{child}", root)
                await make(cluster, CONFIG_MAPS, f"t{tree}c{child}leaf", branch)
        for tree, how in ((0, "Background"), (1, "Foreground"), (2, "Orphan")):
            await cluster.client.delete(CONFIG_MAPS, f"root{tree}", "default", propagation=how)
        cluster.world.crashing = True
        await cluster.settle(120)
        cluster.world.crashing = False
        await cluster.settle(60)
        assert await cluster.names(SECRETS, "default") == [f"t{tree}c{child}" for tree in (2, 3) for child in range(3)]
        leaves = [f"t{tree}c{child}leaf" for tree in (2, 3) for child in range(3)]
        assert await cluster.names(CONFIG_MAPS, "default") == ["root3", *leaves]

    in_cluster(body, garbage_controller, seed=seed, crash_rate=0.1)
