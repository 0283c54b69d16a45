"""A controller: which objects it answers for, what else concerns them, and one pass over one of them."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from boatyard.machinery.meta.errors import ApiError, Conflict, NotFound
from boatyard.machinery.meta.objects import Object, controller_of, name, namespace
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.runtime.queue import WorkQueue
from boatyard.machinery.runtime.tasks import TaskGroup
from boatyard.machinery.runtime.world import World

log = logging.getLogger(__name__)


class Request(NamedTuple):
    """The name of the object to converge: all that a pass is told."""

    namespace: str
    """Empty for an object of the whole cluster."""
    name: str


class Terminal(Exception):
    """Trying again can't help. Whoever raises it has said so in a condition; only a change of the object starts another pass."""


Reconcile: TypeAlias = Callable[[Request], Awaitable[float | None]]
ToRequests: TypeAlias = Callable[[Object], Iterable[Request]]
IsNews: TypeAlias = Callable[[Object | None, Object | None], bool]
"""Whether a change (None: was not, or is no longer, there) is worth a pass. False promises that a pass would do nothing about it,
whatever else is the case; what time alone brings about is asked for by the seconds that a pass returns."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Another type whose changes concern a controller's objects; ``to_requests`` says which. It is asked for the old and the new
    state of what changed, so that an object that moves from one owner to another concerns both. ``is_news`` may leave changes
    out. Where metadata is enough to say it, the objects needn't be ``whole``."""

    resource: Resource
    to_requests: ToRequests
    is_news: IsNews | None = None
    whole: bool = True


def itself(obj: Object) -> Iterable[Request]:
    """The object's own name."""
    return (Request(namespace(obj), name(obj)),)


def owner_requests(kind: str) -> ToRequests:
    """The controller owner of an object, when it is of ``kind``: for watching what one's own objects own."""

    def to_requests(obj: Object) -> Iterable[Request]:
        owner = controller_of(obj)
        if owner is not None and owner.get("kind") == kind:
            yield Request(namespace(obj), owner["name"])

    return to_requests


class Controller:
    """Converges objects of ``resource``: every change of one, or of what it watches beside, starts a pass over that one.

    ``reconcile(request)`` reads the world anew and does what is missing. It returns the seconds until the next pass, or None when
    only a change asks for one. Raising means: again later, with back-off; :class:`Terminal`: not again until something changes.
    Two passes over one object never run at the same time; ``workers`` bounds how many objects are worked on at once. ``requests``
    says what a change of an object asks for, where that isn't a pass over the object itself; ``is_news`` may leave changes out.
    """

    def __init__(
        self, name: str, resource: Resource, reconcile: Reconcile, *, watches: Sequence[Watch] = (), workers: int = 1,
        requests: ToRequests = itself, is_news: IsNews | None = None,
    ) -> None:  # fmt: skip
        self.name, self.resource, self.reconcile = name, resource, reconcile
        self.watches, self.workers, self.requests, self.is_news = tuple(watches), workers, requests, is_news
        self._queue: WorkQueue[Request] | None = None
        self._early: dict[Request, None] = {}

    def enqueue(self, request: Request) -> None:
        """Ask for a pass."""
        if self._queue is not None:
            self._queue.add(request)
        else:
            self._early[request] = None

    async def run(self, world: World) -> None:
        """Work for ever. Only cancellation ends it."""
        queue = self._queue = WorkQueue(world)
        for request in self._early:
            queue.add(request)
        self._early.clear()
        try:
            async with TaskGroup() as group:
                for number in range(self.workers):
                    group.start(self._work(queue), f"{self.name}-{number}")
        finally:
            queue.close()
            self._queue = None

    async def _work(self, queue: WorkQueue[Request]) -> None:
        while True:
            request = await queue.get()
            try:
                await self._pass(queue, request)
            finally:
                queue.done(request)

    async def _pass(self, queue: WorkQueue[Request], request: Request) -> None:
        try:
            again = await self.reconcile(request)
        except Terminal as error:
            log.warning("%s %s/%s: %s", self.name, request.namespace, request.name, error)
            queue.forget(request)
            return
        except (Conflict, NotFound) as error:
            # A cache that lags behind one's own writes looks like this too: worth a word only when it stays.
            seconds = queue.add_rate_limited(request)
            level = logging.DEBUG if seconds < 1 else logging.WARNING
            log.log(level, "%s %s/%s, again in %.1f s: %s", self.name, request.namespace, request.name, seconds, error)
            return
        except (ApiError, OSError, TimeoutError) as error:
            seconds = queue.add_rate_limited(request)
            log.warning("%s %s/%s, again in %.1f s: %s", self.name, request.namespace, request.name, seconds, error)
            return
        except Exception:
            seconds = queue.add_rate_limited(request)
            log.exception("%s %s/%s, again in %.1f s", self.name, request.namespace, request.name, seconds)
            return
        queue.forget(request)
        if again is not None:
            queue.add_after(request, again)
