"""Events: what a component did to an object and why, for people to read (``kubectl events``, ``kubectl describe``)."""

from __future__ import annotations

import hashlib
import logging
from collections import OrderedDict
from dataclasses import dataclass

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import EVENTS
from boatyard.machinery.meta.errors import AlreadyExists, ApiError, NotFound
from boatyard.machinery.meta.objects import Object, name, namespace, uid
from boatyard.machinery.meta.timestamps import rfc3339
from boatyard.machinery.runtime.world import World

log = logging.getLogger(__name__)

REMEMBERED = 4096
QUIET_SECONDS = 10.0
LONGEST_MESSAGE = 1024
"""Characters; the limit that Kubernetes validates."""


@dataclass(slots=True)
class _Told:
    count: int
    written_at: float


class Recorder:
    """Records events in the name of ``component``. Repeats of one event are counted in one object."""

    def __init__(self, client: Client, world: World, component: str) -> None:
        self._client, self._world, self._component = client, world, component
        self._told: OrderedDict[str, _Told] = OrderedDict()

    async def event(self, obj: Object, type: str, reason: str, message: str) -> None:
        """Tell that ``reason`` befell ``obj``. ``type`` is Normal or Warning. Never fails its caller; a repeat within
        ten seconds is only counted and written with the next."""
        message = message if len(message) <= LONGEST_MESSAGE else message[: LONGEST_MESSAGE - 1] + "…"
        event_name = self._name(obj, type, reason, message)
        told, now = self._told.get(event_name), self._world.now()
        if told is not None:
            told.count += 1
            self._told.move_to_end(event_name)
            if now - told.written_at < QUIET_SECONDS:
                return
            told.written_at = now
        else:
            self._told[event_name] = told = _Told(1, now)
            if len(self._told) > REMEMBERED:
                self._told.popitem(last=False)
        try:
            await self._write(obj, event_name, type, reason, message, told)
        except (ApiError, OSError, TimeoutError) as error:
            log.info("event %s of %s/%s is lost: %s", reason, namespace(obj), name(obj), error)

    def _name(self, obj: Object, type: str, reason: str, message: str) -> str:
        identity = "\0".join((self._component, uid(obj), type, reason, message))
        # The same event has the same name after a restart too: it goes on counting where it was.
        return f"{name(obj)[:200]}.{hashlib.sha256(identity.encode()).hexdigest()[:16]}"

    async def _write(self, obj: Object, event_name: str, type: str, reason: str, message: str, told: _Told) -> None:
        where = namespace(obj) or "default"
        now = rfc3339(self._world.now())
        if told.count > 1:
            try:
                await self._client.patch(EVENTS, event_name, {"count": told.count, "lastTimestamp": now}, where)
                return
            except NotFound:
                told.count = 1  # it outlived its time to live
        involved = {"apiVersion": obj.get("apiVersion", ""), "kind": obj.get("kind", ""), "name": name(obj), "uid": uid(obj)}
        if namespace(obj):
            involved["namespace"] = namespace(obj)
        body = {
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": event_name, "namespace": where},
            "involvedObject": involved, "type": type, "reason": reason, "message": message,
            "source": {"component": self._component}, "reportingComponent": self._component, "reportingInstance": "",
            "firstTimestamp": now, "lastTimestamp": now, "count": 1,
        }  # fmt: skip
        try:
            await self._client.create(EVENTS, body, where)
        except AlreadyExists:
            stored = await self._client.get(EVENTS, event_name, where)
            told.count += stored.get("count") or 1
            await self._client.patch(EVENTS, event_name, {"count": told.count, "lastTimestamp": now}, where)
