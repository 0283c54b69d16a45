"""Services as rules of the kernel: pure, from a table of services to one transaction."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from boatyard.node.network import nftables
from boatyard.node.network.plan import NetworkPlan
from boatyard.node.runtime import ServiceRoute


def rules(plan: NetworkPlan, services: Iterable[ServiceRoute], *, forward: bool) -> nftables.Transaction:
    """Everything the node's table holds. ``forward``: pods reach the world beyond this machine, under its address.

    A connection to a service's address goes to one of its endpoints, at random; without endpoints it is refused. A pod that
    reaches itself by its service comes from the gateway: it would not answer its own address.
    """
    table = nftables.Transaction(plan.bridge).clear()
    for chain, hook in (("from_pods", nftables.PREROUTING), ("from_host", nftables.OUTPUT)):
        table.chain(chain, "nat", hook, -100)
    table.chain("leaving", "nat", nftables.POSTROUTING, 100)
    for chain, hook in (("unserved_pods", nftables.FORWARD), ("unserved_host", nftables.OUTPUT)):
        table.chain(chain, "filter", hook, 0)
    if forward:
        network = ipaddress.IPv4Network(plan.cidr)
        inside = nftables.source_network(str(network.network_address), str(network.netmask))
        table.rule("leaving", inside, nftables.not_leaving_by(plan.bridge), nftables.masquerade())
    endpoints: dict[str, None] = {}
    for service in services:
        if not service.cluster_ip:
            continue
        for port in service.ports:
            match = (
                nftables.protocol(port.protocol) + nftables.destination(service.cluster_ip) + nftables.destination_port(port.port)
            )
            for at, (address, target) in enumerate(port.endpoints):
                left = len(port.endpoints) - at
                pick = nftables.one_in(left) if left > 1 else b""
                for chain in ("from_pods", "from_host"):
                    table.rule(chain, match, pick, nftables.translate_to(address, target))
                endpoints[address] = None
            if not port.endpoints:
                for chain in ("unserved_pods", "unserved_host"):
                    table.rule(chain, match, nftables.reject())
    for address in endpoints:
        table.rule("leaving", nftables.source(address), nftables.destination(address), nftables.masquerade())
    return table
