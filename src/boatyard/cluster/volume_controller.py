"""Says what a volume is doing (Available, Bound, Released), and gives it back when its claim has gone."""

from __future__ import annotations

from collections.abc import Iterable

from boatyard.cluster.storage import DATA_FINALIZER, PROVISIONED_BY, PROVISIONER
from boatyard.machinery.meta.core import NODES, PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES
from boatyard.machinery.meta.errors import NotFound
from boatyard.machinery.meta.objects import Object, annotations, deleting, finalizers, name, uid
from boatyard.machinery.runtime.controller import Controller, Request, Watch
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.settings import Settings


def controller(manager: Manager, settings: Settings) -> Controller:
    keeper = Keeper(manager)
    return Controller(
        "volume", PERSISTENT_VOLUMES, keeper.reconcile,
        watches=[Watch(PERSISTENT_VOLUME_CLAIMS, requests_of_claim), Watch(NODES, keeper.requests_of_node)],
    )  # fmt: skip


def requests_of_claim(claim: Object) -> Iterable[Request]:
    if claim["spec"].get("volumeName"):
        yield Request("", claim["spec"]["volumeName"])


class Keeper:
    """One volume at a time."""

    def __init__(self, manager: Manager) -> None:
        self.client, self.recorder = manager.client, manager.recorder("volume-controller")
        self.claims = manager.cache(PERSISTENT_VOLUME_CLAIMS)
        self.volumes = manager.cache(PERSISTENT_VOLUMES)
        self.nodes = manager.cache(NODES)

    def requests_of_node(self, node: Object) -> Iterable[Request]:
        """The volumes that wait for a node to remove their data: it may be gone itself."""
        if self.nodes.get(name(node)) is None:
            for volume in self.volumes.list():
                if deleting(volume) and annotations(volume).get("boatyard.dev/node") == name(node):
                    yield Request("", name(volume))

    async def reconcile(self, request: Request) -> float | None:
        volume = self.volumes.get(request.name)
        if volume is None:
            return None
        if deleting(volume):
            await self._forget_data_of_lost_node(volume)
            return None
        phase = await self._phase(volume)
        if phase != (volume.get("status") or {}).get("phase"):
            change = {"metadata": {"resourceVersion": volume["metadata"]["resourceVersion"]}, "status": {"phase": phase}}
            await self.client.patch(PERSISTENT_VOLUMES, name(volume), change, subresource="status")
            return None  # the change comes back: then it is given back
        ours = annotations(volume).get(PROVISIONED_BY) == PROVISIONER
        if phase == "Released" and ours and volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete":
            # The node's agent removes the directory, then the finalizer.
            await self.client.delete(PERSISTENT_VOLUMES, name(volume), uid=uid(volume))
        return None

    async def _phase(self, volume: Object) -> str:
        reference = volume["spec"].get("claimRef")
        if not reference:
            return "Available"
        if not reference.get("uid"):
            return "Available"  # reserved by hand for a claim that may come
        where, claim_name = reference.get("namespace", ""), reference.get("name", "")
        claim = self.claims.get(claim_name, where)
        if claim is None or uid(claim) != reference["uid"]:
            try:
                claim = await self.client.get(PERSISTENT_VOLUME_CLAIMS, claim_name, where)
            except NotFound:
                return "Released"
            if uid(claim) != reference["uid"]:
                return "Released"
        return "Bound" if claim["spec"].get("volumeName") == name(volume) else "Available"

    async def _forget_data_of_lost_node(self, volume: Object) -> None:
        node = annotations(volume).get("boatyard.dev/node")
        if DATA_FINALIZER not in finalizers(volume) or not node or self.nodes.get(node) is not None:
            return
        try:
            await self.client.get(NODES, node)
        except NotFound:
            kept = [held for held in finalizers(volume) if held != DATA_FINALIZER]
            change = {"metadata": {"finalizers": kept or None, "resourceVersion": volume["metadata"]["resourceVersion"]}}
            await self.client.patch(PERSISTENT_VOLUMES, name(volume), change)
