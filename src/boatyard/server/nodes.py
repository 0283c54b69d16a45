"""The way to node agents: their kubelet-shaped API, called with the certificate that they take."""

from __future__ import annotations

from boatyard.machinery.client.credentials import Credentials
from boatyard.machinery.client.transport import Transport
from boatyard.machinery.meta.core import NODES
from boatyard.machinery.meta.errors import ServiceUnavailable, not_found
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry.ledger import Ledger
from boatyard.server.auth.pki import Pki

_PREFERRED = ("InternalIP", "Hostname", "InternalDNS", "ExternalIP", "ExternalDNS")


class Nodes:
    """Connections to nodes, found by their Node objects."""

    def __init__(self, ledger: Ledger, pki: Pki) -> None:
        self._ledger, self._pki = ledger, pki
        self._transports: dict[str, Transport] = {}

    async def transport(self, name: str) -> Transport:
        """Raises NotFound, and ServiceUnavailable when the node doesn't say where it listens."""
        node = self._ledger.object(NODES, None, name)
        if node is None:
            raise not_found("nodes", name)
        address = endpoint(node)
        known = self._transports.get(name)
        if known is not None and known.address == address:
            return known
        if known is not None:
            await known.close()
        cert, key = self._pki.kubelet_client()
        # The certificate must name the node itself, not just where it is: see Pki.node.
        credentials = Credentials(ca_file=str(self._pki.ca), cert_file=str(cert), key_file=str(key), server_name=name)
        self._transports[name] = Transport(address, credentials)
        return self._transports[name]

    async def close(self) -> None:
        transports, self._transports = self._transports, {}
        for transport in transports.values():
            await transport.close()


def endpoint(node: Object) -> str:
    """``https://address:port`` of a node's agent. Raises ServiceUnavailable."""
    status = node.get("status") or {}
    addresses: dict[str, str] = {entry["type"]: entry["address"] for entry in reversed(status.get("addresses") or [])}
    host = next((addresses[type] for type in _PREFERRED if addresses.get(type)), None)
    port = ((status.get("daemonEndpoints") or {}).get("kubeletEndpoint") or {}).get("Port")
    if not host or not port:
        raise ServiceUnavailable(f"node {node['metadata']['name']} doesn't say where its agent listens")
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
