"""Who may come in, and as whom."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from boatyard.machinery.client.http import HttpClient
from boatyard.machinery.meta.core import CONFIG_MAPS, PODS, SERVICE_ACCOUNTS
from boatyard.machinery.meta.errors import BadRequest, Conflict, Forbidden, Invalid, NotFound, ServiceUnavailable, Unauthorized
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry.authorizer import AllowAll, Decision
from boatyard.machinery.registry.caller import Caller
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.world import RealWorld
from boatyard.server.auth.pki import Pki
from boatyard.server.server import ApiServer


class MastersAndReaders(AllowAll):
    """Administrators may all; everybody else may read config maps. Remembers who asked."""

    def __init__(self) -> None:
        self.callers: list[Caller] = []

    def allows(
        self, caller: Caller, verb: str, resource: Resource, subresource: str = "", namespace: str = "", name: str = "",
        node: str = "",
    ) -> Decision:  # fmt: skip
        self.callers.append(caller)
        allowed = "system:masters" in caller.groups or (resource == CONFIG_MAPS and verb in ("get", "list", "watch"))
        return Decision(allowed)


@pytest.fixture
def authorizer(registry: Registry) -> MastersAndReaders:
    registry.authorizer = MastersAndReaders()
    return registry.authorizer


@asynccontextmanager
async def anybody(server: ApiServer, pki: Pki, **headers: str) -> AsyncIterator[aiohttp.ClientSession]:
    tls = ssl.create_default_context(cafile=str(pki.ca))
    async with aiohttp.ClientSession(server.address, connector=aiohttp.TCPConnector(ssl=tls), headers=headers) as session:
        yield session


@pytest.fixture
async def account(client: HttpClient) -> None:
    await client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "ci", "namespace": "default"}})


async def token(client: HttpClient, **spec: object) -> str:
    answer = await client.create(SERVICE_ACCOUNTS, {"spec": spec}, "default", name="ci", subresource="token")
    return answer["status"]["token"]


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz", "/version"])
async def test_anybody_may_ask_how_it_is(server: ApiServer, pki: Pki, path: str) -> None:
    async with anybody(server, pki) as http, http.get(path) as response:
        assert response.status == 200


@pytest.mark.parametrize("path", ["/", "/api", "/apis", "/openapi/v3", "/api/v1/pods", "/nothing", "/metrics", "/version/x"])
async def test_everything_else_wants_a_name(server: ApiServer, pki: Pki, path: str) -> None:
    async with anybody(server, pki) as http, http.get(path) as response:
        assert response.status == 401
        assert (await response.json())["reason"] == "Unauthorized"


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer a.b.c", "Basic YTpi", "Bearer"])
async def test_a_wrong_proof_is_worse_than_none(server: ApiServer, pki: Pki, header: str) -> None:
    async with anybody(server, pki, Authorization=header) as http, http.get("/api") as response:
        assert response.status == 401


async def test_a_certificate_names_user_and_groups(server: ApiServer, pki: Pki, authorizer: MastersAndReaders) -> None:
    cert, key = pki.node("n1")
    client = HttpClient(server.address, ca_file=str(pki.ca), cert_file=str(cert), key_file=str(key))
    await client.list(CONFIG_MAPS)
    with pytest.raises(Forbidden, match='User "system:node:n1" cannot list resource "pods"'):
        await client.list(PODS)
    assert authorizer.callers[0] == Caller("system:node:n1", ("system:nodes", "system:authenticated"))
    await client.close()


async def test_a_certificate_of_another_authority_is_not_let_in(server: ApiServer, pki: Pki, tmp_path: Path) -> None:
    cert, key = Pki(tmp_path / "other", RealWorld()).admin()
    client = HttpClient(server.address, ca_file=str(pki.ca), cert_file=str(cert), key_file=str(key))
    with pytest.raises(ServiceUnavailable):
        await client.list(CONFIG_MAPS)
    await client.close()


async def test_the_client_knows_its_server(server: ApiServer, tmp_path: Path) -> None:
    client = HttpClient(server.address, ca_file=str(Pki(tmp_path / "other", RealWorld()).ca))
    with pytest.raises(ServiceUnavailable, match="certificate verify failed"):
        await client.list(CONFIG_MAPS)
    await client.close()


@pytest.mark.usefixtures("account")
async def test_a_service_account_comes_with_its_token(
    server: ApiServer, pki: Pki, client: HttpClient, authorizer: MastersAndReaders, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(await token(client))
    bearer = HttpClient(server.address, ca_file=str(pki.ca), token_file=str(file))
    await bearer.list(CONFIG_MAPS)
    assert authorizer.callers[-1].name == "system:serviceaccount:default:ci"
    with pytest.raises(Forbidden):
        await bearer.list(PODS)
    await bearer.close()


@pytest.mark.usefixtures("account")
async def test_a_token_file_is_read_again_when_it_changes(
    server: ApiServer, pki: Pki, client: HttpClient, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("expired")
    bearer = HttpClient(server.address, ca_file=str(pki.ca), token_file=str(file))
    with pytest.raises(Unauthorized):
        await bearer.list(CONFIG_MAPS)
    file.write_text(await token(client))
    await bearer.list(CONFIG_MAPS)
    file.unlink()
    await bearer.list(CONFIG_MAPS)
    await bearer.close()


@pytest.mark.usefixtures("account")
async def test_a_token_ends_with_its_account(server: ApiServer, pki: Pki, client: HttpClient) -> None:
    bearer = HttpClient(server.address, ca_file=str(pki.ca), token=await token(client))
    await bearer.list(CONFIG_MAPS)
    await client.delete(SERVICE_ACCOUNTS, "ci", "default")
    with pytest.raises(Unauthorized):
        await bearer.list(CONFIG_MAPS)
    await bearer.close()


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("spec", "error"),
    [
        ({"expirationSeconds": 5}, Invalid), ({"expirationSeconds": "x"}, BadRequest), ({"expirationSeconds": 1 << 40}, Invalid),
        ({"boundObjectRef": {"kind": "Node", "name": "n"}}, NotFound),
        ({"boundObjectRef": {"kind": "ConfigMap", "name": "n"}}, BadRequest),
        ({"boundObjectRef": {"kind": "Pod", "name": "gone"}}, NotFound),
        ({"boundObjectRef": {"kind": "Secret", "name": "s", "uid": "another"}}, Conflict),
    ],
)  # fmt: skip
async def test_a_wrong_token_request_is_refused(client: HttpClient, spec: dict, error: type[Exception]) -> None:
    await client.create(Resource("", "v1", "secrets", "Secret"), {"metadata": {"name": "s", "namespace": "default"}})
    with pytest.raises(error):
        await token(client, **spec)


@pytest.mark.usefixtures("account")
async def test_who_may_not_make_tokens_gets_none(
    server: ApiServer, pki: Pki, authorizer: MastersAndReaders, client: HttpClient
) -> None:
    bearer = HttpClient(server.address, ca_file=str(pki.ca), token=await token(client))
    with pytest.raises(Forbidden, match='cannot create resource "serviceaccounts/token"'):
        await token(bearer)
    await bearer.close()


async def test_administrators_may_act_as_others(http: aiohttp.ClientSession, authorizer: MastersAndReaders) -> None:
    headers = {"Impersonate-User": "jane", "Impersonate-Group": "dev"}
    async with http.get("/api/v1/configmaps", headers=headers) as response:
        assert response.status == 200
    assert authorizer.callers[-1] == Caller("jane", ("dev", "system:authenticated"))
    async with http.get("/api/v1/pods", headers=headers) as response:
        assert response.status == 403
    async with http.get("/api/v1/configmaps", headers={"Impersonate-User": "system:serviceaccount:a:b"}) as response:
        assert response.status == 200
    assert authorizer.callers[-1].groups == ("system:serviceaccounts", "system:serviceaccounts:a", "system:authenticated")
    async with http.get("/api/v1/configmaps", headers={"Impersonate-Group": "dev"}) as response:
        assert response.status == 400


@pytest.mark.usefixtures("account")
async def test_others_may_not(server: ApiServer, pki: Pki, authorizer: MastersAndReaders, client: HttpClient) -> None:
    bearer = await token(client)
    async with anybody(server, pki, Authorization=f"Bearer {bearer}") as http:
        async with http.get("/api/v1/configmaps", headers={"Impersonate-User": "boatyard-admin"}) as response:
            assert response.status == 403
            assert "cannot impersonate resource" in (await response.json())["message"]


@pytest.mark.usefixtures("account")
async def test_a_secret_that_would_be_a_token_for_ever_gets_none_and_that_is_said(server: ApiServer, pki: Pki) -> None:
    annotations = {"kubernetes.io/service-account.name": "ci"}
    body = {"metadata": {"name": "t", "annotations": annotations}, "type": "kubernetes.io/service-account-token"}
    tls = ssl.create_default_context(cafile=str(pki.ca))
    tls.load_cert_chain(*pki.admin())
    async with aiohttp.ClientSession(server.address, connector=aiohttp.TCPConnector(ssl=tls)) as http:
        async with http.post("/api/v1/namespaces/default/secrets", json=body) as response:
            assert response.status == 201 and "get no token here" in response.headers["Warning"]
            assert "data" not in await response.json()
