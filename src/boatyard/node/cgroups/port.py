"""The port: groups named by a path below one base, the same for both versions. Limits are dictionaries of ``runtime.Limits``.

Imported by type checkers only; see the remark on typing in the modules beside.
"""

from __future__ import annotations

from typing import Any, Protocol


class Cgroups(Protocol):
    """Every method may be called again: making what is there and removing what is gone are no errors."""

    version: int
    enforced: tuple[str, ...]
    """Which of memory, cpu, pids this machine really limits."""

    def record(self) -> dict[str, Any]:
        """What :func:`boatyard.node.cgroups.detect.restore` needs to make this object again."""
        ...

    def create(self, group: str, limits: dict[str, Any]) -> None:
        """Make the group and its parents, with these limits. Raises OSError."""
        ...

    def join(self, group: str) -> None:
        """Move the calling process there. Raises OSError."""
        ...

    def out_of_memory_kills(self, group: str) -> int:
        """How many of its processes the kernel has killed for memory."""
        ...

    def processes(self, group: str) -> list[int]:
        """Of the group and all below it."""
        ...

    def kill(self, group: str) -> None:
        """End every process of the group and of all below it, and don't return before none is left or they can't be killed."""
        ...

    def remove(self, group: str) -> None:
        """The group and all below it, and the base when it was the last; processes still in there keep them alive, silently."""
        ...

    def groups(self) -> list[str]:
        """Names right below the base: whatever pods have left."""
        ...
