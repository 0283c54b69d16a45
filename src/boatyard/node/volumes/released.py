"""Directories of local volumes that nobody claims any more: removed, and then the volume's object is let go."""

from __future__ import annotations

import logging
from pathlib import Path

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import PERSISTENT_VOLUMES
from boatyard.machinery.meta.errors import ApiError, Conflict, NotFound
from boatyard.machinery.meta.objects import Object, deleting, finalizers, name, uid
from boatyard.machinery.runtime.cache import Cache
from boatyard.machinery.runtime.tasks import TaskGroup
from boatyard.machinery.runtime.world import World
from boatyard.node.paths import NodePaths
from boatyard.node.pods.alarm import Alarm
from boatyard.node.volumes.removal import remove_tree

log = logging.getLogger(__name__)

DATA_FINALIZER = "boatyard.dev/volume-data"
RETRY_SECONDS = 30.0


class ReleasedVolumes:
    """Removes the data of this node's volumes once they are being deleted. What the cluster's controllers decide, the node carries
    out; the finalizer makes both wait for each other."""

    def __init__(self, client: Client, world: World, paths: NodePaths, node_name: str) -> None:
        self._client, self._world, self._paths, self._node_name = client, world, paths, node_name
        self._volumes = Cache(client, PERSISTENT_VOLUMES, world)
        self._alarm = Alarm()

    async def run(self) -> None:
        """For ever."""
        async with TaskGroup() as group:
            self._volumes.on_change(lambda old, new: self._alarm.ring())
            group.start(self._volumes.run(), "volumes")
            group.start(self._keep(), "released volumes")

    async def _keep(self) -> None:
        while True:
            await self._alarm.wait(None if await self._remove_all() else RETRY_SECONDS)

    async def _remove_all(self) -> bool:
        """Whether nothing is left to do."""
        clean = True
        for volume in sorted(self._volumes.list(), key=name):
            directory = self.directory(volume)
            if directory is None:
                continue
            try:
                await remove_tree(directory, self._world)
                await self._let_go(volume)
            except (ApiError, OSError, TimeoutError) as error:
                log.warning("volume %s: can't remove its data: %s", name(volume), error)
                clean = False
        return clean

    def directory(self, volume: Object) -> Path | None:
        """What of the volume is to be removed here; None when nothing is: it is in use, elsewhere, or not made by this node."""
        if not deleting(volume) or DATA_FINALIZER not in finalizers(volume) or self._node_name not in _nodes(volume):
            return None
        path = Path((volume["spec"].get("local") or {}).get("path") or "/")
        ours = path.parent == self._paths.claims and path.name not in ("", ".", "..")
        return path if ours else None

    async def _let_go(self, volume: Object) -> None:
        left = [finalizer for finalizer in finalizers(volume) if finalizer != DATA_FINALIZER]
        metadata = {"uid": uid(volume), "resourceVersion": volume["metadata"]["resourceVersion"], "finalizers": left or None}
        try:
            await self._client.patch(PERSISTENT_VOLUMES, name(volume), {"metadata": metadata})
        except (NotFound, Conflict):
            return  # the news of it is on its way


def _nodes(volume: Object) -> list[str]:
    terms = (((volume["spec"].get("nodeAffinity") or {}).get("required")) or {}).get("nodeSelectorTerms") or ()
    return [
        value
        for term in terms
        for expression in term.get("matchExpressions") or ()
        if expression.get("key") == "kubernetes.io/hostname" and expression.get("operator") == "In"
        for value in expression.get("values") or ()
    ]
