"""Where a Service's port is served now: ready addresses from its EndpointSlices. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from boatyard.machinery.meta.objects import Object

SERVICE_LABEL = "kubernetes.io/service-name"


class Endpoint(NamedTuple):
    """One address that answers."""

    host: str
    port: int

    @property
    def authority(self) -> str:
        """``host:port`` as in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class NoEndpoint(Exception):
    """Nobody serves this now; the message says why, for whoever asked."""


def endpoints(service: Object | None, name: str, port: str | int, slices: Iterable[Object]) -> list[Endpoint]:
    """The ready endpoints of a Service's port, in a stable order. Raises NoEndpoint."""
    if service is None:
        raise NoEndpoint(f"the Service {name} does not exist")
    ports = (service.get("spec") or {}).get("ports") or []
    wanted = next((p for p in ports if port in (p.get("name"), p.get("port"))), None)
    if wanted is None:
        raise NoEndpoint(f"the Service {name} has no port {port}")
    found: list[Endpoint] = []
    waiting = 0
    for piece in sorted(slices, key=lambda s: s["metadata"]["name"]):
        served = next((p for p in piece.get("ports") or () if (p.get("name") or "") == (wanted.get("name") or "")), None)
        if served is None or not served.get("port"):
            continue
        for entry in piece.get("endpoints") or ():
            # Absent means ready, as the API says.
            if (entry.get("conditions") or {}).get("ready") is False:
                waiting += 1
                continue
            found += [Endpoint(address, served["port"]) for address in entry.get("addresses") or ()]
    if not found:
        raise NoEndpoint(f"{name} has {waiting} pod(s), none of them ready yet" if waiting else f"no pod serves {name} now")
    return found
