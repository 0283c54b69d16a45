"""What is counted."""

from __future__ import annotations

import aiohttp
from prometheus_client import REGISTRY

from boatyard.machinery.client.http import HttpClient
from boatyard.machinery.meta.core import CONFIG_MAPS


def requests(resource: str, code: str) -> float:
    return REGISTRY.get_sample_value("boatyard_api_requests_total", {"method": "GET", "resource": resource, "code": code}) or 0.0


async def test_answers_are_counted_by_served_type(client: HttpClient, http: aiohttp.ClientSession) -> None:
    before, nameless = requests("configmaps", "200"), requests("", "404")
    await client.list(CONFIG_MAPS)
    for path in ("/api/v1/x1", "/api/v1/x2"):
        async with http.get(path) as response:
            assert response.status == 404
    assert requests("configmaps", "200") == before + 1
    assert requests("", "404") == nameless + 2
    async with http.get("/metrics") as response:
        text = await response.text()
    assert 'boatyard_api_requests_total{code="200",method="GET",resource="configmaps"}' in text
    assert "x1" not in text
