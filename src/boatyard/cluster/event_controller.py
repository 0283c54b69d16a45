"""Events live for an hour."""

from __future__ import annotations

from boatyard.machinery.meta.core import EVENTS, NAMESPACES
from boatyard.machinery.meta.errors import Conflict, NotFound
from boatyard.machinery.meta.objects import Object, name, namespace
from boatyard.machinery.meta.timestamps import parse_time
from boatyard.machinery.runtime.controller import Controller, Request
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.settings import Settings

LIFE_SECONDS = 3600.0
SWEEP_SECONDS = 300.0
PAGE_SIZE = 500


def controller(manager: Manager, settings: Settings) -> Controller:
    """Sweeps from time to time; events aren't held in a cache for that."""

    async def reconcile(request: Request) -> float | None:
        token = ""
        while True:
            page = await manager.client.list(EVENTS, limit=PAGE_SIZE, continue_token=token)
            for event in page.items:
                if manager.world.now() - last_seen(event) > LIFE_SECONDS:
                    try:
                        revision = event["metadata"]["resourceVersion"]
                        await manager.client.delete(EVENTS, name(event), namespace(event), resource_version=revision)
                    except (NotFound, Conflict):
                        continue  # gone, or told again just now
            token = page.continue_token
            if not token:
                return SWEEP_SECONDS

    made = Controller("event", NAMESPACES, reconcile, requests=lambda obj: ())
    made.enqueue(Request("", "sweep"))
    return made


def last_seen(event: Object) -> float:
    """When it last happened, in seconds since the epoch."""
    series = event.get("series") or {}
    for told in (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime")):
        if told:
            return parse_time(told)
    return parse_time(event["metadata"]["creationTimestamp"])
