"""The door for artifacts: only with the attempt's token, only below its own prefix, never too much."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

import pytest

from boatyard.ci import artifacts, object_keys
from boatyard.ci.artifacts import receive_artifact
from boatyard.ci.steps.upload import upload_token
from boatyard.machinery.objects.memory import MemoryObjects
from unit.ci.documents import settings


async def pieces(*given: bytes) -> AsyncIterator[bytes]:
    for piece in given:
        yield piece


def token(namespace="team", ciconfig="shop", number=7, attempt=1) -> str:
    return upload_token(object_keys.uploads_key(b"key", namespace, ciconfig), namespace, f"{ciconfig}-{number}", attempt)


async def put(path="team/shop-7/1/dist/a%20b.jar", *body, store=None, authorization="", method="PUT", **headers):
    given = {
        "authorization": authorization or f"Bearer {token()}",
        **{key.replace("_", "-"): value for key, value in headers.items()},
    }
    chosen = settings(object_store=store or MemoryObjects())
    return (await receive_artifact(chosen, method, artifacts.PREFIX + path, given, pieces(*(body or (b"ab", b"c")))))[0]


async def test_a_file_is_stored_under_its_build_and_attempt():
    store = MemoryObjects()
    digest = hashlib.sha256(b"abc").hexdigest()
    assert await put(store=store, content_length="3", x_boatyard_sha256=digest) == 201
    assert await store.get("builds/team/shop/7/artifacts/1/dist/a b.jar") == b"abc"
    assert await put(store=store) == 201


@pytest.mark.parametrize(
    "other", [{"attempt": 2}, {"number": 8}, {"ciconfig": "other"}, {"namespace": "others"}],
)  # fmt: skip
async def test_a_token_opens_one_attempt_only(other):
    assert await put(authorization=f"Bearer {token(**other)}") == 401


@pytest.mark.parametrize("authorization", ["Bearer ", "Bearer x", "Basic abc", "é"])
async def test_without_a_token_nothing_is_taken(authorization):
    assert await put(authorization=authorization) == 401


async def test_without_a_key_of_the_installation_nothing_is_taken():
    status, _ = await receive_artifact(settings(secrets_key=b""), "PUT", artifacts.PREFIX + "team/shop-7/1/a", {}, pieces(b""))
    assert status == 401


@pytest.mark.parametrize(
    "path",
    ["team/shop-7/1/../2/x", "team/shop-7/1/a//b", "team/shop-7/1/%2e%2e/x", "team/shop-7/1/a%00", "team/shop-7/1/",
     "team/shop/1/a",
     "../shop-7/1/a", "team/shop-7/0/a", "team/shop-7/1/" + "a" * 700, "team/shop-7/1/a%5cb", "team/shop-7/1/a%0ab"],
)  # fmt: skip
async def test_paths_that_lead_elsewhere_are_none(path):
    assert await put(path) == 404


async def test_too_much_is_refused_before_or_while_it_comes(monkeypatch):
    monkeypatch.setattr(artifacts, "MAX_BYTES", 4)
    assert await put(content_length="5") == 413
    assert await put("team/shop-7/1/a", b"abc", b"de") == 413


async def test_what_came_must_be_what_was_sent():
    assert await put(content_length="4") == 400
    assert await put(x_boatyard_sha256="0" * 64) == 400


async def test_only_put():
    assert await put(method="GET") == 405


async def test_a_store_that_is_full_is_not_the_callers_fault():
    class Full(MemoryObjects):
        async def put(self, key: str, value: bytes) -> None:
            raise OSError(28, "No space left on device")

    assert await put(store=Full()) == 503
