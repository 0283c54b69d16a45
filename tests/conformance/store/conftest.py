"""The subjects of the store suite."""

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from boatyard.machinery.store.keyring import KeyRing
from boatyard.machinery.store.memory import MemoryStore
from boatyard.machinery.store.sealed import SealedStore
from boatyard.machinery.store.sealer import Sealer
from boatyard.machinery.store.sqlite import SqliteStore
from boatyard.machinery.store.store import Store


@pytest.fixture(params=["memory", "sqlite", "sealed"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    subject: Store = MemoryStore() if request.param == "memory" else await SqliteStore.open(tmp_path / "store.db")
    if request.param == "sealed":
        source = random.Random(7)
        subject = SealedStore(subject, Sealer(KeyRing.fresh(source), source), ("/",))
    yield subject
    await subject.close()
