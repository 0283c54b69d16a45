"""How an instance is reached: its port, its service, its route."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from boatyard.ci.instance import base_path, instance_name
from boatyard.ci.instance.account import CISERVER, COMPONENT_LABEL, metadata
from boatyard.ci.kinds import CICONFIG_LABEL, CiConfig
from boatyard.machinery.meta.objects import Object, name, namespace
from boatyard.machinery.runtime.settings import Settings

FIRST_PORT, PORTS = 20_000, 10_000


def port_of(pod: Object) -> int | None:
    """The port that a CI server's pod serves."""
    for container in pod["spec"]["containers"]:
        for port in container.get("ports") or ():
            if port.get("name") == "http":
                return port["containerPort"]
    return None


def choose_port(config: CiConfig, pods: Iterable[Object]) -> int:
    """A port that no other CI server's pod has, so that several can share a machine's network; the same one as long as it can be.

    The hash of the name says where to look first. ``pods`` are all CI servers' pods.
    """
    own = (config.metadata.namespace, instance_name(config.metadata.name))
    taken = {port_of(pod) for pod in pods if (namespace(pod), name(pod)) != own}
    start = zlib.crc32("/".join(own).encode()) % PORTS
    for step in range(PORTS):
        port = FIRST_PORT + (start + step) % PORTS
        if port not in taken:
            return port
    raise LookupError(f"all {PORTS} ports of CI servers are taken")


def service(config: CiConfig) -> Object:
    """The address of the instance inside the cluster."""
    return {
        "apiVersion": "v1", "kind": "Service", "metadata": metadata(config),
        "spec": {
            "selector": {CICONFIG_LABEL: config.metadata.name, COMPONENT_LABEL: CISERVER},
            "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": "http"}],
        },
    }  # fmt: skip


def ingress(config: CiConfig, settings: Settings) -> Object:
    """The route: by path on any host, and by a host of its own. It never changes, asleep or awake."""
    own, where = config.metadata.name, config.metadata.namespace
    backend = {"service": {"name": instance_name(own), "port": {"name": "http"}}}

    def path(value: str) -> Object:
        return {"paths": [{"path": value, "pathType": "Prefix", "backend": backend}]}

    return {
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata(config),
        "spec": {
            "ingressClassName": "boatyard",
            "rules": [{"host": f"{own}.{where}.{settings.domain}", "http": path("/")}, {"http": path(base_path(where, own))}],
        },
    }  # fmt: skip
