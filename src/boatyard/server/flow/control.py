"""Flow control: a request's turn among those of other users, and how many streams a user may have open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from prometheus_client import Counter, Gauge, Histogram

from boatyard.machinery.meta.errors import TooManyRequests
from boatyard.machinery.registry.caller import Caller
from boatyard.server.auth.authenticate import public
from boatyard.server.auth.pki import NODE_PREFIX
from boatyard.server.flow.limits import Limits
from boatyard.server.flow.queue import FairQueue, Full, Ticket

REFUSED = Counter("boatyard_api_refused", "Requests refused because there were too many.", ["why"])
WAITING = Gauge("boatyard_api_waiting", "Requests that wait for their turn.", ["sort"])
SEATS = Gauge("boatyard_api_seats", "Seats taken by requests at work.", ["sort"])
WAITED = Histogram(
    "boatyard_api_wait_seconds", "Time that a request waited for its turn, if it had to.", ["sort"],
    buckets=(0.005, 0.025, 0.1, 0.5, 2.5, 15),
)  # fmt: skip
BYTES_PER_SEAT = 128 * 1024
READS = ("GET", "HEAD", "OPTIONS")
RETRY_SECONDS, RETRY_WATCH_SECONDS = 1, 5
"""When a refused request, and a refused stream, is to come again."""
NODES = "system:nodes"


def width_of_list(answered_bytes: int) -> int:
    """How many seats a list takes that is expected to be about so long."""
    return 1 + answered_bytes // BYTES_PER_SEAT


class FlowControl:
    """Turns and streams of one server. Users are who they proved to be: impersonating others gives nobody more turns."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._queues = {
            sort: FairQueue(seats, share=limits.share(seats), queue=limits.queue, queues=limits.queues)
            for sort, seats in (("reading", limits.reading), ("writing", limits.writing))
        }
        self._began: dict[Ticket, asyncio.Future[bool]] = {}
        self._streams: dict[str, int] = {}
        self._open = 0
        for sort, queue in self._queues.items():
            WAITING.labels(sort).set_function(lambda queue=queue: queue.waiting)
            SEATS.labels(sort).set_function(lambda queue=queue: queue.taken)

    @asynccontextmanager
    async def turn(self, caller: Caller, method: str, path: str, width: int = 1) -> AsyncIterator[None]:
        """Held while a request is worked on. Raises TooManyRequests.

        Health and version are answered at once, and what a node says of itself and its pods: a node that isn't heard counts as
        lost.
        """
        if public(path) or (method not in READS and caller.name.startswith(NODE_PREFIX) and NODES in caller.groups):
            yield
            return
        sort = "reading" if method in READS else "writing"
        queue = self._queues[sort]
        try:
            ticket, lost = queue.ask(caller.name, width)
        except Full:
            raise _refused("queue", f"{caller.name} has too many requests waiting") from None
        if lost is not None:
            self._tell(lost, False)
        try:
            if not ticket.seated:
                await self._wait(sort, caller, ticket)
            yield
        finally:
            # In the next turn of the loop: a request is worked on without a pause, and else those that came together would all have
            # their turn before anybody else was heard.
            asyncio.get_running_loop().call_soon(self._leave, queue, ticket)

    async def _wait(self, sort: str, caller: Caller, ticket: Ticket) -> None:
        loop = asyncio.get_running_loop()
        began = self._began[ticket] = loop.create_future()
        since = loop.time()
        try:
            async with asyncio.timeout(self.limits.queue_seconds):
                may = await began
        except TimeoutError:
            raise _refused("time", f"{caller.name} waited {self.limits.queue_seconds} s for a turn") from None
        finally:
            self._began.pop(ticket, None)
            WAITED.labels(sort).observe(loop.time() - since)
        if not may:
            raise _refused("queues", f"{caller.name} has most of all the requests that wait")

    def _leave(self, queue: FairQueue, ticket: Ticket) -> None:
        for other in queue.leave(ticket):
            self._tell(other, True)

    def _tell(self, ticket: Ticket, may: bool) -> None:
        began = self._began.get(ticket)
        if began is not None and not began.done():
            began.set_result(may)

    @contextmanager
    def stream(self, caller: Caller) -> Iterator[None]:
        """Held while a watch or another stream is open. Raises TooManyRequests."""
        mine = self._streams.get(caller.name, 0)
        if mine >= self.limits.watches_per_user:
            raise _refused("watches_per_user", f"{caller.name} has {mine} watches and other streams open", RETRY_WATCH_SECONDS)
        if self._open >= self.limits.watches:
            raise _refused("watches", f"{self._open} watches and other streams are open in all", RETRY_WATCH_SECONDS)
        self._streams[caller.name] = mine + 1
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1
            self._streams[caller.name] -= 1
            if not self._streams[caller.name]:
                del self._streams[caller.name]


def _refused(why: str, told: str, seconds: int = RETRY_SECONDS) -> TooManyRequests:
    REFUSED.labels(why).inc()
    return TooManyRequests(f"too many requests: {told}; try again in {seconds} s", {"retryAfterSeconds": seconds})
