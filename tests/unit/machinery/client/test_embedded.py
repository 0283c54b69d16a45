"""The client inside the process: what is handed in stays the caller's, what is handed out becomes his."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from boatyard.machinery.client.client import ExecResult
from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.meta.core import CONFIG_MAPS
from boatyard.machinery.meta.errors import ServiceUnavailable
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.world import RealWorld
from boatyard.machinery.store.memory import MemoryStore


@pytest.fixture
async def client() -> EmbeddedClient:
    registry = Registry(MemoryStore(), RealWorld())
    await registry.start()
    return EmbeddedClient(registry)


async def test_what_is_handed_out_belongs_to_the_caller(client: EmbeddedClient) -> None:
    made = await client.create(CONFIG_MAPS, {"metadata": {"name": "c"}, "data": {"a": "1"}}, "default")
    made["data"]["a"] = "spoiled"
    (await client.list(CONFIG_MAPS, "default")).items[0]["data"]["a"] = "spoiled"
    assert (await client.get(CONFIG_MAPS, "c", "default"))["data"] == {"a": "1"}


async def test_what_is_handed_in_stays_as_it_is(client: EmbeddedClient) -> None:
    body: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "default"}}
    patch: dict[str, Any] = {"data": {"a": "1"}, "metadata": {"labels": None}}
    await client.create(CONFIG_MAPS, body, "default")
    await client.patch(CONFIG_MAPS, "c", patch, "default")
    await client.update(CONFIG_MAPS, body)
    await client.apply(CONFIG_MAPS, body, field_manager="me")
    assert body == {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "default"}}
    assert patch == {"data": {"a": "1"}, "metadata": {"labels": None}}


async def test_without_a_way_to_the_nodes_there_are_no_logs(client: EmbeddedClient) -> None:
    with pytest.raises(ServiceUnavailable, match="no way to the nodes"):
        await anext(client.logs("default", "p"))
    with pytest.raises(ServiceUnavailable):
        await client.exec("default", "p", ["true"])


async def test_logs_and_commands_go_the_way_to_the_nodes(client: EmbeddedClient) -> None:
    class Streams:
        async def logs(self, namespace: str, pod: str, **options: Any) -> AsyncIterator[bytes]:
            assert (namespace, pod, options["tail_lines"]) == ("default", "p", 3)
            yield b"one\n"
            yield b"two\n"

        async def exec(self, namespace: str, pod: str, command: list[str], *, container: str, stdin: bytes) -> ExecResult:
            return ExecResult(3, stdin, b"")

    client.pod_streams = Streams()
    assert [chunk async for chunk in client.logs("default", "p", tail_lines=3)] == [b"one\n", b"two\n"]
    assert await client.exec("default", "p", ["cat"], stdin=b"x") == ExecResult(3, b"x", b"")
