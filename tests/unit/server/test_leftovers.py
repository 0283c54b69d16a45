"""What requests leave behind: nothing that waits for Python's collector, which seldom looks at everything."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator

import aiohttp
import pytest

from boatyard.server.call import Call

MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture
def uncollected() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def no_call_is_left() -> None:
    async with asyncio.timeout(60):
        while any(isinstance(found, Call) for found in gc.get_objects()):
            await asyncio.sleep(0.01)


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize(("method", "path", "status"), [("GET", MAPS, 200), ("GET", f"{MAPS}/missing", 404), ("POST", MAPS, 415)])
async def test_an_answer_and_a_refusal_leave_nothing(http: aiohttp.ClientSession, method: str, path: str, status: int) -> None:
    for _ in range(3):
        async with http.request(method, path) as response:
            assert response.status == status
            await response.read()
    await no_call_is_left()


@pytest.mark.usefixtures("uncollected")
async def test_a_watcher_who_goes_leaves_nothing(http: aiohttp.ClientSession) -> None:
    async with http.get(MAPS, params={"watch": "true"}) as response:
        assert response.status == 200
        assert any(isinstance(found, Call) for found in gc.get_objects())
    await no_call_is_left()
