"""What is there from the first start on."""

from __future__ import annotations

from boatyard.machinery.meta.core import NAMESPACES
from boatyard.machinery.meta.errors import AlreadyExists
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry import create
from boatyard.machinery.registry.caller import SYSTEM
from boatyard.machinery.registry.default_roles import default_roles
from boatyard.machinery.registry.ledger import Ledger
from boatyard.machinery.registry.request import Request

PERMANENT_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease", "boatyard-system")


async def bootstrap(ledger: Ledger) -> None:
    """Make what is missing. What is there stays as its owner made it."""
    for name in PERMANENT_NAMESPACES:
        await _make(ledger, NAMESPACES, {"metadata": {"name": name}})
    for resource, role in default_roles():
        await _make(ledger, resource, role)


async def _make(ledger: Ledger, resource: Resource, obj: Object) -> None:
    name = obj["metadata"]["name"]
    if ledger.find(resource, None, name) is None:
        try:
            await create.create(ledger, Request(SYSTEM, ledger.kinds.of(resource), "", name), obj)
        except AlreadyExists:
            return
