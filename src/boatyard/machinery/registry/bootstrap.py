"""What is there from the first start on."""

from __future__ import annotations

from boatyard.machinery.meta.core import NAMESPACES
from boatyard.machinery.meta.errors import AlreadyExists
from boatyard.machinery.registry import create
from boatyard.machinery.registry.caller import SYSTEM
from boatyard.machinery.registry.ledger import Ledger
from boatyard.machinery.registry.request import Request

PERMANENT_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease", "boatyard-system")


async def bootstrap(ledger: Ledger) -> None:
    """Make what is missing."""
    for name in PERMANENT_NAMESPACES:
        if ledger.find(NAMESPACES, None, name) is None:
            request = Request(SYSTEM, ledger.kinds.of(NAMESPACES), "", name)
            try:
                await create.create(ledger, request, {"metadata": {"name": name}})
            except AlreadyExists:
                continue
