"""The CI server over HTTP: addresses, pages, streams, buttons, and who may."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from boatyard.ci.scm.scm import sign_hmac_sha256
from boatyard.ciserver.bodies import Bodies, TooMany
from boatyard.ciserver.deliveries import MAX_BODY_BYTES
from boatyard.ciserver.web import Web

A, B = "a" * 40, "b" * 40
EVIL = "<script>alert(1)</script>"


class Site:
    """A CI server that listens, and a browser without a mind of its own."""

    def __init__(self, world: Any, url: str, http: aiohttp.ClientSession) -> None:
        self.world, self.url, self.http = world, url, http

    async def get(self, path: str, **headers: str) -> tuple[int, str, Any]:
        async with self.http.get(self.url + path, headers=headers) as answer:
            return answer.status, await answer.text(), answer.headers

    async def post(self, path: str, form: dict[str, str], **headers: str) -> aiohttp.ClientResponse:
        async with self.http.post(self.url + path, data=form, headers=headers, allow_redirects=False) as answer:
            await answer.read()
            return answer


@contextlib.asynccontextmanager
async def opened(world: Any) -> AsyncIterator[Site]:
    """As the gateway sees it."""
    server = await world.start()
    shell = Web(server, world.clock)
    task = asyncio.create_task(shell.run())
    await world.until(lambda: shell.port)
    async with aiohttp.ClientSession(headers={"X-Boatyard-Gateway-Token": "t0ken"}) as http:
        yield Site(world, f"http://127.0.0.1:{shell.port}", http)
    task.cancel()
    await asyncio.wait((task,))


@pytest.fixture
async def site(world) -> AsyncIterator[Site]:
    async with opened(world) as made:
        yield made


async def test_the_same_pages_by_path_and_by_host(site):
    for base in ("", "/ci/team/shop"):
        status, text, headers = await site.get(base + "/")
        assert status == 200 and "No builds yet" in text and f'href="{base}/static/style.css"' in text
        assert "script-src 'self'" in headers["Content-Security-Policy"] and headers["X-Content-Type-Options"] == "nosniff"
        assert (await site.get(base + "/static/page.js"))[0] == 200
        assert (await site.get(base + "/healthz"))[1] == "ok\n"
    assert (await site.get("/ci/team/shop"))[0] == 200
    assert (await site.get("/ci/team/shopping"))[0] == 404


@pytest.mark.parametrize(
    "path", ["/builds/0", "/builds/1", "/builds/x", "/static/../web.py", "/static/none.css", "/x", "/builds/1/log/build"]
)
async def test_what_is_not_there(site, path: str):
    assert (await site.get(path))[0] == 404


async def test_the_page_of_a_build_that_is_not_there_leads_to_those_that_are(site):
    status, text, headers = await site.get("/ci/team/shop/builds/99")
    assert status == 404 and "There is no build 99" in text and '<a href="/ci/team/shop">All builds</a>' in text
    assert "script-src 'self'" in headers["Content-Security-Policy"]


async def test_a_webhook_over_http(site):
    site.world.repository.pipelines[A] = "spec:\n  steps: [{name: a, run: b}]\n"
    body = json.dumps({"ref": "refs/heads/main", "after": A, "repository": {"full_name": "team/shop"}}).encode()
    headers = {
        "X-Gitea-Event": "push",
        "X-Gitea-Delivery": "1",
        "X-Gitea-Signature": sign_hmac_sha256(b"hook secret", body),
        "Content-Type": "application/json",
    }
    async with site.http.post(f"{site.url}/ci/team/shop/hooks/gitea", data=body, headers=headers) as answer:
        assert (answer.status, (await answer.json())["build"]) == (202, "shop-1")
    async with site.http.get(f"{site.url}/hooks/gitea") as answer:
        assert answer.status == 405
    await site.world.build("shop-1")
    assert 'boatyard_webhook_deliveries_total{outcome="accepted"} 1.0' in (await site.get("/metrics"))[1]


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(site):
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * (1 << 20)

    with contextlib.suppress(aiohttp.ClientError):
        async with site.http.post(f"{site.url}/hooks/gitea", data=endless()) as answer:
            assert answer.status == 413
    async with site.http.post(f"{site.url}/hooks/gitea", data=b"x", headers={"Content-Length": str(1 << 40)}) as answer:
        assert answer.status == 413
    assert 'outcome="too_large"' in (await site.get("/metrics"))[1]


async def finished(world: Any) -> None:
    await world.push(A, pipeline=f"spec:\n  steps: [{{name: test, run: 'echo \"{EVIL}\"'}}]\n")
    await world.build("shop-1")
    await world.becomes(
        "shop-1", "Failed", reason="TestsFailed", message=EVIL, startedAt="2026-01-01T00:00:00Z", finishedAt="2026-01-01T00:03:20Z",
        attempts=[{"number": 1, "pod": "shop-1", "outcome": "Lost", "message": EVIL}, {"number": 2, "pod": "shop-1-r2"}],
        tests={"counts": {"total": 3, "failed": 1}, "failures": [{"name": EVIL, "message": f'"{EVIL}\''}]},
        artifacts=[{"path": f"dist/{EVIL}", "sizeBytes": 10}],
    )  # fmt: skip
    await world.until(lambda: world.server.builds.get("shop-1", "team").get("status", {}).get("phase") == "Failed")


async def test_a_finished_build_shows_everything_and_nothing_of_it_is_markup(site):
    await finished(site.world)
    status, text, _ = await site.get("/builds/1")
    assert status == 200 and EVIL not in text and text.count("&lt;script&gt;") >= 4
    for word in ("TestsFailed", "3 min 20 s", "1 failed", "Attempts", "Build again", "Commit aaaa", "Ann"):
        assert word in text
    assert "Cancel<" not in text
    _, text, _ = await site.get("/")
    assert "1 of 3 tests failed" in text and "attempt 2" in text


async def test_a_delivery_that_waits_for_its_repository_is_on_the_page(site):
    site.world.repository.available = False
    await site.world.push(A)
    await site.world.until(lambda: site.world.server.waiting)
    _, text, _ = await site.get("/")
    assert "#1 waits: the repository is switched off" in text and "No builds yet" not in text


async def test_the_list_goes_back_page_by_page(site):
    for number in range(1, 36):
        await site.world.push(f"{number:040x}")
        await site.world.build(f"shop-{number}")
    await site.world.until(lambda: len(site.world.server.builds.list()) == 35)
    _, text, _ = await site.get("/")
    assert "#35<" in text and "#5<" not in text and "?before=6" in text
    _, text, _ = await site.get("/?before=6")
    assert "#5<" in text and "#6<" not in text
    assert (await site.get("/?before=nonsense"))[0] == 200


async def token_of(site: Site, path: str, **headers: str) -> str:
    found = re.search(r'name="token" value="([0-9a-f]+)"', (await site.get(path, **headers))[1])
    assert found
    return found[1]


async def test_cancel_and_build_again_need_the_pages_own_token(site):
    await site.world.push(A)
    await site.world.build("shop-1")
    await site.world.until(lambda: site.world.server.living(1))
    token = await token_of(site, "/builds/1")
    right = {"token": token}
    for form, headers in (
        ({}, {}),
        ({"token": "0" * 64}, {}),
        (right, {"Sec-Fetch-Site": "cross-site"}),
        (right, {"X-Boatyard-User": "b"}),
    ):
        assert (await site.post("/builds/1/cancel", form, **headers)).status == 403
    answer = await site.post("/ci/team/shop/builds/1/cancel", {"token": token})
    assert (answer.status, answer.headers["Location"]) == (303, "/ci/team/shop/builds/1")
    build = await site.world.build("shop-1")
    assert "from the page" in build["metadata"]["annotations"]["boatyard.dev/cancel"]
    await site.world.becomes("shop-1", "Cancelled")
    answer = await site.post("/builds/1/retry", {"token": token, "request": "1"})
    assert (answer.status, answer.headers["Location"]) == (303, "/builds/2")
    assert (await site.post("/builds/99/cancel", {"token": token})).status == 404


async def test_only_the_gateway_gets_in_but_for_webhooks_and_health(site):
    async with aiohttp.ClientSession() as http:
        stranger = Site(site.world, site.url, http)
        assert (await stranger.get("/"))[0] == 403
        assert (await stranger.get("/", **{"X-Boatyard-Gateway-Token": "wrong"}))[0] == 403
        assert (await stranger.get("/", **{"X-Boatyard-Gateway-Token": "t0ken"}))[0] == 200
        assert (await stranger.get("/healthz"))[0] == 200
        async with http.post(f"{site.url}/hooks/gitea", data=b"{}") as answer:
            assert answer.status == 401


async def test_a_webhook_whose_body_is_too_long_or_one_of_too_many_is_told_so(site, monkeypatch):
    async with site.http.post(f"{site.url}/hooks/gitea", data=b"x" * (MAX_BODY_BYTES + 1)) as answer:
        assert answer.status == 413
    monkeypatch.setattr(Bodies, "read", refuse)
    async with site.http.post(f"{site.url}/hooks/gitea", data=b"{}") as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")


@contextlib.asynccontextmanager
async def refuse(*arguments: object) -> AsyncIterator[bytes]:
    raise TooMany
    yield b""


async def events(answer: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, str, Any]]:
    """(event, id, data) of a stream."""
    kind = id = ""
    async for raw in answer.content:
        name, _, value = raw.decode().rstrip("\n").partition(": ")
        if name == "event":
            kind = value
        elif name == "id":
            id = value
        elif name == "data":
            yield kind, id, json.loads(value)
        elif not name:
            kind = id = ""


async def test_a_log_as_events_goes_on_where_the_browser_left(site):
    world = site.world
    await world.push(A)
    await world.build("shop-1")
    await world.pod("shop-1", {"build": "running"})
    world.pods.write("shop-1", "build", "grün ".encode() + "ß".encode()[:1])
    url, accept = f"{site.url}/builds/1/log/build?follow=1", {"Accept": "text/event-stream"}
    async with site.http.get(url, headers=accept) as answer:
        stream = events(answer)
        kind, id, data = await anext(stream)
        assert (kind, id, data) == ("", "1:6", {"attempt": 1, "text": "grün "})
    world.pods.write("shop-1", "build", "ß".encode()[1:] + b"\xff\n")
    async with site.http.get(url, headers={**accept, "Last-Event-ID": "1:6"}) as answer:
        assert (await anext(events(answer)))[2]["text"] == "ß\ufffd\n"


async def test_a_log_as_plain_text(site):
    await site.world.push(A)
    await site.world.build("shop-1")
    await site.world.objects.put("1/logs/1/build/000000000000", b"<b>\x1b[1mraw\n")
    status, text, headers = await site.get("/builds/1/log/build")
    assert (status, text) == (200, "<b>\x1b[1mraw\n")
    assert headers["Content-Type"].startswith("text/plain") and "sandbox" in headers["Content-Security-Policy"]
    assert (await site.get("/builds/1/log/build?tail=4"))[1] == "raw\n"
    assert (await site.get("/builds/1/log/build?offset=3&attempt=1"))[1] == "\x1b[1mraw\n"


async def test_a_builds_page_follows_facts_and_all_logs_in_one_stream(site):
    world = site.world
    await world.push(A)
    await world.build("shop-1")
    async with site.http.get(f"{site.url}/builds/1/events") as answer:
        stream = events(answer)
        assert (await anext(stream))[2]["id"] == "facts"
        await world.pod("shop-1", {"source": "running", "build": "waiting"})
        world.pods.write("shop-1", "source", b"Fetching\n", end=True)
        seen: list[tuple[str, Any]] = []

        async def until(true: Any) -> None:
            async with asyncio.timeout(30):
                while not any(true(kind, data) for kind, data in seen):
                    kind, _, data = await anext(stream)
                    seen.append((kind, data))

        await until(lambda kind, data: kind == "log" and data == {"container": "source", "attempt": 1, "text": "Fetching\n"})
        await world.pod("shop-1", {"source": "terminated", "build": "terminated"})
        await world.becomes("shop-1", "Succeeded")
        await until(lambda kind, data: kind == "part" and "Succeeded" in data["html"])
        await until(lambda kind, data: kind == "end")


async def test_the_list_follows(site):
    async with site.http.get(f"{site.url}/events") as answer:
        stream = events(answer)
        assert "No builds yet" in (await anext(stream))[2]["html"]
        await site.world.push(A)
        async with asyncio.timeout(30):
            assert "Commit aaaa" in (await anext(stream))[2]["html"]


async def test_artifacts_are_bytes_to_save_whatever_they_are(site):
    await site.world.push(A)
    await site.world.build("shop-1")
    await site.world.objects.put("1/artifacts/1/dist/page.html", EVIL.encode())
    status, text, headers = await site.get("/builds/1/artifacts/1/dist/page.html")
    assert (status, text) == (200, EVIL)
    assert (
        headers["Content-Type"] == "application/octet-stream"
        and headers["Content-Disposition"] == 'attachment; filename="page.html"'
    )
    for path in ("/builds/1/artifacts/1/none", "/builds/1/artifacts/1/..%2F..%2F..%2Fx", "/builds/1/artifacts/1/a%00b"):
        assert (await site.get(path))[0] == 404
