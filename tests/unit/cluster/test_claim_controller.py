from __future__ import annotations

from typing import Any

import pytest

from boatyard.cluster import claim_controller, garbage_controller, volume_controller
from boatyard.cluster.storage import DATA_FINALIZER, SELECTED_NODE, VOLUMES_DIRECTORY, best_volume
from boatyard.machinery.meta.core import EVENTS, NODES, PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS

ROOM = (claim_controller, volume_controller, garbage_controller)
USES_CLAIM = {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}


def claim(name: str = "data", size: str = "1Gi", selected: str = "", **spec: Any) -> Any:
    metadata: Any = {"name": name, "namespace": "default", "uid": name}
    if selected:
        metadata["annotations"] = {SELECTED_NODE: selected}
    return {"metadata": metadata, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}, **spec}}


def volume(name: str, size: str = "1Gi", labels: Any = None, phase: str = "Available", **spec: Any) -> Any:
    given = {"capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}, **spec}
    return {"metadata": {"name": name, "labels": labels or {}}, "spec": given, "status": {"phase": phase}}


RESERVED = {"namespace": "default", "name": "data"}
NO_CLASS = claim(storageClassName="")
CHOOSY = claim(storageClassName="", selector={"matchLabels": {"x": "y"}})
CHOICES = [
    ("the smallest that is large enough", NO_CLASS, [volume("s", "512Mi"), volume("l", "9Gi"), volume("m", "2Gi")], "m"),
    ("of equals the first by name", claim(storageClassName=""), [volume("b"), volume("a")], "a"),
    ("the class must match", claim(storageClassName="fast"), [volume("a"), volume("b", storageClassName="fast")], "b"),
    ("so must the modes", claim(storageClassName="", accessModes=["ReadWriteMany"]), [volume("a")], None),
    ("and the selector", CHOOSY, [volume("a"), volume("b", labels={"x": "y"})], "b"),
    ("one reserved by name is first", claim(), [volume("a", storageClassName="local"), volume("r", "9Gi", claimRef=RESERVED)], "r"),
    ("one of another claim doesn't", NO_CLASS, [volume("r", claimRef={**RESERVED, "uid": "x"})], None),
    ("one given back doesn't", claim(storageClassName=""), [volume("a", phase="Released")], None),
]  # fmt: skip


@pytest.mark.parametrize(("what", "wanted", "volumes", "chosen"), CHOICES, ids=[row[0] for row in CHOICES])
def test_choice(what: str, wanted: Any, volumes: list[Any], chosen: str | None) -> None:
    found = best_volume(wanted, volumes)
    assert (found["metadata"]["name"] if found else None) == chosen


def body_of(given: Any) -> Any:
    return {**given, "metadata": {k: v for k, v in given["metadata"].items() if k not in ("uid", "namespace")}}


async def bound(cluster: Any, name: str = "data") -> Any:
    found = await cluster.client.get(PERSISTENT_VOLUME_CLAIMS, name, "default")
    return found["spec"].get("volumeName") if found["status"].get("phase") == "Bound" else None


def test_a_claim_waits_for_its_first_pod_then_gets_a_directory_on_that_node(in_cluster: Any) -> None:
    async def body(cluster: Any) -> None:
        await cluster.node(annotations={VOLUMES_DIRECTORY: "/data/volumes/"})
        await cluster.client.create(PERSISTENT_VOLUME_CLAIMS, body_of(claim()), "default")
        await cluster.settle()
        assert await bound(cluster) is None
        await cluster.client.patch(
            PERSISTENT_VOLUME_CLAIMS, "data", {"metadata": {"annotations": {SELECTED_NODE: "node-1"}}}, "default"
        )
        await cluster.settle()
        made = await cluster.client.get(PERSISTENT_VOLUMES, await bound(cluster))
        assert made["spec"]["local"]["path"] == f"/data/volumes/{made['metadata']['name']}"
        assert made["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
        assert made["spec"]["claimRef"]["name"] == "data"
        assert made["status"]["phase"] == "Bound"
        cluster.quiet()
        await cluster.restart()
        await cluster.settle()
        assert cluster.quiet()

    in_cluster(body, *ROOM)


@pytest.mark.parametrize("seed", range(8))
def test_one_volume_per_claim_whatever_crashes(in_cluster: Any, seed: int) -> None:
    async def body(cluster: Any) -> None:
        await cluster.node(annotations={VOLUMES_DIRECTORY: "/d"})
        for number in range(4):
            await cluster.client.create(PERSISTENT_VOLUME_CLAIMS, body_of(claim(f"c{number}", selected="node-1")), "default")
        cluster.world.crashing = True
        await cluster.settle(60)
        cluster.world.crashing = False
        await cluster.settle(30)
        volumes = [await bound(cluster, f"c{number}") for number in range(4)]
        assert sorted(volumes) == await cluster.names(PERSISTENT_VOLUMES)
        assert len(set(volumes)) == 4

    in_cluster(body, *ROOM, seed=seed, crash_rate=0.15)


def test_a_node_without_a_volumes_directory_is_told(in_cluster: Any) -> None:
    async def body(cluster: Any) -> None:
        await cluster.node()
        await cluster.client.create(PERSISTENT_VOLUME_CLAIMS, body_of(claim(selected="node-1")), "default")
        await cluster.settle()
        events = (await cluster.client.list(EVENTS, "default")).items
        assert [e["message"] for e in events] == [f'node "node-1" has no annotation {VOLUMES_DIRECTORY}']

    in_cluster(body, *ROOM)


def test_a_selected_node_that_is_gone_is_forgotten(in_cluster: Any) -> None:
    async def body(cluster: Any) -> None:
        await cluster.client.create(PERSISTENT_VOLUME_CLAIMS, body_of(claim(selected="gone")), "default")
        await cluster.settle()
        found = await cluster.client.get(PERSISTENT_VOLUME_CLAIMS, "data", "default")
        assert SELECTED_NODE not in (found["metadata"].get("annotations") or {})

    in_cluster(body, *ROOM)


def test_a_claim_in_use_waits_and_its_volume_goes_when_the_node_has_removed_the_data(in_cluster: Any, pod: Any) -> None:
    async def body(cluster: Any) -> None:
        await cluster.node(annotations={VOLUMES_DIRECTORY: "/d"})
        await cluster.client.create(PERSISTENT_VOLUME_CLAIMS, body_of(claim(selected="node-1")), "default")
        await cluster.client.create(PODS, pod("user", **USES_CLAIM), "default")
        await cluster.settle()
        made = await bound(cluster)
        await cluster.client.delete(PERSISTENT_VOLUME_CLAIMS, "data", "default")
        await cluster.settle()
        assert await cluster.find(PERSISTENT_VOLUME_CLAIMS, "data", "default")
        await cluster.client.patch(PODS, "user", {"status": {"phase": "Succeeded"}}, "default", subresource="status")
        await cluster.settle()
        assert await cluster.find(PERSISTENT_VOLUME_CLAIMS, "data", "default") is None
        released = await cluster.client.get(PERSISTENT_VOLUMES, made)
        assert released["status"]["phase"] == "Released"
        assert released["metadata"]["deletionTimestamp"]
        assert released["metadata"]["finalizers"] == [DATA_FINALIZER]
        await cluster.client.patch(PERSISTENT_VOLUMES, made, {"metadata": {"finalizers": None}})  # the node's agent does this
        await cluster.settle()
        assert await cluster.names(PERSISTENT_VOLUMES) == []

    in_cluster(body, *ROOM)


def test_the_volume_of_a_node_that_is_gone_goes_with_it(in_cluster: Any) -> None:
    async def body(cluster: Any) -> None:
        await cluster.node(annotations={VOLUMES_DIRECTORY: "/d"})
        await cluster.client.create(PERSISTENT_VOLUME_CLAIMS, body_of(claim(selected="node-1")), "default")
        await cluster.settle()
        await cluster.client.delete(PERSISTENT_VOLUME_CLAIMS, "data", "default")
        await cluster.settle()
        await cluster.client.delete(NODES, "node-1")
        await cluster.settle()
        assert await cluster.names(PERSISTENT_VOLUMES) == []

    in_cluster(body, *ROOM)


def test_volumes_made_by_hand_are_bound_and_kept(in_cluster: Any) -> None:
    async def body(cluster: Any) -> None:
        by_hand = volume("by-hand", "5Gi")
        await cluster.client.create(PERSISTENT_VOLUMES, {k: v for k, v in by_hand.items() if k != "status"})
        await cluster.client.create(PERSISTENT_VOLUME_CLAIMS, body_of(claim(storageClassName="")), "default")
        await cluster.settle()
        assert await bound(cluster) == "by-hand"
        await cluster.client.delete(PERSISTENT_VOLUME_CLAIMS, "data", "default")
        await cluster.settle()
        assert (await cluster.client.get(PERSISTENT_VOLUMES, "by-hand"))["status"]["phase"] == "Released"

    in_cluster(body, *ROOM)


def test_a_volume_reserved_for_another_claim_is_not_had_by_naming_it(in_cluster: Any) -> None:
    async def body(cluster: Any) -> None:
        await cluster.client.create(PERSISTENT_VOLUMES, volume("theirs", claimRef={"namespace": "team", "name": "data"}))
        await cluster.client.create(PERSISTENT_VOLUME_CLAIMS, body_of(claim(storageClassName="", volumeName="theirs")), "default")
        await cluster.settle()
        assert await bound(cluster) is None
        assert "FailedBinding" in [event["reason"] for event in (await cluster.client.list(EVENTS, "default")).items]

    in_cluster(body, *ROOM)


def test_a_lost_volume_is_said(in_cluster: Any) -> None:
    async def body(cluster: Any) -> None:
        await cluster.node(annotations={VOLUMES_DIRECTORY: "/d"})
        await cluster.client.create(PERSISTENT_VOLUME_CLAIMS, body_of(claim(selected="node-1")), "default")
        await cluster.settle()
        made = await bound(cluster)
        await cluster.client.patch(PERSISTENT_VOLUMES, made, {"metadata": {"finalizers": None}})
        await cluster.client.delete(PERSISTENT_VOLUMES, made)
        await cluster.settle()
        found = await cluster.client.get(PERSISTENT_VOLUME_CLAIMS, "data", "default")
        assert found["status"]["phase"] == "Lost"

    in_cluster(body, *ROOM)
