"""Every namespace has the ConfigMap ``kube-root-ca.crt``: what its pods need to trust the API server."""

from __future__ import annotations

from collections.abc import Iterable

from boatyard.machinery.meta.core import CONFIG_MAPS, NAMESPACES
from boatyard.machinery.meta.errors import AlreadyExists, NotFound
from boatyard.machinery.meta.objects import Object, deleting, name, namespace
from boatyard.machinery.runtime.controller import Controller, Request, Watch
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.settings import Settings

NAME, KEY = "kube-root-ca.crt", "ca.crt"


def controller(manager: Manager, settings: Settings) -> Controller:
    namespaces = manager.cache(NAMESPACES)

    async def reconcile(request: Request) -> float | None:
        where = namespaces.get(request.name)
        if where is None or deleting(where) or not settings.api_ca_pem:
            return None
        try:
            found = await manager.client.get(CONFIG_MAPS, NAME, request.name)
        except NotFound:
            found = None
        if found is None:
            try:
                body = {"metadata": {"name": NAME}, "data": {KEY: settings.api_ca_pem}}
                await manager.client.create(CONFIG_MAPS, body, request.name)
            except AlreadyExists:
                pass
        elif (found.get("data") or {}).get(KEY) != settings.api_ca_pem:
            await manager.client.patch(CONFIG_MAPS, NAME, {"data": {KEY: settings.api_ca_pem}}, request.name)
        return None

    return Controller("root-certificate", NAMESPACES, reconcile, watches=[Watch(CONFIG_MAPS, _its_namespace, whole=False)])


def _its_namespace(config_map: Object) -> Iterable[Request]:
    if name(config_map) == NAME:
        yield Request("", namespace(config_map))
