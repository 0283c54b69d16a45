"""The subjects of the store suite."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from boatyard.machinery.store.memory import MemoryStore
from boatyard.machinery.store.sqlite import SqliteStore
from boatyard.machinery.store.store import Store


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    subject = MemoryStore() if request.param == "memory" else await SqliteStore.open(tmp_path / "store.db")
    yield subject
    await subject.close()
