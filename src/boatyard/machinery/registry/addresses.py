"""Cluster addresses of services: none twice, freed with their service."""

from __future__ import annotations

import ipaddress
import zlib
from typing import TYPE_CHECKING

from boatyard.machinery.meta.core import SERVICES
from boatyard.machinery.registry import documents, keys

if TYPE_CHECKING:
    from boatyard.machinery.registry.ledger import Ledger

NETWORK = "10.96.0.0/16"
RESERVED = 20
"""Addresses at the start of the network that are only given to who asks for one of them (the API, DNS)."""


class ServiceAddresses:
    """What the stored services hold, and what services about to be stored are promised. Derived from the store, never counted."""

    def __init__(self, ledger: Ledger, network: str = NETWORK) -> None:
        self._ledger = ledger
        self._network = ipaddress.IPv4Network(network)
        self._holder: dict[str, str] = {}  # address -> key of the service
        self._held: dict[str, str] = {}  # key of the service -> address
        ledger.listen(SERVICES, self._changed)

    def load(self) -> None:
        """Learn what is held. Once, at the start."""
        for record in self._ledger.store.range(keys.prefix(SERVICES)).records:
            self._changed(record.key)

    def allocate(self, key: str) -> str | None:
        """Promise a free address to a service; None when all are taken. Where the search begins follows from the key."""
        usable = self._network.num_addresses - RESERVED - 1
        start = zlib.crc32(key.encode()) % usable
        for step in range(usable):
            address = str(self._network[RESERVED + (start + step) % usable])
            if self.claim(key, address):
                return address
        return None

    def contains(self, address: str) -> bool:
        """Whether it can be a cluster address at all."""
        try:
            return ipaddress.IPv4Address(address) in self._network
        except ValueError:
            return False

    def claim(self, key: str, address: str) -> bool:
        """Promise this very address to a service. False when another has it."""
        if self._holder.setdefault(address, key) != key:
            return False
        self._held[key] = address
        return True

    def release(self, key: str) -> None:
        """Take back what was promised to a service, unless a stored one of that name holds it."""
        self._changed(key)

    def _changed(self, key: str) -> None:
        address = self._held.pop(key, None)
        if address is not None:
            del self._holder[address]
        record = self._ledger.store.get(key)
        if record is None:
            return
        stored = (documents.decode(record.value, record.modified).get("spec") or {}).get("clusterIP")
        if stored and stored != "None":
            self._held[key] = stored
            self._holder[stored] = key
