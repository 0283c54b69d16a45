"""How long history is kept, and how much of it."""

from __future__ import annotations

import logging
from collections import deque

from boatyard.machinery.meta.errors import ApiError
from boatyard.machinery.runtime.world import World
from boatyard.machinery.store.store import Store

log = logging.getLogger(__name__)

HISTORY_SECONDS = 300.0
"""How long a watch may be away and still go on where it was (Kubernetes' default compaction interval)."""
HISTORY_BYTES = 256 * 1024 * 1024
"""How much history there may be before it is forgotten sooner."""
LEAST_SHARE = 20
"""However much it is, a twentieth of the time is kept: a watch that is away for a moment never has to list anew."""
LOOKS = 30
"""How often it is looked at in the time that history is kept."""


async def forget_history(store: Store, world: World, seconds: float = HISTORY_SECONDS, most_bytes: int = HISTORY_BYTES) -> None:
    """Forget, for ever, history that is older than ``seconds``, and sooner what is more than ``most_bytes``."""
    marks = deque([(world.monotonic(), store.revision)])
    while True:
        await world.sleep(seconds / LOOKS)
        now = world.monotonic()
        marks.append((now, store.revision))
        try:
            old = 0
            while now - marks[0][0] >= seconds:
                old = marks.popleft()[1]
            if old:
                await store.compact(old)
            while store.history_bytes > most_bytes and now - marks[0][0] >= seconds / LEAST_SHARE:
                await store.compact(marks.popleft()[1])
        except (OSError, ApiError) as error:
            log.warning("history is not compacted: %s", error)
