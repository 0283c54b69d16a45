"""Lists against a history: exact revisions, and what happens when it is forgotten."""

from __future__ import annotations

import pytest

from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.meta.core import CONFIG_MAPS
from boatyard.machinery.meta.errors import BadRequest, Gone, ServerTimeout
from boatyard.machinery.registry.caller import SYSTEM
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.store.memory import MemoryStore


@pytest.fixture
async def revision(client: EmbeddedClient) -> str:
    """The revision at which c0 to c4 were there."""
    for number in range(5):
        labels = {"odd": str(number % 2)}
        made = await client.create(CONFIG_MAPS, {"metadata": {"name": f"c{number}", "labels": labels}}, "default")
    return made["metadata"]["resourceVersion"]


async def test_exactly_as_it_was(registry: Registry, client: EmbeddedClient, revision: str) -> None:
    await client.delete(CONFIG_MAPS, "c1", "default")
    await client.patch(CONFIG_MAPS, "c2", {"data": {"a": "1"}}, "default")
    page = await registry.list(SYSTEM, CONFIG_MAPS, "default", resource_version=revision, match="Exact")
    assert [obj["metadata"]["name"] for obj in page.items] == [f"c{n}" for n in range(5)]
    assert page.resource_version == revision and "data" not in page.items[2]


async def test_a_page_whose_moment_is_forgotten(
    registry: Registry, client: EmbeddedClient, store: MemoryStore, revision: str
) -> None:
    page = await client.list(CONFIG_MAPS, "default", limit=2)
    await client.create(CONFIG_MAPS, {"metadata": {"name": "c9"}}, "default")
    await store.compact(store.revision)
    with pytest.raises(Gone, match="too old"):
        await client.list(CONFIG_MAPS, "default", limit=2, continue_token=page.continue_token)
    with pytest.raises(Gone):
        await registry.list(SYSTEM, CONFIG_MAPS, "default", resource_version=revision, match="Exact")


async def test_a_revision_that_is_not_there_yet(client: EmbeddedClient) -> None:
    with pytest.raises(ServerTimeout, match="Too large resource version"):
        await client.list(CONFIG_MAPS, "default", resource_version="999999")


async def test_a_page_with_a_selector_skips_no_one(client: EmbeddedClient, revision: str) -> None:
    first = await client.list(CONFIG_MAPS, "default", limit=1, label_selector="odd=1")
    second = await client.list(CONFIG_MAPS, "default", limit=1, label_selector="odd=1", continue_token=first.continue_token)
    assert [obj["metadata"]["name"] for obj in (*first.items, *second.items)] == ["c1", "c3"]
    assert first.remaining is None, "how many more match isn't known without looking"


async def test_a_token_and_a_revision_contradict(client: EmbeddedClient, revision: str) -> None:
    page = await client.list(CONFIG_MAPS, "default", limit=2)
    with pytest.raises(BadRequest):
        await client.list(CONFIG_MAPS, "default", limit=2, continue_token=page.continue_token, resource_version=revision)


async def test_one_by_name_is_found_without_a_scan(client: EmbeddedClient, revision: str) -> None:
    found = await client.list(CONFIG_MAPS, "default", field_selector="metadata.name=c3", label_selector="odd=0")
    assert found.items == []
    found = await client.list(CONFIG_MAPS, "default", field_selector="metadata.name=c3,metadata.namespace=other")
    assert found.items == []
