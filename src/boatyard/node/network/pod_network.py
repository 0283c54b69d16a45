"""The port of this folder, as :mod:`boatyard.node.machine` uses it, and the network of a machine that gives none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from boatyard.machinery.runtime.tasks import TaskGroup
from boatyard.node.runtime import ServiceRoute


class PodNetwork(Protocol):
    """Gives pods addresses. An allocation is a dictionary that travels to the supervisor, which makes the link by it."""

    @property
    def works(self) -> bool:
        """Whether pods can have an address."""
        ...

    @property
    def advice(self) -> tuple[str, ...]:
        """Why not."""
        ...

    @property
    def nameserver(self) -> str:
        """Address of the name server for pods; empty: the host's."""
        ...

    async def start(self, tasks: TaskGroup, taken: Sequence[dict[str, Any]]) -> None:
        """Make what all pods share; ``taken`` are the allocations of pods that live. Raises MachineError."""
        ...

    async def stop(self) -> None:
        """End what runs in this process; the pods' network stays."""
        ...

    def allocate(self, pod_uid: str) -> dict[str, Any] | None:
        """An address and how to reach it; None where there is no network. Raises MachineError when none is free."""
        ...

    def release(self, allocation: dict[str, Any]) -> None:
        """The pod is gone: its link, should it have survived, and its address."""
        ...

    async def set_services(self, routes: Sequence[ServiceRoute]) -> None: ...


class NoNetwork:
    """Every pod uses the host's network."""

    works = False
    advice: tuple[str, ...] = ()
    nameserver = ""

    async def start(self, tasks: TaskGroup, taken: Sequence[dict[str, Any]]) -> None: ...

    async def stop(self) -> None: ...

    def allocate(self, pod_uid: str) -> dict[str, Any] | None:
        return None

    def release(self, allocation: dict[str, Any]) -> None: ...

    async def set_services(self, routes: Sequence[ServiceRoute]) -> None: ...
