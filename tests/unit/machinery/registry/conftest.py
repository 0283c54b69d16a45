"""A registry over a memory store, with a clock that stands still."""

from __future__ import annotations

import random
from typing import Any

import pytest

from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.registry.caller import Caller
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.store.memory import MemoryStore


class StillWorld:
    """Time moves when a test says so; the seed says the rest."""

    def __init__(self) -> None:
        self.random: random.Random = random.Random(7)
        self.time = 1_700_000_000.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds

    def uid(self) -> str:
        return f"{self.random.getrandbits(128):032x}"

    def token(self, length: int = 5) -> str:
        return "".join(self.random.choice("bcdfghjklmnpqrstvwxz2456789") for _ in range(length))


@pytest.fixture
def world() -> StillWorld:
    return StillWorld()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
async def registry(store: MemoryStore, world: StillWorld) -> Registry:
    made = Registry(store, world)
    await made.start()
    return made


@pytest.fixture
def client(registry: Registry) -> EmbeddedClient:
    return EmbeddedClient(registry)


@pytest.fixture
def user() -> Any:
    """A caller who is known, and nothing more."""

    def make(name: str, *groups: str) -> Caller:
        return Caller(name, (*groups, "system:authenticated"))

    return make
