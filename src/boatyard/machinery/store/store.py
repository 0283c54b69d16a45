"""The contract of a store: a log of revisions over keys. It knows bytes, keys and revisions only.

Every commit that changes something gets the next revision; all its operations share it. Keys are ordered by their bytes.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from boatyard.machinery.meta.errors import InternalError


class Record(NamedTuple):
    """A key's current value."""

    key: str
    value: bytes
    created: int
    """Revision at which the key came to be (since its last deletion)."""
    modified: int
    """Revision of its last change: the optimistic lock."""


class Change(NamedTuple):
    """One key's change, as watchers see it."""

    key: str
    value: bytes
    """The new value; of a deletion, the value that was deleted."""
    previous: bytes | None
    """The value before; None when the key was created."""
    revision: int
    created: int
    deleted: bool


class Route(NamedTuple):
    """Which changes a watcher asks for, by a value that they have. Looking up whom a change concerns then costs the same however
    many watchers there are."""

    values: Callable[[Change], Iterable[str]]
    """The values that a change has, each once, before it and after. Must not raise. Routes with the same function are looked up
    together."""
    value: str


Sink: TypeAlias = Callable[[Sequence[Change]], int]
"""Takes changes at once, and says how many: the first of them, whole commits only. Must not raise."""


class Page(NamedTuple):
    """A part of a range, in key order."""

    records: list[Record]
    revision: int
    """The revision this page is true of."""
    remaining: int
    """How many more keys of the range follow; anything above 0 where it wasn't to be counted."""


class Put(NamedTuple):
    """Write ``value``. ``expected`` is the revision the key must have (0: must not exist; None: whatever it has)."""

    key: str
    value: bytes
    expected: int | None = None


class Delete(NamedTuple):
    """Remove the key. ``expected`` as in :class:`Put`; a missing key is a :class:`KeyConflict`."""

    key: str
    expected: int | None = None


Operation: TypeAlias = Put | Delete


class KeyConflict(Exception):
    """The key isn't at the revision that was expected. Nothing of the commit was written."""

    def __init__(self, key: str, expected: int | None, found: int) -> None:
        super().__init__(f"{key}: expected revision {expected}, found {found}")
        self.key, self.expected, self.found = key, expected, found


class Compacted(Exception):
    """The revision asked for is older than the history that is kept."""

    def __init__(self, revision: int, oldest: int) -> None:
        super().__init__(f"revision {revision} is compacted away; the oldest kept is {oldest}")
        self.revision, self.oldest = revision, oldest


class Damaged(InternalError):
    """What is stored isn't what was written; the message says what, where, and the way back. Raised by whatever meets it: wrong
    values are never handed out. As an API error it reaches clients as it is."""


class Store(Protocol):
    """A durable, ordered, watchable map. Reads are answered at once (they don't wait for the writer).

    Everything may raise Damaged.
    """

    @property
    def revision(self) -> int:
        """The revision of the last commit that readers see."""
        ...

    @property
    def history_bytes(self) -> int:
        """How much history there is: keys and values before changes."""
        ...

    def get(self, key: str) -> Record | None: ...

    def range(self, prefix: str, *, after: str = "", limit: int = 0, revision: int = 0, count: bool = True) -> Page:
        """Keys that start with ``prefix`` and follow ``after``, at most ``limit`` (0: all), as of ``revision`` (0: now).

        Without ``count`` the page's ``remaining`` says only whether there is more: counting takes longer the more there is.

        Raises Compacted when ``revision`` is no longer kept.
        """
        ...

    async def commit(self, operations: Sequence[Operation]) -> int:
        """All or nothing. Returns the commit's revision once it is durable; no reader sees it before it is.

        The operations have different keys. Without any, nothing is written and the answer is the current revision.

        Raises KeyConflict, and OSError when it could not be made durable (disk full): then it is not visible and not kept.
        """
        ...

    def watch(
        self, prefix: str, after: int, route: Route | None = None, sink: Sink | None = None
    ) -> AsyncGenerator[list[Change]]:
        """Batches of changes under ``prefix`` with a revision above ``after``, in order, without gaps. An async generator. Changes
        that are not on the ``route`` may be left out.

        While the caller waits for the next batch, it is offered to the ``sink`` first, without a task being woken for it; what the
        sink takes of it isn't yielded.

        Raises Compacted at the first step when ``after`` is older than the history, or later when this watcher fell too far behind.
        """
        ...

    async def compact(self, revision: int) -> None:
        """Forget history up to and including ``revision`` (current values stay)."""
        ...

    async def close(self) -> None: ...
