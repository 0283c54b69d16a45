"""Memory that isn't used any more goes back to the machine."""

from __future__ import annotations

import ctypes

from boatyard.machinery.runtime.world import World

SECONDS = 3.0


async def give_back(world: World) -> None:
    """Now and then, for ever. The C library keeps what lies free between what is in use: after a burst of lists that is a quarter
    of a control plane. To give it back takes about a millisecond. Other C libraries than glibc do so themselves."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    while trim is not None:
        await world.sleep(SECONDS)
        trim(0)
