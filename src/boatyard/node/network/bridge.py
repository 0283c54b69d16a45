"""The pod network of a machine where we are root: a bridge, a link per pod, rules for services, a name server."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from boatyard.machinery.runtime.tasks import TaskGroup
from boatyard.node.network import services
from boatyard.node.network.dns import NameServer, upstreams
from boatyard.node.network.netlink import Netlink
from boatyard.node.network.nftables import Transaction
from boatyard.node.network.plan import NetworkPlan, existing_routes, load_or_choose
from boatyard.node.runtime import MachineError, ServiceRoute


class BridgeNetwork:
    """See :class:`pod_network.PodNetwork`. The kernel keeps bridge, links and rules while the agent is away; names are served again
    as soon as it is back."""

    def __init__(self, directory: Path, *, forward: bool = True) -> None:
        """``directory``: the node's, where the plan is kept. ``forward``: pods reach what is beyond this machine, under its
        address; that turns on IP forwarding."""
        self.plan: NetworkPlan = load_or_choose(directory)
        self._forward = forward
        self._free = self.plan.addresses()
        self._names = NameServer(self.plan.gateway, upstreams())
        self._serves_names = True
        self.advice: tuple[str, ...] = ()

    @property
    def works(self) -> bool:
        return True

    @property
    def nameserver(self) -> str:
        return self.plan.gateway if self._serves_names else ""

    async def start(self, tasks: TaskGroup, taken: Sequence[dict[str, Any]]) -> None:
        for allocation in taken:
            with suppress(ValueError):
                self._free.remove(allocation["address"])
        network = ipaddress.IPv4Network(self.plan.cidr)
        if any(network.overlaps(route) for route in existing_routes(but=self.plan.bridge)):
            raise MachineError(f"the pods' network {network} overlaps a route that was added to this machine since it was chosen")
        try:
            self._make_bridge()
            self._remove_strays({allocation["link"] for allocation in taken})
            self._set("net/ipv4/ip_forward" if self._forward else f"net/ipv4/conf/{self.plan.bridge}/forwarding", 1)
            services.rules(self.plan, (), forward=self._forward).commit()
        except OSError as error:
            raise MachineError(f"the pod network could not be made: {error}") from error
        try:
            await self._names.start(tasks)
        except OSError as error:
            self._serves_names = False
            self.advice = (f"names of services are not served: port 53 of {self.plan.gateway}: {error.strerror}",)

    async def stop(self) -> None:
        await self._names.stop()

    def allocate(self, pod_uid: str) -> dict[str, Any] | None:
        if not self._free:
            raise MachineError(f"all addresses of {self.plan.cidr} are taken")
        # The one that has rested longest: the kernel takes its time to clear a pod's namespace.
        address = self._free.pop(0)
        link = self.plan.link(address)
        return {"bridge": self.plan.bridge, "link": link, "address": address, "gateway": self.plan.gateway}

    def release(self, allocation: dict[str, Any]) -> None:
        # The link went with the last process of the pod's namespace.
        self._free.append(allocation["address"])

    async def set_services(self, routes: Sequence[ServiceRoute]) -> None:
        self._names.set_services(routes)
        try:
            services.rules(self.plan, routes, forward=self._forward).commit()
        except OSError as error:
            raise MachineError(f"the addresses of services could not be set: {error}") from error

    def remove(self) -> None:
        """Take the network away altogether, for a node that is given up. Pods on it lose their links."""
        with suppress(OSError):
            Transaction(self.plan.bridge).drop().commit()
        with Netlink() as netlink:
            for link in [*self._links(), self.plan.bridge]:
                with suppress(OSError):
                    netlink.remove(link)

    def _make_bridge(self) -> None:
        with Netlink() as netlink:
            with suppress(FileExistsError):
                netlink.make_bridge(self.plan.bridge, _hardware_address(self.plan))
            index = socket.if_nametoindex(self.plan.bridge)
            netlink.add_address(index, self.plan.gateway, int(self.plan.cidr.partition("/")[2]))
            netlink.set_up(index)

    def _remove_strays(self, known: set[str]) -> None:
        """Links of pods that are no more: their namespaces are gone, so these can only be leftovers of a moment."""
        with Netlink() as netlink:
            for link in self._links():
                if link not in known:
                    with suppress(OSError):
                        netlink.remove(link)

    def _links(self) -> list[str]:
        prefix = self.plan.link("0.0.0.")
        return sorted(name for _, name in socket.if_nameindex() if name.startswith(prefix))

    @staticmethod
    def _set(name: str, value: int) -> None:
        path = f"/proc/sys/{name}"
        with open(path) as file:
            if file.read().strip() == str(value):
                return
        try:
            with open(path, "w") as file:
                file.write(str(value))
        except OSError as error:
            number = error.errno or errno.EPERM
            raise OSError(number, f"{path} can't be set to {value}: {os.strerror(number)}") from error


def _hardware_address(plan: NetworkPlan) -> bytes:
    """One of its own: a bridge without takes that of a link, and changes it as pods come and go."""
    return b"\x02\xb0" + socket.inet_aton(plan.gateway)
