"""Where the control plane listens. Chosen once, kept in the data directory: URLs outlive restarts."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import socket
import struct
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

API_PORT = 7443
GATEWAY_PORT = 8443


class AddressError(Exception):
    """A port is taken or no network is free; the message says which and what to do."""


@dataclass(frozen=True)
class Addresses:
    """Ports, and the network of the pods."""

    api_port: int
    gateway_port: int
    gateway_http_port: int
    """Plain HTTP on the loopback address only, for tools that can't be told our authority. 0: none."""
    bridge: str
    """Name of the pods' bridge."""
    pod_cidr: str
    """``a.b.c.0/24``; its first address is the bridge's."""
    pod_network: bool
    """Whether pods get network namespaces of their own; else they share the machine's network."""

    @property
    def internal_host(self) -> str:
        """The control plane's address as pods see it."""
        return str(next(ipaddress.ip_network(self.pod_cidr).hosts())) if self.pod_network else "127.0.0.1"

    @property
    def api(self) -> str:
        """The API server's URL on this machine."""
        return f"https://127.0.0.1:{self.api_port}"

    @property
    def gateway(self) -> str:
        """The gateway's URL on this machine."""
        return f"https://127.0.0.1:{self.gateway_port}"

    @property
    def api_internal(self) -> str:
        """The API server's URL as pods see it."""
        return f"https://{self.internal_host}:{self.api_port}"

    @property
    def gateway_internal(self) -> str:
        """The gateway's URL as pods see it."""
        return f"https://{self.internal_host}:{self.gateway_port}"


def load(file: Path) -> Addresses | None:
    """What was chosen before; None the first time."""
    try:
        return Addresses(**json.loads(file.read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise AddressError(f"{file} can't be read ({error}): delete it to choose addresses again") from error


def save(file: Path, addresses: Addresses) -> None:
    """Keep a choice, whole or not at all."""
    part = file.with_suffix(".part")
    part.write_text(json.dumps(asdict(addresses), indent=2) + "\n")
    part.replace(file)


def choose(
    root: Path,
    before: Addresses | None,
    *,
    api_port: int | None,
    gateway_port: int | None,
    gateway_http_port: int | None,
    pod_network: bool,
) -> Addresses:
    """The addresses to use: what is asked for, else what was used before, else the defaults; port 0 means any free one.

    Raises AddressError when a port is taken.
    """
    if before is None:
        bridge, cidr = (
            free_network(root, routed_networks(Path("/proc/net/route").read_text())) if pod_network else ("", "127.0.0.0/24")
        )
        before = Addresses(API_PORT, GATEWAY_PORT, 0, bridge, cidr, pod_network)
    elif pod_network != before.pod_network:
        bridge, cidr = (
            free_network(root, routed_networks(Path("/proc/net/route").read_text())) if pod_network else ("", "127.0.0.0/24")
        )
        before = replace(before, bridge=bridge, pod_cidr=cidr, pod_network=pod_network)
    chosen = replace(
        before,
        api_port=before.api_port if api_port is None else api_port or _free_port(),
        gateway_port=before.gateway_port if gateway_port is None else gateway_port or _free_port(),
        gateway_http_port=before.gateway_http_port if gateway_http_port is None else gateway_http_port or _free_port(),
    )
    for option, port in (("--api-port", chosen.api_port), ("--gateway-port", chosen.gateway_port)):
        if not _is_free(port):
            raise AddressError(f"port {port} is taken: choose another with {option} (0 takes any free one)")
    return chosen


def free_network(root: Path, taken: Iterable[ipaddress.IPv4Network]) -> tuple[str, str]:
    """A bridge name and a /24 that no route of this machine leads to; the same directory tends to get the same ones."""
    digest = hashlib.sha256(os.fsencode(root.resolve())).digest()
    taken = list(taken)
    for step in range(256):
        network = ipaddress.IPv4Network(f"10.231.{(digest[0] + step) % 256}.0/24")
        if not any(network.overlaps(other) for other in taken):
            return f"by-{digest.hex()[:8]}", str(network)
    raise AddressError("every network of 10.231.0.0/16 is routed on this machine: start with --no-pod-network")


def routed_networks(table: str) -> list[ipaddress.IPv4Network]:
    """The networks of ``/proc/net/route`` but the default route."""
    networks: list[ipaddress.IPv4Network] = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        address, mask = (ipaddress.IPv4Address(struct.pack("<I", int(fields[column], 16))) for column in (1, 7))
        if int(mask):
            networks.append(ipaddress.IPv4Network(f"{address}/{mask}", strict=False))
    return networks


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
