"""The table of services that pods on this machine see: from Services and EndpointSlices to addresses and ports."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import ENDPOINT_SLICES, SERVICES
from boatyard.machinery.meta.objects import Object, labels, name, namespace
from boatyard.machinery.runtime.cache import Cache
from boatyard.machinery.runtime.tasks import TaskGroup
from boatyard.machinery.runtime.world import World
from boatyard.node.pods.alarm import Alarm
from boatyard.node.runtime import MachineError, NodeRuntime, ServicePort, ServiceRoute

log = logging.getLogger(__name__)

SERVICE_LABEL = "kubernetes.io/service-name"
SETTLE_SECONDS = 0.02
RETRY_SECONDS = 5.0


class ServiceTable:
    """Keeps the machine's table true."""

    def __init__(self, client: Client, world: World, runtime: NodeRuntime) -> None:
        self._world, self._runtime = world, runtime
        self._services = Cache(client, SERVICES, world)
        self._slices = Cache(client, ENDPOINT_SLICES, world, indexes={"service": _service_of})
        self._alarm = Alarm()

    async def run(self) -> None:
        """For ever."""
        async with TaskGroup() as group:
            for cache in (self._services, self._slices):
                cache.on_change(lambda old, new: self._alarm.ring())
                group.start(cache.run(), f"services: {cache.resource.plural}")
            group.start(self._keep(), "service table")

    async def _keep(self) -> None:
        await self._services.synced()
        await self._slices.synced()
        told: list[ServiceRoute] | None = None
        while True:
            routes = [
                route(service, self._slices.by_index("service", f"{namespace(service)}/{name(service)}"))
                for service in sorted(self._services.list(), key=lambda service: (namespace(service), name(service)))
                if (service.get("spec") or {}).get("type") != "ExternalName"
            ]
            if routes != told:
                try:
                    await self._runtime.set_services(routes)
                    told = routes
                except (MachineError, OSError) as error:
                    log.warning("services: %s", error)
                    await self._alarm.wait(RETRY_SECONDS)
                    continue
            await self._alarm.wait(None)
            await self._world.sleep(SETTLE_SECONDS)


def route(service: Object, slices: Iterable[Object]) -> ServiceRoute:
    """One service as pods see it. Endpoints that aren't ready get no traffic, unless the service publishes them."""
    spec = service["spec"]
    ordered = sorted(slices, key=name)
    unready = bool(spec.get("publishNotReadyAddresses"))
    cluster_ip = spec.get("clusterIP") or ""
    ports = []
    for declared in spec.get("ports") or ():
        if declared.get("protocol", "TCP") not in ("TCP", "UDP"):
            continue
        endpoints = []
        for part in ordered:
            named = {p.get("name") or "": p.get("port") for p in part.get("ports") or ()}
            number = named.get(declared.get("name") or "")
            if number is not None:
                endpoints += [(address, number) for address in _addresses(part, unready=unready)]
        ports.append(ServicePort(declared["port"], declared.get("protocol", "TCP"), tuple(dict.fromkeys(endpoints))))
    every = dict.fromkeys(address for part in ordered for address in _addresses(part, unready=unready))
    return ServiceRoute(namespace(service), name(service), "" if cluster_ip == "None" else cluster_ip, tuple(every), tuple(ports))


def _addresses(part: Object, *, unready: bool) -> list[str]:
    return [
        address
        for endpoint in part.get("endpoints") or ()
        if unready or (endpoint.get("conditions") or {}).get("ready") is not False
        for address in endpoint.get("addresses") or ()
    ]


def _service_of(part: Object) -> list[str]:
    service = labels(part).get(SERVICE_LABEL)
    return [f"{namespace(part)}/{service}"] if service else []
