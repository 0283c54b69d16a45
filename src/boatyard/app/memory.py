"""Memory that isn't used any more: when it is looked for, and that it goes back to the machine."""

from __future__ import annotations

import ctypes
import gc

from boatyard.machinery.runtime.world import World

SECONDS = 3.0
WHOLE_AFTER = 100
"""Collections of what is young between two of everything: half a minute of full load at least."""


def grow() -> None:
    """From the start on: the collector looks seldom at everything, but for what is young. A look at everything stops the event loop
    (with a thousand watchers for some 80 ms, which all of them wait), and Python would take one whenever a quarter came anew, while
    caches fill again and again. It finds nothing: requests and connections leave nothing that only a collector frees."""
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, WHOLE_AFTER)


def settle() -> None:
    """What is there now stays, but for what the start left behind: the collector needn't look at it again and again."""
    gc.collect()
    gc.freeze()


async def give_back(world: World) -> None:
    """Now and then, for ever. The C library keeps what lies free between what is in use: after a burst of lists that is a quarter
    of a control plane. To give it back takes about a millisecond. Other C libraries than glibc do so themselves."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    while trim is not None:
        await world.sleep(SECONDS)
        trim(0)
