"""The two servers that are compared: the embedded one over TLS, without controllers, and a kube-apiserver."""

from __future__ import annotations

import base64
import os
import ssl
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from boatyard.machinery.meta import yaml
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.world import RealWorld
from boatyard.machinery.store.memory import MemoryStore
from boatyard.server.auth.pki import Pki
from boatyard.server.server import ApiServer
from parts import need

from .wire import Wire

AGENT = {"User-Agent": "fuzz/1"}
"""The program's name is the field manager of whoever names none."""


@asynccontextmanager
async def servers() -> AsyncIterator[tuple[Wire, Wire]]:
    """Ways to ours and to the judge."""
    path = os.environ.get("KUBECONFIG_JUDGE", "")
    need(bool(path), "set KUBECONFIG_JUDGE to the kubeconfig of a real cluster")
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        yield await _ours(stack, directory), _judge(stack, Path(path), directory)


async def _ours(stack: AsyncExitStack, directory: Path) -> Wire:
    world = RealWorld()
    registry = Registry(MemoryStore(), world)
    await registry.start()
    pki = Pki(directory / "pki", world)
    server = ApiServer(registry, pki=pki, world=world)
    await server.start()
    stack.push_async_callback(server.stop)
    tls = ssl.create_default_context(cafile=str(pki.ca))
    tls.load_cert_chain(*pki.admin())
    wire = Wire("127.0.0.1", server.port, tls, AGENT)
    stack.push_async_callback(wire.close)
    return wire


def _judge(stack: AsyncExitStack, kubeconfig: Path, directory: Path) -> Wire:
    config: Any = yaml.load(kubeconfig.read_bytes())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    address = urlsplit(cluster["server"])
    tls = ssl.create_default_context(cafile=_file(cluster, "certificate-authority", directory))
    headers = dict(AGENT)
    if user.get("token"):
        headers["Authorization"] = f"Bearer {user['token']}"
    else:
        tls.load_cert_chain(_file(user, "client-certificate", directory), _file(user, "client-key", directory))
    wire = Wire(address.hostname or "", address.port or 443, tls, headers)
    stack.push_async_callback(wire.close)
    return wire


def _file(entry: dict[str, str], name: str, directory: Path) -> str:
    """The file that an entry of a kubeconfig names or holds."""
    if entry.get(name):
        return entry[name]
    path = directory / name
    path.write_bytes(base64.b64decode(entry[f"{name}-data"]))
    path.chmod(0o600)
    return str(path)
