"""Logs and commands go through to the node, and only for who may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import aiohttp
import pytest

from boatyard.machinery.client.client import ExecResult
from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.client.http import HttpClient
from boatyard.machinery.meta.core import NODES, PODS, SERVICE_ACCOUNTS
from boatyard.machinery.meta.errors import AlreadyExists, BadRequest, NotFound, ServiceUnavailable
from boatyard.machinery.registry.registry import Registry
from boatyard.server.auth.pki import Pki
from boatyard.server.server import ApiServer

from .fake_kubelet import FakeKubelet

POD = "/api/v1/namespaces/default/pods/p"


async def make_pod(client: HttpClient, name: str, *containers: str, node: str = "n1") -> None:
    spec = {"containers": [{"name": c, "image": "x"} for c in containers], "nodeName": node}
    try:
        await client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default", "namespace": "default"}})
    except AlreadyExists:
        pass
    await client.create(PODS, {"metadata": {"name": name, "namespace": "default"}, "spec": spec})


@pytest.fixture
async def kubelet(client: HttpClient, pki: Pki) -> AsyncIterator[FakeKubelet]:
    kubelet = FakeKubelet(pki, "n1")
    await kubelet.start()
    await client.create(NODES, {"metadata": {"name": "n1"}})
    await client.patch(NODES, "n1", {"status": kubelet.status()}, subresource="status")
    await make_pod(client, "p", "main")
    yield kubelet
    await kubelet.stop()


async def test_a_log_is_the_nodes(client: HttpClient, kubelet: FakeKubelet) -> None:
    log = b"".join([chunk async for chunk in client.logs("default", "p", tail_lines=5, timestamps=True)])
    assert log == b"one\n"
    assert kubelet.calls == ["/containerLogs/default/p/main?timestamps=true&tailLines=5"]


async def test_a_log_is_followed_as_it_comes(client: HttpClient, kubelet: FakeKubelet) -> None:
    async with aclosing(client.logs("default", "p", follow=True)) as chunks:
        assert await anext(chunks) == b"one\n"
        kubelet.more.set()
        assert await anext(chunks) == b"two\n"


async def test_who_stops_following_frees_the_node(client: HttpClient, kubelet: FakeKubelet) -> None:
    async with aclosing(client.logs("default", "p", follow=True)) as chunks:
        await anext(chunks)
    await asyncio.wait_for(kubelet.ended.wait(), 30)


async def test_the_nodes_refusal_comes_through(client: HttpClient, kubelet: FakeKubelet) -> None:
    with pytest.raises(BadRequest, match="previous terminated container"):
        async for _ in client.logs("default", "p", previous=True):
            pass


async def test_the_container_must_be_said_when_there_are_several(client: HttpClient, kubelet: FakeKubelet) -> None:
    await make_pod(client, "two", "a", "b")
    with pytest.raises(BadRequest, match=r"choose one of: \[a b\]"):
        await anext(client.logs("default", "two"))
    with pytest.raises(BadRequest, match="container c is not valid for pod two"):
        await anext(client.logs("default", "two", container="c"))


async def test_a_pod_that_was_never_bound_has_an_empty_log(client: HttpClient, kubelet: FakeKubelet) -> None:
    await make_pod(client, "waiting", "main", node="")
    assert [chunk async for chunk in client.logs("default", "waiting")] == []


async def test_a_node_out_of_reach_is_told(client: HttpClient, kubelet: FakeKubelet) -> None:
    await client.create(NODES, {"metadata": {"name": "gone"}})
    await make_pod(client, "lost", "main", node="gone")
    with pytest.raises(ServiceUnavailable, match="doesn't say where"):
        await anext(client.logs("default", "lost"))
    await kubelet.stop()
    with pytest.raises(ServiceUnavailable, match="out of reach"):
        await anext(client.logs("default", "p"))


async def test_a_log_that_breaks_off_is_not_taken_for_whole(client: HttpClient, kubelet: FakeKubelet) -> None:
    async with aclosing(client.logs("default", "p", follow=True)) as chunks:
        await anext(chunks)
        kubelet.breaks = True
        kubelet.more.set()
        with pytest.raises(ServiceUnavailable):
            await anext(chunks)


async def test_another_node_can_not_answer_for_it(client: HttpClient, kubelet: FakeKubelet, pki: Pki) -> None:
    await client.create(NODES, {"metadata": {"name": "other"}})
    await client.patch(NODES, "other", {"status": kubelet.status()}, subresource="status")
    await make_pod(client, "elsewhere", "main", node="other")
    with pytest.raises(ServiceUnavailable, match=r"CERTIFICATE_VERIFY_FAILED|certificate"):
        await anext(client.logs("default", "elsewhere"))
    assert not kubelet.calls


@pytest.mark.parametrize(
    ("command", "stdin", "result"),
    [
        (["echo", "ä b"], b"", ExecResult(0, "echo ä b".encode(), b"")),
        (["exit", "3"], b"", ExecResult(3, b"exit 3", b"")),
        (["cat"], b"x" * 100_000, ExecResult(0, b"cat", b"x" * 100_000)),
    ],
)  # fmt: skip
async def test_a_command_runs(
    client: HttpClient, kubelet: FakeKubelet, command: list[str], stdin: bytes, result: ExecResult
) -> None:
    assert await client.exec("default", "p", command, stdin=stdin) == result


async def test_a_command_that_can_not_run_is_refused(client: HttpClient, kubelet: FakeKubelet) -> None:
    with pytest.raises(NotFound, match="container not found"):
        await client.exec("default", "p", ["missing"])
    with pytest.raises(NotFound, match='pods "nosuch" not found'):
        await client.exec("default", "nosuch", ["x"])


async def test_spdy_is_refused_by_name(http: aiohttp.ClientSession, kubelet: FakeKubelet) -> None:
    headers = {"Upgrade": "SPDY/3.1", "Connection": "Upgrade"}
    async with http.post(f"{POD}/exec", params={"command": "ls"}, headers=headers) as response:
        assert response.status == 400
        assert "not over SPDY: use kubectl 1.30 or newer" in (await response.json())["message"]


async def test_controllers_reach_pods_without_http(
    client: HttpClient, server: ApiServer, registry: Registry, kubelet: FakeKubelet
) -> None:
    embedded = EmbeddedClient(registry, pod_streams=server.pods)
    assert b"".join([chunk async for chunk in embedded.logs("default", "p")]) == b"one\n"
    assert (await embedded.exec("default", "p", ["exit", "7"])).exit_code == 7
