"""Binds claims to volumes; makes a directory on the selected node the volume of a claim that waits for its first pod."""

from __future__ import annotations

from collections.abc import Iterable

from boatyard.cluster.storage import (
    BIND_COMPLETED,
    CLAIM_PROTECTION,
    SELECTED_NODE,
    VOLUMES_DIRECTORY,
    belongs_to,
    best_volume,
    claim_reference,
    is_provisioned,
    local_volume,
)
from boatyard.machinery.meta.core import NODES, PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS
from boatyard.machinery.meta.errors import AlreadyExists, NotFound
from boatyard.machinery.meta.objects import Object, annotations, deleting, finalizers, name, namespace
from boatyard.machinery.runtime.controller import Controller, Request, Watch
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.settings import Settings

BY_CLAIM = "claims-used"


def controller(manager: Manager, settings: Settings) -> Controller:
    binder = Binder(manager)
    return Controller(
        "claim", PERSISTENT_VOLUME_CLAIMS, binder.reconcile, workers=4,
        watches=[Watch(PERSISTENT_VOLUMES, binder.requests_of_volume), Watch(PODS, requests_of_pod)],
    )  # fmt: skip


def claims_of_pod(pod: Object) -> Iterable[str]:
    """``namespace/name`` of the claims that a pod uses, until it has ended."""
    if (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed"):
        for volume in pod["spec"].get("volumes") or ():
            if volume.get("persistentVolumeClaim"):
                yield f"{namespace(pod)}/{volume['persistentVolumeClaim']['claimName']}"


def requests_of_pod(pod: Object) -> Iterable[Request]:
    for volume in pod["spec"].get("volumes") or ():
        if volume.get("persistentVolumeClaim"):
            yield Request(namespace(pod), volume["persistentVolumeClaim"]["claimName"])


class Binder:
    """A claim's way: Pending, a volume reserved for it, the claim naming it, Bound; and its protection while pods use it."""

    def __init__(self, manager: Manager) -> None:
        self.client, self.recorder = manager.client, manager.recorder("claim-controller")
        self.claims = manager.cache(PERSISTENT_VOLUME_CLAIMS)
        self.volumes = manager.cache(PERSISTENT_VOLUMES)
        self.nodes = manager.cache(NODES)
        self.pods = manager.cache(PODS, indexes={BY_CLAIM: claims_of_pod})

    def requests_of_volume(self, volume: Object) -> Iterable[Request]:
        reference = volume["spec"].get("claimRef")
        if reference:
            yield Request(reference.get("namespace", ""), reference.get("name", ""))
        else:
            for claim in self.claims.list():
                if not claim["spec"].get("volumeName"):
                    yield Request(namespace(claim), name(claim))

    async def reconcile(self, request: Request) -> float | None:
        claim = self.claims.get(request.name, request.namespace)
        if claim is None:
            return None
        if deleting(claim):
            await self._unprotect(claim)
        elif not claim["spec"].get("volumeName"):
            await self._choose(claim)
        else:
            await self._settle(claim)
        return None

    async def _choose(self, claim: Object) -> None:
        volume = best_volume(claim, sorted(self.volumes.list(), key=name))
        if volume is None and is_provisioned(claim):
            volume = await self._provision(claim)
        if volume is None:
            if (claim.get("status") or {}).get("phase") != "Pending":
                await self._status(claim, {"phase": "Pending"})
            return
        if not volume["spec"].get("claimRef", {}).get("uid"):
            volume = await self._reserve(volume, claim)
        # From here on the volume is this claim's alone: only now may the claim name it.
        metadata = {
            "resourceVersion": claim["metadata"]["resourceVersion"], "annotations": {BIND_COMPLETED: "yes"},
            "finalizers": list(dict.fromkeys([*finalizers(claim), CLAIM_PROTECTION])),
        }  # fmt: skip
        change = {"metadata": metadata, "spec": {"volumeName": name(volume)}}
        await self.client.patch(PERSISTENT_VOLUME_CLAIMS, name(claim), change, namespace(claim))

    async def _reserve(self, volume: Object, claim: Object) -> Object:
        metadata = {"resourceVersion": volume["metadata"]["resourceVersion"]}
        change = {"metadata": metadata, "spec": {"claimRef": claim_reference(claim)}}
        return await self.client.patch(PERSISTENT_VOLUMES, name(volume), change)

    async def _provision(self, claim: Object) -> Object | None:
        selected = annotations(claim).get(SELECTED_NODE)
        if not selected:
            return None  # until a pod that uses it is placed
        node = self.nodes.get(selected)
        volume = local_volume(claim, node) if node is not None else None
        if volume is None:
            why = f'node "{selected}" ' + ("is not known" if node is None else f"has no annotation {VOLUMES_DIRECTORY}")
            await self.recorder.event(claim, "Warning", "ProvisioningFailed", why)
            if node is None:
                # Its pod is placed anew, and with it the volume.
                forget = {"annotations": {SELECTED_NODE: None}, "resourceVersion": claim["metadata"]["resourceVersion"]}
                await self.client.patch(PERSISTENT_VOLUME_CLAIMS, name(claim), {"metadata": forget}, namespace(claim))
            return None
        try:
            made = await self.client.create(PERSISTENT_VOLUMES, volume)
        except AlreadyExists:
            return await self.client.get(PERSISTENT_VOLUMES, name(volume))
        await self.recorder.event(claim, "Normal", "ProvisioningSucceeded", f"Successfully provisioned volume {name(volume)}")
        return made

    async def _settle(self, claim: Object) -> None:
        """The claim names a volume: say whether that holds."""
        status = claim.get("status") or {}
        volume = self.volumes.get(claim["spec"]["volumeName"])
        if volume is None:
            try:
                volume = await self.client.get(PERSISTENT_VOLUMES, claim["spec"]["volumeName"])
            except NotFound:
                if status.get("phase") == "Bound":
                    await self._status(claim, {"phase": "Lost"})
                    told = "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
                    await self.recorder.event(claim, "Warning", "ClaimLost", told)
                return
        reference = volume["spec"].get("claimRef") or {}
        if reference and not belongs_to(volume, claim):
            told = f'volume "{name(volume)}" already bound to a different claim.'
            await self.recorder.event(claim, "Warning", "FailedBinding", told)
            return
        if not reference.get("uid"):
            volume = await self._reserve(volume, claim)
        wanted = {"phase": "Bound", "accessModes": volume["spec"].get("accessModes"), "capacity": volume["spec"].get("capacity")}
        if any(status.get(field) != value for field, value in wanted.items()):
            await self._status(claim, wanted)

    async def _unprotect(self, claim: Object) -> None:
        if CLAIM_PROTECTION in finalizers(claim) and not self.pods.by_index(BY_CLAIM, f"{namespace(claim)}/{name(claim)}"):
            kept = [held for held in finalizers(claim) if held != CLAIM_PROTECTION]
            change = {"metadata": {"finalizers": kept or None, "resourceVersion": claim["metadata"]["resourceVersion"]}}
            await self.client.patch(PERSISTENT_VOLUME_CLAIMS, name(claim), change, namespace(claim))

    async def _status(self, claim: Object, status: Object) -> None:
        change = {"metadata": {"resourceVersion": claim["metadata"]["resourceVersion"]}, "status": status}
        await self.client.patch(PERSISTENT_VOLUME_CLAIMS, name(claim), change, namespace(claim), subresource="status")
