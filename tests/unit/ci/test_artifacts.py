"""The door for artifacts: only with the attempt's token, only below its own prefix, never too much."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

import pytest

from boatyard.ci import artifacts, object_keys
from boatyard.ci.artifacts import LEEWAY_SECONDS, Artifacts
from boatyard.ci.steps.upload import TOKEN_SECONDS, upload_token
from boatyard.machinery.objects.memory import MemoryObjects
from boatyard.machinery.runtime.world import RealWorld
from unit.ci.documents import settings


async def pieces(*given: bytes) -> AsyncIterator[bytes]:
    for piece in given:
        yield piece


NOW = 1_800_000_000.0


class Clock(RealWorld):
    def now(self) -> float:
        return NOW


def token(namespace="team", ciconfig="shop", number=7, attempt=1, made=NOW) -> str:
    return upload_token(object_keys.uploads_key(b"key", namespace, ciconfig), namespace, f"{ciconfig}-{number}", attempt, made)


async def put(path="team/shop-7/1/dist/a%20b.jar", *body, store=None, door=None, authorization="", method="PUT", **headers):
    given = {
        "authorization": authorization or f"Bearer {token()}",
        **{key.replace("_", "-"): value for key, value in headers.items()},
    }
    door = door or Artifacts(settings(object_store=store or MemoryObjects()), Clock())
    return (await door.receive(method, artifacts.PREFIX + path, given, pieces(*(body or (b"ab", b"c")))))[0]


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
    door = Artifacts(settings(secrets_key=b""), Clock())
    assert await put("team/shop-7/1/a", door=door) == 401


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (NOW, 201), (NOW - TOKEN_SECONDS, 201), (NOW - TOKEN_SECONDS - LEEWAY_SECONDS - 1, 401), (NOW + LEEWAY_SECONDS, 201),
        (NOW + LEEWAY_SECONDS + 1, 401), (NOW + 10 * 365 * 86400, 401),
    ],
)  # fmt: skip
async def test_a_token_counts_for_a_while(made, code):
    assert await put(authorization=f"Bearer {token(made=made)}") == code


async def test_a_token_can_not_be_made_to_last(monkeypatch):
    until, _, mac = token().partition(".")
    for bad in (f"{int(until) + 1}.{mac}", mac, f".{mac}", f"{until}", f"-{until}.{mac}", f"{until}0.{mac}", f"+{until}.{mac}"):
        assert await put(authorization=f"Bearer {bad}") == 401, bad


async def test_an_attempt_keeps_only_so_much(monkeypatch):
    """Over all its files, also after a restart, and what is replaced counts once."""
    monkeypatch.setattr(artifacts, "MAX_ATTEMPT_BYTES", 10)
    monkeypatch.setattr(artifacts, "MAX_ATTEMPT_FILES", 3)
    store = MemoryObjects()
    door = Artifacts(settings(object_store=store), Clock())
    assert [await put(f"team/shop-7/1/{name}", b"1234", door=door) for name in "aab"] == [201, 201, 201]
    for again in (door, Artifacts(settings(object_store=store), Clock())):
        assert await put("team/shop-7/1/c", b"123", door=again) == 413
        assert await put("team/shop-7/1/a", b"1234", door=again) == 201
        assert await put("team/shop-7/2/c", b"123", door=again, authorization=f"Bearer {token(attempt=2)}") == 201
    assert await put("team/shop-7/1/c", b"1", door=door) == 201
    assert await put("team/shop-7/1/d", b"1", door=door) == 413, "too many files"


async def test_what_the_store_does_not_take_is_not_counted(monkeypatch):
    monkeypatch.setattr(artifacts, "MAX_ATTEMPT_BYTES", 4)

    class Failing(MemoryObjects):
        broken = True

        async def put(self, key: str, value: bytes) -> None:
            if self.broken:
                raise OSError(28, "No space left on device")
            await super().put(key, value)

    store = Failing()
    door = Artifacts(settings(object_store=store), Clock())
    assert await put("team/shop-7/1/a", b"1234", door=door) == 503
    store.broken = False
    assert await put("team/shop-7/1/b", b"1234", door=door) == 201


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
