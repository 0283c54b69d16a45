"""Every door of the product, open on this machine: the API server, a node agent's own API, the front door, a CI server's port.

Canaries lie where secrets lie: whatever finds one in an answer or a log has found a leak.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import aiohttp

from boatyard.ciserver.deliveries import Response
from boatyard.ciserver.web import Web
from boatyard.gateway.front import Gateway
from boatyard.gateway.sessions import Sessions
from boatyard.machinery.client.credentials import Credentials
from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.meta.core import CONFIG_MAPS, NAMESPACES, NODES, PODS, SECRETS, SERVICE_ACCOUNTS
from boatyard.machinery.meta.errors import NotFound
from boatyard.machinery.objects.memory import MemoryObjects
from boatyard.machinery.registry.rbac import RbacAuthorizer
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.settings import Settings
from boatyard.machinery.runtime.world import RealWorld
from boatyard.machinery.store.memory import MemoryStore
from boatyard.node.kubelet.api import KubeletApi
from boatyard.node.kubelet.serving import Serving
from boatyard.server.audit.audit import Audit
from boatyard.server.audit.log import AuditLog
from boatyard.server.audit.policy import parse
from boatyard.server.auth.pki import Pki
from boatyard.server.auth.tokens import ServiceAccountTokens
from boatyard.server.server import ApiServer

CANARY = "canary-4711-of-a-secret"
ENCODED = base64.b64encode(CANARY.encode()).decode()
TEAM, OTHER = "team", "other"


class Moved(RealWorld):
    """A world whose clock is elsewhere."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def now(self) -> float:
        return super().now() + self._seconds


class Credential(NamedTuple):
    """What a caller shows. ``enters`` is False when not even the TLS handshake lets it in."""

    name: str
    pair: Any = None
    token: str = ""
    enters: bool = True


class Runtime:
    """Of a node whose containers are all gone."""

    def __getattr__(self, name: str) -> Any:
        raise NotFound("the container is gone")


class Deliveries:
    """Of a CI server that believes nobody."""

    async def handle_delivery(self, type: str, headers: Any, body: bytes) -> Response:
        return Response(401, b"{}")

    def too_large(self) -> Response:
        return Response(413, b"{}")

    too_slow = too_many = too_large


class House:
    """See :func:`opened`."""

    def __init__(self, path: Path) -> None:
        self.path, self.world = path, RealWorld()
        self.pki = Pki(path / "pki", self.world)
        self.client: EmbeddedClient
        self.api: ApiServer
        self.kubelet_url = self.gateway_url = self.ciserver_url = ""

    def secrets(self) -> dict[str, bytes]:
        """Everything that no answer and no log may hold, by what it is."""
        keys = {
            str(file.name): b"".join(file.read_bytes().splitlines()[1:-1])[:40]
            for file in sorted((self.path / "pki").glob("*.key"))
        }
        raw = {file.name: file.read_bytes() for file in sorted((self.path / "pki").glob("*.secret"))}
        return {"canary": CANARY.encode(), "canary in base64": ENCODED.encode(), **keys, **raw}

    @contextlib.asynccontextmanager
    async def session(self, url: str, shown: Credential) -> AsyncIterator[aiohttp.ClientSession]:
        tls = ssl.create_default_context(cafile=str(self.pki.ca))
        tls.check_hostname = False
        if shown.pair is not None:
            tls.load_cert_chain(*shown.pair)
        headers = {"Authorization": f"Bearer {shown.token}"} if shown.token else {}
        connector = aiohttp.TCPConnector(ssl=tls)
        async with aiohttp.ClientSession(url, connector=connector, headers=headers, auto_decompress=False) as session:
            yield session

    async def token(self, namespace: str, name: str, **options: Any) -> str:
        account = await self.client.get(SERVICE_ACCOUNTS, name, namespace)
        minter: Any = options.pop("minter", None) or self.api.tokens
        return minter.issue(account, **options).token

    async def strangers(self) -> list[Credential]:
        """Whoever must hear 401, or nothing at all."""
        tokens = self.api.tokens
        before = ServiceAccountTokens(self.pki.signing_key(), self.api._registry.ledger.object, Moved(-7200))
        forged = ServiceAccountTokens(Pki(self.path / "forger", self.world).signing_key(), lambda *_: None, self.world)
        await self.client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "former", "namespace": TEAM}})
        former = await self.token(TEAM, "former")
        await self.client.delete(SERVICE_ACCOUNTS, "former", TEAM)
        good = (await self.token(TEAM, "worker")).split(".")
        unsigned = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
        foreign = Pki(self.path / "foreign", self.world)
        late = Pki(self.path / "pki", Moved(-2 * 365 * 86400))
        assert tokens is not None
        return [
            Credential("nothing"),
            Credential("a word", token="nonsense"),
            Credential("an expired token", token=await self.token(TEAM, "worker", minter=before)),
            Credential("a token for others", token=await self.token(TEAM, "worker", audiences=("vault",))),
            Credential("a deleted account's token", token=former),
            Credential("a forger's token", token=await self.token(TEAM, "worker", minter=forged)),
            Credential("an unsigned token", token=f"{unsigned}.{good[1]}."),
            Credential("a changed token", token=f"{good[0]}.{good[1][:-4]}AAAA.{good[2]}"),
            Credential("another authority's certificate", foreign.admin(), enters=False),
            Credential("an expired certificate", late.node("gone"), enters=False),
        ]

    async def neighbours(self) -> list[Credential]:
        """Who is known, and has no right to anything of the team's."""
        return [
            Credential("another namespace's account", token=await self.token(OTHER, "worker")),
            Credential("another node", self.pki.node("n2")),
            Credential("the kubelet client", self.pki.kubelet_client()),
        ]


