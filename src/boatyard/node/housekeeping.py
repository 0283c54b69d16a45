"""Looking after what nobody else looks after: pods whose object is gone, pods over their limits, a machine that is short."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from boatyard.machinery.meta.core import PODS
from boatyard.machinery.meta.errors import ApiError
from boatyard.machinery.meta.objects import uid
from boatyard.machinery.runtime.cache import Cache
from boatyard.node.lifecycle.verdict import EVICTED, Verdict
from boatyard.node.pods.context import NodeContext
from boatyard.node.pods.pod_worker import PodWorker
from boatyard.node.registration.eviction import LONGEST_LOGS_BYTES, directory_bytes, victim
from boatyard.node.status.pod_status import is_final
from boatyard.node.volumes.removal import remove_tree

log = logging.getLogger(__name__)

ROUND_SECONDS = 60.0
EVICTION_GRACE_SECONDS = 5.0
EVICTION_PAUSE_SECONDS = 30.0
"""After an eviction: time for its effect, before the next pod goes."""


class Housekeeping:
    """Rounds over what is on this machine. Nothing is removed without proof that nobody wants it."""

    def __init__(self, context: NodeContext, pods: Cache, workers: Mapping[str, PodWorker]) -> None:
        self._context, self._pods, self._workers = context, pods, workers
        self._evicted_at = 0.0

    async def run(self) -> None:
        """For ever, the first round once the node's pods are known."""
        await self._pods.synced()
        while True:
            for step in (self.strays, self.outgrown):
                try:
                    await step()
                except (ApiError, OSError, TimeoutError) as error:
                    log.warning("housekeeping: %s: %s", step.__name__, error)
            await self._context.world.sleep(ROUND_SECONDS)

    async def strays(self) -> None:
        """Stop and remove pods that are on this machine but bound to it no more. The proof is a fresh list from the API server."""
        context = self._context
        here = dict.fromkeys([*(state.config.uid for state in await context.runtime.pods()), *context.paths.pod_uids()])
        unknown = [pod_uid for pod_uid in here if pod_uid not in self._workers]
        if not unknown:
            return
        bound = await context.client.list(PODS, field_selector=f"spec.nodeName={context.node_name}")
        wanted = {uid(pod) for pod in bound.items}  # membership only
        for pod_uid in unknown:
            if pod_uid not in wanted and pod_uid not in self._workers:
                log.info("removing pod %s: the API server has no such pod on this node", pod_uid)
                await context.runtime.remove_pod(pod_uid)
                await context.volumes().remove(pod_uid)
                await remove_tree(context.paths.pod(pod_uid).root, context.world)

    async def outgrown(self) -> None:
        """Evict pods whose logs or volumes are over their limit."""
        for worker in list(self._workers.values()):
            if is_final(worker.pod):
                continue
            pod, paths = worker.pod, self._context.paths.pod(worker.uid)
            limits = [("its logs", paths.logs, LONGEST_LOGS_BYTES)]
            limits += [
                (f"its emptyDir volume {volume!r}", path, limit) for volume, path, limit in self._context.volumes().limited(pod)
            ]
            for what, path, limit in limits:
                if await directory_bytes(path, self._context.world, enough=limit) > limit:
                    self._evict(worker, f"{what} use more than the limit of {limit} bytes")
                    break

    def pressed(self, pressures: dict[str, bool]) -> None:
        """The machine is short of what ``pressures`` says: let the least important pod go, one at a time."""
        short = [kind for kind in ("Memory", "Disk") if pressures.get(kind)]
        now = self._context.world.now()
        if not short or now - self._evicted_at < EVICTION_PAUSE_SECONDS:
            return
        chosen = victim(worker.pod for worker in self._workers.values())
        worker = self._workers.get(uid(chosen)) if chosen is not None else None
        if worker is not None:
            self._evicted_at = now
            what = {"Memory": "memory", "Disk": "ephemeral-storage"}[short[-1]]
            self._evict(worker, f"The node was low on resource: {what}.")

    def _evict(self, worker: PodWorker, why: str) -> None:
        worker.evict(Verdict(EVICTED, why, self._context.world.now(), EVICTION_GRACE_SECONDS))
