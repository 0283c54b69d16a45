"""Which bridge and addresses a node uses: chosen once so that nothing on the machine is hidden, then kept."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import socket
import struct
from collections.abc import Iterable
from pathlib import Path

import msgspec

from boatyard.node.runtime import MachineError
from boatyard.node.supervisor import records

POOL = ipaddress.IPv4Network("10.231.0.0/16")
"""The /24 networks below it are tried in order; where to begin differs from node to node, for nodes that don't run all the time."""


class NetworkPlan(msgspec.Struct, frozen=True):
    """The durable facts of a node's pod network."""

    bridge: str
    cidr: str

    @property
    def gateway(self) -> str:
        """Address of the bridge: what pods know the machine by ("internal host")."""
        return str(next(ipaddress.IPv4Network(self.cidr).hosts()))

    def addresses(self) -> list[str]:
        """Those for pods."""
        return [str(address) for address in ipaddress.IPv4Network(self.cidr).hosts()][1:]

    def link(self, address: str) -> str:
        """Name of the host's end of a pod's link: at most 15 characters."""
        return f"by-{self.bridge[-6:]}-{address.rpartition('.')[2]}"


def load_or_choose(directory: Path) -> NetworkPlan:
    """The plan of the node with that directory; the first call decides and writes it down. Needs no right but to that directory.

    Raises :class:`MachineError` when every candidate overlaps an existing route.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = str(directory / "network.json")
    if (record := records.read(path)) is not None:
        return msgspec.convert(record, NetworkPlan)
    digest = hashlib.sha256(os.fsencode(directory.resolve()))
    plan = NetworkPlan(f"boatyard-{digest.hexdigest()[:6]}", choose_cidr(existing_routes(), digest.digest()[-1]))
    records.write(path, msgspec.to_builtins(plan), durable=True)
    return plan


def choose_cidr(routes: Iterable[ipaddress.IPv4Network], first: int = 0) -> str:
    """The first candidate, counted from number ``first``, that overlaps none of ``routes``. Raises :class:`MachineError`."""
    known = list(routes)
    candidates = list(POOL.subnets(new_prefix=24))
    for candidate in candidates[first:] + candidates[:first]:
        if not any(candidate.overlaps(route) for route in known):
            return str(candidate)
    raise MachineError(f"every network in {POOL} overlaps a route of this machine")


def existing_routes(path: str = "/proc/net/route", *, but: str = "") -> list[ipaddress.IPv4Network]:
    """All but the default route and those of the interface ``but``."""
    found: list[ipaddress.IPv4Network] = []
    with open(path) as file:
        for line in list(file)[1:]:
            fields = line.split()
            if fields[0] == but:
                continue
            destination, mask = (struct.pack("<I", int(fields[at], 16)) for at in (1, 7))
            if any(mask):
                found.append(ipaddress.IPv4Network((socket.inet_ntoa(destination), socket.inet_ntoa(mask)), strict=False))
    return found
