"""What the audit log says of calls, at every level; and never a Secret or a token."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from boatyard.machinery.client.credentials import Credentials
from boatyard.machinery.registry.rbac import RbacAuthorizer
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.world import RealWorld
from boatyard.machinery.store.memory import MemoryStore
from boatyard.server.audit.audit import Audit
from boatyard.server.audit.log import AuditLog
from boatyard.server.audit.policy import parse
from boatyard.server.auth.pki import Pki
from boatyard.server.server import ApiServer

CANARY = "canary-0815"
MAPS = "/api/v1/namespaces/default/configmaps"
SECRETS = "/api/v1/namespaces/default/secrets"


class Trail:
    """A server that tells everything to a file."""

    def __init__(self, path: Path, server: ApiServer, pki: Pki) -> None:
        self.file, self.address, self._pki = path, server.address, pki
        self.http: aiohttp.ClientSession

    def tls(self, pair: Any = None) -> ssl.SSLContext:
        cert, key = pair or self._pki.admin()
        return Credentials(ca_file=str(self._pki.ca), cert_file=str(cert), key_file=str(key)).tls()

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, str]:
        own = {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        if data is not None:
            own.setdefault("Content-Type", "application/json")
        async with self.http.request(method, path, data=data, headers=own) as response:
            return response.status, await response.read(), response.headers["Audit-Id"]

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.file.read_text().splitlines()] if self.file.exists() else []


@pytest.fixture
async def trail(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Trail]:
    rules = getattr(request, "param", None)
    world = RealWorld()
    registry = Registry(MemoryStore(), world)
    registry.authorizer = RbacAuthorizer(registry)
    await registry.start()
    pki = Pki(tmp_path / "pki", world)
    policy = parse({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", **rules}) if rules else None
    log = AuditLog(tmp_path / "audit.log", world, max_bytes=1 << 20, files=2, days=1)
    server = ApiServer(registry, pki=pki, world=world, audit=Audit(log, world, policy))
    await server.start()
    found = Trail(tmp_path / "audit.log", server, pki)
    async with aiohttp.ClientSession(found.address, connector=aiohttp.TCPConnector(ssl=found.tls())) as http:
        found.http = http
        yield found
    await server.stop()
    log.close()


everything = pytest.mark.parametrize("trail", [{"rules": [{"level": "RequestResponse"}], "omitManagedFields": True}], indirect=True)


async def test_by_itself_changes_and_refusals_are_told(trail: Trail) -> None:
    await trail.ask("POST", MAPS, {"metadata": {"generateName": "a-"}, "data": {"a": CANARY}})
    await trail.ask("GET", MAPS)
    await trail.ask("GET", "/version")
    await trail.ask("GET", f"{MAPS}/a", Impersonate_User="jane")
    await trail.ask("PUT", f"{MAPS}/a", b"{")
    async with aiohttp.ClientSession(trail.address, connector=aiohttp.TCPConnector(ssl=trail.tls())) as http:
        pass
    context = ssl.create_default_context(cafile=str(trail._pki.ca))
    async with aiohttp.ClientSession(trail.address, connector=aiohttp.TCPConnector(ssl=context)) as http, http.get(MAPS):
        pass
    made, refused, broken, unknown = trail.lines()
    assert (made["verb"], made["level"], made["stage"], made["responseStatus"]["code"]) == (
        "create",
        "Metadata",
        "ResponseComplete",
        201,
    )
    assert made["user"]["username"] == "boatyard-admin" and made["sourceIPs"] == ["127.0.0.1"]
    about = made["objectRef"]
    assert about["name"].startswith("a-") and len(about.pop("uid")) == 36
    assert about | {"name": ""} == {"resource": "configmaps", "namespace": "default", "apiVersion": "v1", "name": ""}
    assert made["kind"] == "Event" and made["apiVersion"] == "audit.k8s.io/v1" and made["requestURI"] == MAPS
    assert (refused["responseStatus"]["code"], refused["impersonatedUser"]["username"]) == (403, "jane")
    assert broken["responseStatus"]["reason"] == "BadRequest"
    assert (unknown["user"], unknown["verb"], unknown["responseStatus"]["code"]) == ({}, "list", 401)
    assert CANARY not in trail.file.read_text()


async def test_what_nodes_tell_of_themselves_is_not(trail: Trail) -> None:
    await trail.ask("POST", "/api/v1/nodes", {"metadata": {"name": "n1"}})
    node = aiohttp.TCPConnector(ssl=trail.tls(trail._pki.node("n1")))
    async with aiohttp.ClientSession(trail.address, connector=node) as http:
        for path, code in (("/api/v1/nodes/n1/status", 200), ("/api/v1/nodes/n2/status", 403)):
            headers = {"Content-Type": "application/merge-patch+json"}
            async with http.patch(path, data=b'{"status":{"phase":"Running"}}', headers=headers) as response:
                assert response.status == code
    assert [line["responseStatus"]["code"] for line in trail.lines()] == [201, 403]


@everything
async def test_bodies_are_told_where_the_policy_says_so(trail: Trail) -> None:
    await trail.ask("POST", MAPS, {"metadata": {"name": "a"}, "data": {"a": "b"}})
    await trail.ask("PATCH", f"{MAPS}/a", {"data": {"c": "d"}}, Content_Type="application/merge-patch+json")
    apply = b"apiVersion: v1\nkind: ConfigMap\ndata:\n  e: f\n"
    await trail.ask("PATCH", f"{MAPS}/a?fieldManager=me", apply, Content_Type="application/apply-patch+yaml")
    await trail.ask("GET", f"{MAPS}?watch=1&timeoutSeconds=1")
    made, patched, applied, *watched = trail.lines()
    assert made["requestObject"]["data"] == made["responseObject"]["data"] == {"a": "b"}
    assert "managedFields" not in made["responseObject"]["metadata"]
    assert patched["requestObject"] == {"data": {"c": "d"}} and patched["responseObject"]["data"] == {"a": "b", "c": "d"}
    assert applied["requestObject"]["data"] == {"e": "f"}
    assert [(line["verb"], line["stage"]) for line in watched] == [("watch", "ResponseStarted"), ("watch", "ResponseComplete")]
    assert watched[0]["auditID"] == watched[1]["auditID"]


@everything
async def test_a_secret_is_never_written(trail: Trail) -> None:
    """Neither its body, nor that of a token, at whatever address it is sent, in whatever form, nor an error that quotes it."""
    encoded = base64.b64encode(CANARY.encode()).decode()
    secret = {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "s"}, "data": {"a": encoded}}
    for method, path, body in (
        ("POST", SECRETS, secret),
        ("GET", f"{SECRETS}/s", None),
        ("GET", SECRETS, None),
        ("GET", "/api/v1/secrets", None),
        ("POST", SECRETS, {**secret, "data": {"a": f"no base64 {CANARY}"}}),
        ("POST", SECRETS, {**secret, "metadata": {"name": f"{CANARY} no name"}}),
        ("POST", SECRETS, f'{{"data": {CANARY}'.encode()),
        ("PATCH", f"{SECRETS}/s", {"stringData": {"b": CANARY}}),
        ("POST", MAPS, secret),
        ("POST", MAPS, {"kind": "List", "items": [secret]}),
        ("POST", f"{SECRETS}/s/nothing", secret),
        ("POST", "/apis/apps/v1/namespaces/default/deployments", secret),
        ("DELETE", SECRETS, None),
        ("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {"spec": {"token": CANARY}}),
        ("POST", MAPS, {"kind": "TokenReview", "spec": {"token": CANARY}}),
        ("POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "ci"}}),
    ):
        type = "application/merge-patch+json" if method == "PATCH" else "application/json"
        await trail.ask(method, path, body, Content_Type=type)
    status, answer, _ = await trail.ask("POST", "/api/v1/namespaces/default/serviceaccounts/ci/token", {})
    token = json.loads(answer)["status"]["token"]
    assert status == 201
    await trail.ask("GET", MAPS, Authorization=f"Bearer {token}")
    told = trail.file.read_text()
    assert len(trail.lines()) == 18
    for hidden in (CANARY, encoded, token, token.split(".")[1], token.split(".")[2]):
        assert hidden not in told


@everything
async def test_what_is_no_text_or_no_sense_is_told_as_far_as_it_can_be(trail: Trail) -> None:
    deep = b'{"a":' * 700 + b"1" + b"}" * 700
    for body in (deep, b'{"a":' + b"9" * 5000 + b"}", b"\xff\xfe", b'{"a":"\\ud800"}', b"{"):
        await trail.ask("POST", MAPS, body)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(trail.address.rpartition(":")[2]), ssl=trail.tls())
    writer.write(b"GET /api/%FF HTTP/1.1\r\nHost: x\r\nUser-Agent: \xff\r\nAudit-Id: \xff\r\nConnection: close\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 4")
    writer.close()
    assert [line["verb"] for line in trail.lines()][:5] == ["create"] * 5
    assert all("requestObject" not in line for line in trail.lines()[2:])


@everything
async def test_what_names_a_secret_is_told(trail: Trail) -> None:
    owner = {"apiVersion": "v1", "kind": "Secret", "name": "s", "uid": "u"}
    await trail.ask("POST", MAPS, {"metadata": {"name": "a", "ownerReferences": [owner]}})
    assert trail.lines()[0]["requestObject"]["metadata"]["ownerReferences"] == [owner]


@everything
async def test_large_bodies_are_left_out_and_that_is_said(trail: Trail) -> None:
    await trail.ask("POST", MAPS, {"metadata": {"name": "a"}, "data": {"a": "x" * 300_000}})
    line = trail.lines()[0]
    assert "requestObject" not in line and "bytes" in line["annotations"]["boatyard.dev/omitted"]


@pytest.mark.parametrize(
    "trail",
    [{"rules": [{"level": "None", "verbs": ["create"]}, {"level": "Metadata", "omitStages": ["ResponseStarted"]}]}],
    indirect=True,
)
async def test_the_policy_alone_decides(trail: Trail) -> None:
    await trail.ask("POST", MAPS, {"metadata": {"name": "a"}})
    await trail.ask("GET", f"{MAPS}/a")
    await trail.ask("GET", f"{MAPS}?watch=1&timeoutSeconds=1")
    assert [(line["verb"], line["stage"]) for line in trail.lines()] == [("get", "ResponseComplete"), ("watch", "ResponseComplete")]
    assert all("requestObject" not in line for line in trail.lines())


async def test_every_answer_has_an_id_that_the_caller_may_give(trail: Trail) -> None:
    seen = {(await trail.ask("GET", path))[2] for path in ("/version", MAPS, "/nothing", f"{MAPS}?watch=1&timeoutSeconds=1")}
    assert len(seen) == 4 and all(len(one) == 36 for one in seen)
    assert (await trail.ask("GET", MAPS, Audit_ID="mine"))[2] == "mine"
    assert (await trail.ask("POST", MAPS, {"metadata": {"name": "a"}}, Audit_ID="of this call"))[2] == "of this call"
    assert trail.lines()[0]["auditID"] == "of this call"