@contextlib.asynccontextmanager
async def opened(path: Path) -> AsyncIterator[House]:
    house = House(path)
    registry = Registry(MemoryStore(), house.world)
    await registry.start()
    registry.authorizer = RbacAuthorizer(registry)
    house.client = client = EmbeddedClient(registry)
    for name in (TEAM, OTHER):
        await client.create(NAMESPACES, {"metadata": {"name": name}})
        await client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "worker", "namespace": name}})
    secret = {"metadata": {"name": "there", "namespace": TEAM}, "data": {"password": ENCODED}}
    await client.create(SECRETS, secret)
    await client.create(CONFIG_MAPS, {"metadata": {"name": "there", "namespace": TEAM}, "data": {"a": "b"}})
    for name in ("n1", "n2"):
        await client.create(NODES, {"metadata": {"name": name}})
    mount = {"name": "s", "secret": {"secretName": "there"}}
    container = {"name": "main", "image": "x", "env": [{"name": "TOKEN", "value": CANARY}]}
    pod = {
        "metadata": {"name": "there", "namespace": TEAM},
        "spec": {"nodeName": "n1", "containers": [container], "volumes": [mount]},
    }
    made = await client.create(PODS, pod)
    everything = parse({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "RequestResponse"}]})
    told = AuditLog(path / "audit.log", house.world, max_bytes=64 << 20, files=1, days=1)
    house.api = ApiServer(registry, pki=house.pki, world=house.world, audit=Audit(told, house.world, everything))
    await house.api.start()
    agent: Any = SimpleNamespace(
        runtime=Runtime(),
        world=house.world,
        pods=SimpleNamespace(list=lambda: [made], get=lambda name, where: made if (name, where) == ("there", TEAM) else None),
    )
    cert, key = house.pki.node("n1", ["127.0.0.1"])
    kubelet = KubeletApi(agent, Serving(str(cert), str(key), str(house.pki.ca)))
    house.kubelet_url = f"https://127.0.0.1:{await kubelet.start()}"
    settings = Settings(object_store=MemoryObjects(), secrets_key=CANARY.encode())
    sessions = Sessions(CANARY.encode(), path / "used", house.world)
    cert, key = house.pki.server(["127.0.0.1"])
    gateway = Gateway(client, house.world, settings, addresses=["127.0.0.1"], port=0, certificate=cert, key=key, sessions=sessions)
    ciserver: Any = SimpleNamespace(
        environment=SimpleNamespace(gateway_token=CANARY, base_path="/ci/team/shop", host="127.0.0.1", port=0),
        deliveries=Deliveries(),
        ready=True,
    )
    shell = Web(ciserver, house.world)
    running = [asyncio.ensure_future(gateway.run()), asyncio.ensure_future(shell.run())]
    await gateway.ready()
    while not shell.port:
        await asyncio.sleep(0.005)
    house.gateway_url = f"https://127.0.0.1:{gateway.ports['127.0.0.1']}"
    house.ciserver_url = f"http://127.0.0.1:{shell.port}"
    try:
        yield house
    finally:
        for task in running:
            task.cancel()
        await asyncio.wait(running)
        await kubelet.stop()
        await house.api.stop()


def tls_of(house: House) -> ssl.SSLContext:
    """As the administrator."""
    cert, key = house.pki.admin()
    return Credentials(ca_file=str(house.pki.ca), cert_file=str(cert), key_file=str(key)).tls()
