"""Being a node: registered, alive, and honest about what is short."""

from __future__ import annotations

import logging
from collections.abc import Callable

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.conditions import is_true
from boatyard.machinery.meta.core import LEASES, NODES
from boatyard.machinery.meta.errors import AlreadyExists, ApiError, Conflict, NotFound
from boatyard.machinery.meta.objects import Object, annotations, labels, uid
from boatyard.machinery.meta.timestamps import rfc3339_micro
from boatyard.machinery.runtime.world import World
from boatyard.node.registration import node_object
from boatyard.node.registration.host import Host
from boatyard.node.registration.node_object import NodeIdentity

log = logging.getLogger(__name__)

LEASE_NAMESPACE = "kube-node-lease"
LEASE_SECONDS = 40
BEAT_SECONDS = 10.0
REPORT_SECONDS = 300.0
"""How often an unchanged status is written all the same."""
RETRY_SECONDS = 1.0


class Heartbeat:
    """Keeps the Node object and the Lease of this node. ``on_pressure`` is told which pressures there are, after each look."""

    def __init__(
        self, client: Client, world: World, host: Host, identity: NodeIdentity, on_pressure: Callable[[dict[str, bool]], None]
    ) -> None:
        self._client, self._world, self._host, self._identity = client, world, host, identity
        self._on_pressure = on_pressure
        self._facts = host.facts()
        self._short_at: dict[str, float] = {}
        self._node: Object | None = None
        self._reported: dict[str, bool] = {}
        self._report_at = 0.0

    async def run(self) -> None:
        """For ever; an API server that is away is asked again."""
        while True:
            pause = BEAT_SECONDS
            try:
                pressures = self._look()
                await self._report(pressures)
                await self._renew()
            except (ApiError, OSError, TimeoutError) as error:
                log.warning("node %s: can't report: %s", self._identity.name, error)
                self._report_at, pause = 0.0, RETRY_SECONDS
            await self._world.sleep(pause)

    def _look(self) -> dict[str, bool]:
        now = self._world.now()
        short = node_object.short_of(self._host.pressure())
        self._short_at |= {kind: now for kind, is_short in short.items() if is_short}
        self._on_pressure(short)
        held = {kind: now - at < node_object.PRESSURE_HOLDS_SECONDS for kind, at in self._short_at.items()}
        return {kind: held.get(kind, False) for kind in short}

    async def _report(self, pressures: dict[str, bool]) -> None:
        now = self._world.now()
        self._node = await self._registered()
        # Whoever missed our beats may have written us off: then we say at once that we are here.
        if is_true(self._node, "Ready") and pressures == self._reported and now < self._report_at:
            return
        status = node_object.node_status(self._identity, self._facts, pressures, self._node.get("status"), now)
        self._node = await self._client.patch(NODES, self._identity.name, {"status": status}, subresource="status")
        self._reported, self._report_at = pressures, now + REPORT_SECONDS

    async def _registered(self) -> Object:
        """The Node object; made, or its labels put right, if need be."""
        wanted = node_object.node_object(self._identity, self._facts)
        try:
            node = await self._client.get(NODES, self._identity.name)
        except NotFound:
            try:
                return await self._client.create(NODES, wanted)
            except AlreadyExists:
                node = await self._client.get(NODES, self._identity.name)
        change = {
            "labels": {k: v for k, v in wanted["metadata"]["labels"].items() if labels(node).get(k) != v},
            "annotations": {k: v for k, v in wanted["metadata"]["annotations"].items() if annotations(node).get(k) != v},
        }
        if any(change.values()):
            node = await self._client.patch(NODES, self._identity.name, {"metadata": {k: v for k, v in change.items() if v}})
        return node

    async def _renew(self) -> None:
        name = self._identity.name
        spec = {"holderIdentity": name, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": rfc3339_micro(self._world.now())}
        try:
            await self._client.patch(LEASES, name, {"spec": spec}, LEASE_NAMESPACE)
        except NotFound:
            lease: Object = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name}, "spec": spec}
            if self._node is not None:
                lease["metadata"]["ownerReferences"] = [{"apiVersion": "v1", "kind": "Node", "name": name, "uid": uid(self._node)}]
            try:
                await self._client.create(LEASES, lease, LEASE_NAMESPACE)
            except Conflict:
                pass  # somebody made it meanwhile: the next beat renews it
