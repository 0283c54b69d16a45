"""Which Service a request is for: a pure table made from Ingress objects, by the rules of ``networking.k8s.io/v1``.

A host that is named wins over a wildcard, a wildcard over no host; an exact path wins over a prefix, a longer prefix over a shorter
one. Prefixes match whole path elements: ``/ci/a`` matches ``/ci/a/x``, not ``/ci/ab``. Ties go to the older Ingress, then by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from boatyard.machinery.meta import objects
from boatyard.machinery.meta.objects import Object

INGRESS_CLASS = "boatyard"
INSTANCES = "/ci/"
"""Where instances are served on every host: ``/ci/NAMESPACE/NAME``."""


@dataclass(frozen=True, slots=True)
class Route:
    """One path of one Ingress, and where it leads."""

    host: str
    """Empty: any; ``*.example``: exactly one label more."""
    path: str
    exact: bool
    namespace: str
    ingress: str
    service: str
    port: str | int
    """Name or number of the Service's port."""
    instance: str = ""
    """The CiConfig that the Ingress belongs to, if it does."""

    def rest(self, path: str) -> str:
        """The part of a matching path below the route; begins with a slash."""
        below = path[len(self.path.rstrip("/")) :]
        return below if below.startswith("/") else "/" + below


class RouteTable:
    """Routes, ready to be asked."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._by_host: dict[str, list[Route]] = {}
        for route in routes:
            self._by_host.setdefault(route.host, []).append(route)
        for found in self._by_host.values():
            found.sort(key=lambda route: (not route.exact, -len(route.path.rstrip("/"))))

    def match(self, host: str, path: str) -> Route | None:
        """The route for a request; ``host`` may carry a port."""
        if path.startswith(INSTANCES):
            # These addresses belong to instances, whatever the host: nobody takes them over by naming a host.
            for route in self._by_host.get("", ()):
                if route.path.startswith(INSTANCES) and _matches(route, path):
                    return route
        name = _without_port(host).lower().rstrip(".")
        _, _, parent = name.partition(".")
        for key in (name, f"*.{parent}", ""):
            for route in self._by_host.get(key, ()) if key != "*." else ():
                if _matches(route, path):
                    return route
        return None

    def instances(self) -> list[Route]:
        """Routes that lead to an instance on any host."""
        return [route for route in self._by_host.get("", ()) if route.instance]

    def __len__(self) -> int:
        return sum(len(routes) for routes in self._by_host.values())


def route_table(ingresses: Iterable[Object], domain: str = "") -> RouteTable:
    """The table of all Ingresses that are ours: of class ``boatyard`` or of no class.

    Paths below ``/ci/NAMESPACE/`` and hosts below ``NAMESPACE.domain`` are for Ingresses of that namespace only; those of others
    are passed over.
    """
    ours = [
        ingress for ingress in ingresses if ((ingress.get("spec") or {}).get("ingressClassName") or INGRESS_CLASS) == INGRESS_CLASS
    ]
    ours.sort(key=lambda o: (o["metadata"].get("creationTimestamp") or "", objects.namespace(o), objects.name(o)))
    return RouteTable(route for ingress in ours for route in _routes(ingress) if _own(route, domain.lower()))


def _own(route: Route, domain: str) -> bool:
    """Whether an Ingress of this namespace may have this address."""
    if (route.path.rstrip("/") + "/").startswith(INSTANCES) and route.path.split("/")[2:3] != [route.namespace]:
        return False
    if domain and (route.host == domain or route.host.endswith(f".{domain}")):
        return route.host.removesuffix(domain).rstrip(".").rpartition(".")[2] == route.namespace
    return True


def _routes(ingress: Object) -> Iterable[Route]:
    spec = ingress.get("spec") or {}
    for rule in spec.get("rules") or ():
        for entry in (rule.get("http") or {}).get("paths") or ():
            route = _route(
                ingress, rule.get("host") or "", entry.get("path") or "/", entry.get("pathType") == "Exact", entry.get("backend")
            )
            if route:
                yield route
    if spec.get("defaultBackend"):
        route = _route(ingress, "", "/", False, spec["defaultBackend"])
        if route:
            yield route


def _route(ingress: Object, host: str, path: str, exact: bool, backend: Any) -> Route | None:
    service = (backend or {}).get("service") or {}
    port = service.get("port") or {}
    if not service.get("name"):
        return None
    return Route(
        host=host.lower(), path=path, exact=exact, namespace=objects.namespace(ingress), ingress=objects.name(ingress),
        service=service["name"], port=port.get("name") or port.get("number") or 0,
        instance=objects.labels(ingress).get("boatyard.dev/ciconfig", ""),
    )  # fmt: skip


def _matches(route: Route, path: str) -> bool:
    if route.exact:
        return path == route.path
    prefix = route.path.rstrip("/")
    return path == prefix or path.startswith(prefix + "/")


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
