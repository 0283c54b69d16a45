"""Whatever goes wrong in the node's own API, its caller hears a Status, and of what broke only its kind."""

from __future__ import annotations

import ssl
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from boatyard.machinery.runtime.world import RealWorld
from boatyard.node.kubelet.api import KubeletApi
from boatyard.node.kubelet.serving import Serving
from boatyard.server.auth.pki import Pki


def broken(*_: Any) -> Any:
    raise ZeroDivisionError("of canary-1234")


@pytest.mark.parametrize(
    ("method", "path", "code", "reason"),
    [
        ("GET", "/pods", 500, "InternalError"),
        ("GET", "/containerLogs/a/b/c", 500, "InternalError"),
        ("POST", "/exec/a/b/c", 500, "InternalError"),
        ("GET", "/nothing", 404, "NotFound"),
        ("GET", "/exec/a", 404, "NotFound"),
        ("DELETE", "/pods", 405, "MethodNotAllowed"),
    ],
)
async def test_a_status_for_every_fault(tmp_path: Path, method: str, path: str, code: int, reason: str) -> None:
    pki = Pki(tmp_path, RealWorld())
    cert, key = pki.node("n1", ["127.0.0.1"])
    agent: Any = SimpleNamespace(runtime=None, world=RealWorld(), pods=SimpleNamespace(list=broken, get=broken))
    api = KubeletApi(agent, Serving(str(cert), str(key), str(pki.ca)))
    port = await api.start()
    tls = ssl.create_default_context(cafile=str(pki.ca))
    tls.load_cert_chain(*pki.kubelet_client())
    try:
        async with aiohttp.ClientSession(f"https://127.0.0.1:{port}", connector=aiohttp.TCPConnector(ssl=tls)) as http:
            async with http.request(method, path) as response:
                told = await response.json()
    finally:
        await api.stop()
    assert (response.status, told["kind"], told["code"], told["reason"]) == (code, "Status", code, reason)
    assert "canary" not in str(told)
