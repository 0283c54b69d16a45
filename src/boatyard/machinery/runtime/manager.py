"""A manager: the caches and controllers of one process over one client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.runtime.cache import Cache, ChangeHandler, IndexFunction
from boatyard.machinery.runtime.controller import Controller, IsNews, ToRequests
from boatyard.machinery.runtime.events import Recorder
from boatyard.machinery.runtime.tasks import TaskGroup
from boatyard.machinery.runtime.world import World


class Manager:
    """Shares one cache per type among controllers and runs them all in one task group.

    With ``namespace`` set, caches hold that namespace only (unless asked otherwise): for programs that may read no more.
    """

    def __init__(self, client: Client, world: World, *, namespace: str | None = None) -> None:
        self.client, self.world, self.namespace = client, world, namespace
        self._whole: dict[tuple[Resource, str | None, str, str], Cache] = {}
        self._bare: dict[tuple[Resource, str | None, str, str], Cache] = {}
        """Caches that hold metadata only."""
        self._tasks: dict[Cache, asyncio.Task[None]] = {}
        self._controllers: list[Controller] = []
        self._loops: list[tuple[str, Callable[[], Awaitable[None]]]] = []
        self._group: TaskGroup | None = None
        self._ready = asyncio.Event()

    def cache(
        self, resource: Resource, *, namespace: str | None = None, label_selector: str = "", field_selector: str = "",
        indexes: Mapping[str, IndexFunction] | None = None, whole: bool = True,
    ) -> Cache:  # fmt: skip
        """The shared cache of a type; indexes are added to it. Asked for while the manager runs, it starts at once: await its
        ``synced``. Who needs to know only what there is, asks for one that needn't be ``whole``."""
        where = namespace if namespace is not None else self.namespace
        key = (resource, where if resource.namespaced else None, label_selector, field_selector)
        cache = self._whole.get(key) or (None if whole else self._bare.get(key))
        if cache is None and whole and self._group is None and key in self._bare:
            # Nothing is in it yet: one for all who ask.
            cache = self._whole[key] = self._bare.pop(key)
            cache.whole = True
        if cache is None:
            cache = (self._whole if whole else self._bare)[key] = Cache(
                self.client, resource, self.world, namespace=key[1], label_selector=label_selector, field_selector=field_selector,
                whole=whole,
            )  # fmt: skip
            if self._group is not None:
                self._start(self._group, cache)
        for index, function in (indexes or {}).items():
            cache.add_index(index, function)
        return cache

    def drop(self, resource: Resource) -> None:
        """Stop following a type that is no longer served. Its caches keep what they last held."""
        for caches in (self._whole, self._bare):
            for key in [key for key in caches if key[0] == resource]:
                task = self._tasks.pop(caches.pop(key), None)
                if task is not None:
                    task.cancel()

    def _start(self, group: TaskGroup, cache: Cache) -> None:
        self._tasks[cache] = group.start(cache.run(), f"cache-{cache.resource.group_resource}")

    def add(self, controller: Controller) -> None:
        """Have a controller run, and told of its objects and of what it watches. Before :meth:`run` only."""
        self._controllers.append(controller)
        self.cache(controller.resource).on_change(_feed(controller, controller.requests, controller.is_news))
        for watch in controller.watches:
            self.cache(watch.resource, whole=watch.whole).on_change(_feed(controller, watch.to_requests, watch.is_news))

    def add_loop(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Have something else run beside the controllers (a heartbeat, a scheduler), once the caches are filled."""
        self._loops.append((name, run))

    def recorder(self, component: str) -> Recorder:
        """Records events in the name of ``component``."""
        return Recorder(self.client, self.world, component)

    async def ready(self) -> None:
        """Wait until all caches are filled and the controllers work."""
        await self._ready.wait()

    async def run(self) -> None:
        """Fill the caches, then run controllers and loops for ever. A failure of any ends all and is raised."""
        async with TaskGroup() as group:
            self._group = group
            try:
                caches = [*self._whole.values(), *self._bare.values()]
                for cache in caches:
                    self._start(group, cache)
                for cache in caches:
                    await cache.synced()
                for controller in self._controllers:
                    group.start(controller.run(self.world), controller.name)
                for name, run in self._loops:
                    group.start(_endless(name, run), name)
                self._ready.set()
                await asyncio.get_running_loop().create_future()
            finally:
                self._group = None
                self._ready.clear()


async def _endless(name: str, run: Callable[[], Awaitable[None]]) -> None:
    await run()
    raise RuntimeError(f"the loop {name} ended")


def _feed(controller: Controller, to_requests: ToRequests, is_news: IsNews | None) -> ChangeHandler:
    def feed(old: Object | None, new: Object | None) -> None:
        if is_news is not None and not is_news(old, new):
            return
        for obj in (old, new):
            if obj is not None:
                for request in to_requests(obj):
                    controller.enqueue(request)

    return feed
