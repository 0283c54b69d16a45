"""What a webhook may do wrong, and what it is told."""

from __future__ import annotations

import json

import pytest

from boatyard.ciserver.deliveries import MAX_BODY_BYTES

A = "a" * 40


def counted(world, outcome: str) -> float:
    return world.server.metrics.registry.get_sample_value("boatyard_webhook_deliveries_total", {"outcome": outcome}) or 0


async def refused(world, status: int, outcome: str, event: str, body: bytes, delivery: str = "d", **headers: str) -> str:
    answer = await world.deliver(event, body, delivery, **headers)
    assert answer.status == status and counted(world, outcome) == 1
    assert await world.builds() == {} and await world.server.inbox.open() == []
    return json.loads(answer.body).get("error", "")


PUSH = json.dumps({"ref": "refs/heads/main", "after": A, "repository": {"full_name": "team/shop"}}).encode()


async def test_unsigned(world):
    await world.start()
    await refused(world, 401, "unsigned", "push", PUSH, **{"x-gitea-signature": ""})


async def test_a_signature_of_somebody_else(world):
    await world.start()
    await refused(world, 403, "bad_signature", "push", PUSH, **{"x-gitea-signature": "0" * 64})


async def test_nothing_of_a_badly_signed_body_is_read(world):
    await world.start()
    await refused(world, 403, "bad_signature", "push", b"\xff{not json", **{"x-gitea-signature": "0" * 64})


async def test_malformed(world):
    await world.start()
    assert "not JSON" in await refused(world, 400, "malformed", "push", b"{")


async def test_a_field_of_the_wrong_kind_is_named(world):
    await world.start()
    assert (await refused(world, 400, "malformed", "push", PUSH.replace(b"refs/heads/main", b"refs/heads/a b"))).startswith("ref:")


@pytest.mark.parametrize("delivery", ["", "x" * 300, "two\nlines"])
async def test_without_a_usable_delivery_id(world, delivery: str):
    await world.start()
    assert "id" in await refused(world, 400, "malformed", "push", PUSH, delivery)


async def test_too_large(world):
    await world.start()
    await refused(world, 413, "too_large", "push", b" " * (MAX_BODY_BYTES + 1))


async def test_an_scm_of_another_type(world):
    await world.start()
    answer = await world.server.deliveries.handle_delivery("generic", {}, b"{}")
    assert answer.status == 404 and counted(world, "wrong_type") == 1


async def test_events_that_mean_nothing_are_fine(world):
    await world.start()
    await refused(world, 200, "ignored", "issues", b"{}")


@pytest.mark.parametrize("change", [{"ref": "refs/heads/topic"}, {"after": "0" * 40}, {"ref": "refs/notes/x"}])
async def test_what_the_ciconfig_does_not_build_takes_no_number(world, change):
    await world.start()
    await refused(world, 200, "ignored", "push", json.dumps({**json.loads(PUSH), **change}).encode())
    await world.push(A)
    assert "shop-1" in (await world.build("shop-1"))["metadata"]["name"]


async def test_before_the_ciconfig_is_known_the_scm_is_asked_to_come_again(world):
    await world.start()
    world.server.ready = False
    answer = await world.push(A)
    assert answer.status == 503 and counted(world, "unavailable") == 1


async def test_a_rotated_secret_counts_at_once(world):
    import base64

    from boatyard.ci.scm.scm import sign_hmac_sha256
    from boatyard.ciserver import team
    from boatyard.machinery.meta.core import SECRETS

    await world.start()
    await world.deliver("ping", b"{}")
    patch = {"data": {"next": base64.b64encode(b"new secret\n").decode()}}
    await world.client.patch(SECRETS, "hook", patch, "team")
    signed = {"x-gitea-signature": sign_hmac_sha256(b"new secret", b"{}")}
    fresh, team._FRESH_SECONDS = team._FRESH_SECONDS, 0.0
    try:
        assert (await world.deliver("ping", b"{}", **signed)).status == 200
    finally:
        team._FRESH_SECONDS = fresh
    assert (await world.deliver("ping", b"{}")).status == 200


async def test_a_flood_of_forged_deliveries_reads_the_secret_no_more_often(world):
    await world.start()
    await world.deliver("ping", b"{}")
    reads = 0
    get = world.client.get

    async def counting(resource, *arguments, **options):
        nonlocal reads
        reads += resource.kind == "Secret"
        return await get(resource, *arguments, **options)

    world.client.get = counting
    for _ in range(50):
        await world.deliver("ping", b"{}", **{"x-gitea-signature": "0" * 64})
    assert reads == 0


async def test_ten_thousand_old_deliveries_are_forgotten(world):
    await world.start()
    await world.push(A)
    await world.build("shop-1")
    await world.until(lambda: not world.server._builder._open)
    await world.server.inbox.forget_old(world.clock.now() + 31 * 86400)
    assert (await world.push(A)).status == 202


async def test_a_full_disk_refuses_deliveries_and_what_was_accepted_before_goes_on_when_there_is_room(world):
    import sqlite3

    await world.start()
    run = world.database.run_now

    def full(work):
        raise sqlite3.OperationalError("database or disk is full")

    world.database.run_now = full
    answer = await world.push(A)
    assert answer.status == 503 and "stored" in json.loads(answer.body)["error"]
    world.database.run_now = run
    assert (await world.push(A)).status == 202
    world.database.run_now = full
    await world.until(lambda: world.server._builder._queue._failures)
    world.database.run_now = run
    await world.build("shop-1")
    await world.until(lambda: world.scm.told(A) == ["pending"])
