"""Every namespace has the service account ``default``."""

from __future__ import annotations

from boatyard.machinery.meta.core import NAMESPACES, SERVICE_ACCOUNTS
from boatyard.machinery.meta.errors import AlreadyExists
from boatyard.machinery.meta.objects import Object, deleting, namespace
from boatyard.machinery.runtime.controller import Controller, Request, Watch
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.settings import Settings

DEFAULT = "default"


def controller(manager: Manager, settings: Settings) -> Controller:
    namespaces, accounts = manager.cache(NAMESPACES), manager.cache(SERVICE_ACCOUNTS)

    async def reconcile(request: Request) -> float | None:
        where = namespaces.get(request.name)
        if where is not None and not deleting(where) and accounts.get(DEFAULT, request.name) is None:
            try:
                await manager.client.create(SERVICE_ACCOUNTS, {"metadata": {"name": DEFAULT}}, request.name)
            except AlreadyExists:
                pass
        return None

    return Controller("service-account", NAMESPACES, reconcile, watches=[Watch(SERVICE_ACCOUNTS, _its_namespace)])


def _its_namespace(account: Object) -> tuple[Request]:
    return (Request("", namespace(account)),)
