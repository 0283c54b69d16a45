"""A webhook delivery in, an HTTP answer out: verified, understood, remembered. The HTTP server around it is a thin shell.

Nothing is told to who can't sign; nothing is acknowledged before it is durable; a repeated delivery gets its first answer and
starts nothing. What an accepted delivery becomes is :mod:`boatyard.ciserver.builder`'s business.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from boatyard.ci.scm.events import Ignored, Malformed, Ping, Trigger
from boatyard.ci.scm.scm import BadSignature, Scm, Unsigned
from boatyard.ciserver.database import FAULTS
from boatyard.ciserver.inbox import Inbox
from boatyard.ciserver.metrics import Metrics
from boatyard.machinery.runtime.world import World

_LOG = logging.getLogger(__name__)
MAX_BODY_BYTES = 25 * 1024 * 1024
_MAX_DELIVERY_ID = 180


class Response(NamedTuple):
    """An HTTP answer with a JSON body."""

    status: int
    body: bytes


class NotReady(Exception):
    """What is needed to judge a delivery (the CiConfig, its Secrets) can't be read now."""


class Desk(Protocol):
    """What the deliveries need to know of the team; raises NotReady."""

    async def scm(self, *, fresh: bool = False) -> tuple[str, Scm]:
        """The SCM's type and adapter; ``fresh`` reads Secrets again, as one may have been rotated."""
        ...

    def starts_nothing(self, event: Trigger) -> str:
        """Why the CiConfig says that this event starts nothing; empty when it starts a build."""
        ...


class Deliveries:
    """Handles what arrives at ``/hooks/<type>``."""

    def __init__(self, desk: Desk, inbox: Inbox, world: World, metrics: Metrics, accepted: Callable[[int, int], None]) -> None:
        self._desk, self._inbox, self._world, self._metrics, self._accepted = desk, inbox, world, metrics, accepted

    async def handle_delivery(self, type: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Answer one delivery; ``headers``' names are lower case."""
        if len(body) > MAX_BODY_BYTES:
            return self.too_large()
        try:
            configured, scm = await self._desk.scm()
            if configured != type:
                return self._answer("wrong_type", 404, error=f"this CI server's SCM is of another type than {type[:40]}")
            try:
                scm.verify(headers, body)
            except BadSignature:
                _, scm = await self._desk.scm(fresh=True)
                scm.verify(headers, body)
        except NotReady as error:
            return self._answer("unavailable", 503, error=str(error))
        except Unsigned:
            return self._answer("unsigned", 401, error="the delivery is not signed")
        except BadSignature:
            return self._answer("bad_signature", 403, error="the signature is not made with this webhook's secret")
        try:
            delivery = scm.delivery_id(headers).strip()
            if not delivery or len(delivery) > _MAX_DELIVERY_ID or not delivery.isprintable():
                raise Malformed("the delivery has no id (1 to 180 printable characters)")
            event = scm.event(headers, body)
        except Malformed as error:
            return self._answer("malformed", 400, error=str(error))
        if isinstance(event, Ping):
            return self._answer("ping", 200, answer="pong")
        why = event.reason if isinstance(event, Ignored) else self._desk.starts_nothing(event)
        if why or isinstance(event, Ignored):
            return self._answer("ignored", 200, ignored=why)
        try:
            accepted = await self._inbox.accept(f"{type}:{delivery}", event, self._world.now())
        except FAULTS as error:
            _LOG.error("a delivery can't be stored: %s", error)
            return self._answer("unavailable", 503, error="the delivery can't be stored now; deliver it again later")
        if accepted.fresh:
            self._accepted(accepted.seq, accepted.number)
        self._metrics.deliveries.labels("accepted" if accepted.fresh else "repeated").inc()
        return Response(202 if accepted.fresh else 200, accepted.answer.encode())

    def too_large(self) -> Response:
        """The answer to a body over MAX_BODY_BYTES; the shell may give it before it has read all."""
        return self._answer("too_large", 413, error=f"the body is larger than {MAX_BODY_BYTES >> 20} MiB")

    def too_slow(self) -> Response:
        """The answer to a body that didn't come in time."""
        return self._answer("too_slow", 408, error="the body didn't come in time")

    def too_many(self) -> Response:
        """The answer while as many bodies are being read as may be."""
        return self._answer("too_many", 503, error="too many deliveries arrive at once; deliver it again later")

    def _answer(self, outcome: str, status: int, **document: Any) -> Response:
        self._metrics.deliveries.labels(outcome).inc()
        return Response(status, json.dumps(document).encode())
