"""How long history is kept."""

from __future__ import annotations

import logging

from boatyard.machinery.runtime.world import World
from boatyard.machinery.store.store import Store

log = logging.getLogger(__name__)

HISTORY_SECONDS = 300.0
"""How long a watch may be away and still go on where it was (Kubernetes' default compaction interval)."""


async def forget_history(store: Store, world: World, seconds: float = HISTORY_SECONDS) -> None:
    """Forget, for ever, history that is older than ``seconds``; up to twice that is kept."""
    before = store.revision
    while True:
        await world.sleep(seconds)
        try:
            await store.compact(before)
        except OSError as error:
            log.warning("history is not compacted: %s", error)
        before = store.revision
