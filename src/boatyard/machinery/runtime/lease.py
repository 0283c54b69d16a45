"""A leader lease: of several replicas, one works."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import LEASES
from boatyard.machinery.meta.errors import AlreadyExists, ApiError, Conflict, NotFound
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.timestamps import rfc3339_micro
from boatyard.machinery.runtime.tasks import TaskGroup
from boatyard.machinery.runtime.world import World

log = logging.getLogger(__name__)


class LeaseLost(Exception):
    """Another replica may lead by now: what this one does must end."""


class LeaderLease:
    """Leads while it holds the Lease ``namespace/name`` under ``identity``.

    The rule is client-go's: nobody trusts another's clock. A candidate takes over only after it has itself seen the lease unchanged
    for ``duration_seconds``; the leader gives up when it could not renew for two thirds of that.
    """

    def __init__(
        self, client: Client, world: World, namespace: str, name: str, identity: str, *, duration_seconds: int = 15
    ) -> None:
        self._client, self._world = client, world
        self._namespace, self._name, self._identity = namespace, name, identity
        self._duration_seconds = duration_seconds
        self._seen: Object = {}
        self._seen_at = 0.0

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Wait for the lease, then run ``lead()``. Returns when that returns, having given the lease back.

        Raises LeaseLost when the lease could not be kept; ``lead`` is cancelled first.
        """
        await self._acquire()
        log.info("%s leads %s/%s", self._identity, self._namespace, self._name)
        async with TaskGroup() as group:
            group.start(self._keep(), "lease")
            await lead()
            group.cancel()
        await self._release()

    async def _acquire(self) -> None:
        while not await self._try():
            await self._world.sleep(self._duration_seconds / 6 * (0.5 + self._world.random.random()))

    async def _keep(self) -> None:
        renewed = self._world.monotonic()
        while True:
            await self._world.sleep(self._duration_seconds / 6)
            if await self._try():
                renewed = self._world.monotonic()
            elif self._seen.get("holderIdentity") != self._identity:
                raise LeaseLost(f"{self._namespace}/{self._name} is held by {self._seen.get('holderIdentity')}")
            if self._world.monotonic() - renewed > self._duration_seconds * 2 / 3:
                raise LeaseLost(f"{self._namespace}/{self._name} could not be renewed")

    async def _try(self) -> bool:
        """Take or renew the lease, if that is allowed. False also when nobody answers in time."""
        try:
            lease = await self._client.get(LEASES, self._name, self._namespace)
        except NotFound:
            return await self._write(self._create)
        except (ApiError, OSError, TimeoutError) as error:
            log.warning("lease %s/%s: %s", self._namespace, self._name, error)
            return False
        spec = lease.get("spec") or {}
        if spec != self._seen:
            self._seen, self._seen_at = spec, self._world.monotonic()
        holder = spec.get("holderIdentity")
        expires = self._seen_at + (spec.get("leaseDurationSeconds") or self._duration_seconds)
        if holder and holder != self._identity and self._world.monotonic() < expires:
            return False
        return await self._write(lambda: self._update(lease))

    async def _write(self, write: Callable[[], Awaitable[Object]]) -> bool:
        try:
            self._seen, self._seen_at = (await write()).get("spec") or {}, self._world.monotonic()
        except (AlreadyExists, Conflict):
            return False
        except (ApiError, OSError, TimeoutError) as error:
            log.warning("lease %s/%s: %s", self._namespace, self._name, error)
            return False
        return True

    async def _create(self) -> Object:
        body = {"metadata": {"name": self._name, "namespace": self._namespace}, "spec": self._spec({})}
        return await self._client.create(LEASES, body, self._namespace)

    async def _update(self, lease: Object) -> Object:
        return await self._client.update(LEASES, {**lease, "spec": self._spec(lease.get("spec") or {})})

    def _spec(self, before: Object) -> Object:
        now = rfc3339_micro(self._world.now())
        same = before.get("holderIdentity") == self._identity
        transitions = before.get("leaseTransitions") or 0
        return {
            "holderIdentity": self._identity, "leaseDurationSeconds": self._duration_seconds, "renewTime": now,
            "acquireTime": before.get("acquireTime", now) if same else now,
            "leaseTransitions": transitions if same or not before else transitions + 1,
        }  # fmt: skip

    async def _release(self) -> None:
        try:
            lease = await self._client.get(LEASES, self._name, self._namespace)
            if lease.get("spec", {}).get("holderIdentity") == self._identity:
                await self._client.update(LEASES, {**lease, "spec": {**lease["spec"], "holderIdentity": ""}})
        except (ApiError, OSError, TimeoutError) as error:
            log.info("lease %s/%s is not given back: %s", self._namespace, self._name, error)
