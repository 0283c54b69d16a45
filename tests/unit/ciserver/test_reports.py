"""Words to the SCM: each once, in order, whatever the SCM does."""

from __future__ import annotations

import asyncio
import json

import pytest

from boatyard.ci.kinds import Build, CiConfig
from boatyard.ci.scm.http import Answer
from boatyard.ci.scm.scm import sign_hmac_sha256
from unit.ciserver.conftest import PIPELINE, SECRET

A = "a" * 40


@pytest.fixture
async def running(world):
    await world.start()
    world.server.reporter._queue._base_seconds = 0.01
    return world


async def started(world) -> None:
    await world.push(A)
    await world.build("shop-1")


async def test_an_scm_that_is_down_gets_every_word_in_order_when_it_is_back(running):
    running.scm.down = True
    await started(running)
    await running.becomes("shop-1", "Running")
    await running.becomes("shop-1", "Failed", reason="StepFailed", message="test failed")
    await running.until(lambda: len(running.scm.calls) > 3)
    assert running.scm.told(A) == []
    running.scm.down = False
    await running.until(lambda: running.scm.told(A) == ["pending", "failure"])


async def test_a_build_whose_end_was_never_seen_is_told_from_the_archive(running):
    """It ended and left the API while that was out of reach."""
    await started(running)
    await running.becomes("shop-1", "Running")
    await running.until(lambda: running.scm.told(A) == ["pending"])
    ended = {**await running.build("shop-1"), "status": {"phase": "Failed", "reason": "StepFailed"}}
    await running.objects.put("1/build.json", json.dumps(ended).encode())
    await running.client.patch(Build.resource, "shop-1", {"metadata": {"finalizers": None}}, "team")
    await running.client.delete(Build.resource, "shop-1", "team")
    await running.until(lambda: running.scm.told(A) == ["pending", "failure"])
    assert (await running.server.history.get(1)).phase == "Failed"


async def test_a_word_whose_answer_was_lost_is_found_and_not_said_again(running):
    running.scm.loses_answers = True
    await started(running)
    await running.until(lambda: running.scm.told(A) == ["pending"])
    running.scm.loses_answers = False
    await running.until(lambda: any(method == "GET" for method, _ in running.scm.calls))
    await running.becomes("shop-1", "Succeeded")
    await running.until(lambda: running.scm.told(A) == ["pending", "success"])


async def test_the_first_try_of_a_new_word_asks_nothing(running):
    await started(running)
    await running.until(lambda: running.scm.told(A) == ["pending"])
    assert [method for method, _ in running.scm.calls] == ["POST"]


async def test_a_word_left_open_by_an_earlier_run_is_looked_up_first(running):
    running.scm.down = True
    await started(running)
    await running.until(lambda: running.scm.calls)
    await running.stop()
    running.scm.down = False
    running.scm.statuses[A] = [
        {"context": "boatyard/shop", "target_url": "https://ci.example/ci/team/shop/builds/1", "status": "pending"}
    ]
    await running.start()
    await running.until(lambda: any(method == "GET" for method, _ in running.scm.calls))
    await asyncio.sleep(0.05)
    assert len(running.scm.statuses[A]) == 1


async def test_a_refusal_is_kept_with_what_the_scm_said_and_the_next_word_goes_on(running):
    request = running.scm.request

    async def refusing(method, url, *, headers, body=b""):
        if b"pending" in body:
            return Answer(422, b'{"message":"sha does not exist"}')
        return await request(method, url, headers=headers, body=body)

    running.scm.request = refusing
    await started(running)
    await running.becomes("shop-1", "Succeeded")
    await running.until(lambda: running.scm.told(A) == ["success"])
    reports = await running.server.reporter.of(1)
    assert [(one.report.state, one.state) for one in reports] == [("pending", "refused"), ("success", "done")]
    assert "sha does not exist" in reports[0].note


async def test_the_build_shows_what_the_scm_was_told(running):
    await started(running)
    await running.until(lambda: running.scm.told(A) == ["pending"])
    await running.becomes("shop-1", "Succeeded")
    await running.until(lambda: "reported" in (running.server.living(1).get("status") or {}))
    told = running.server.living(1)["status"]["reported"]
    assert [one["state"] for one in told] == ["pending", "success"] and told[0]["context"] == "boatyard/shop"


async def test_many_changes_of_a_build_are_two_words(running):
    await started(running)
    for phase in ("Queued", "Starting", "Running", "Running", "Succeeded"):
        await running.becomes("shop-1", phase)
    await running.until(lambda: running.scm.told(A)[-1:] == ["success"])
    await asyncio.sleep(0.05)
    assert running.scm.told(A) == ["pending", "success"]


@pytest.mark.parametrize(
    ("phase", "status", "state", "words"),
    [
        ("Failed", {"tests": {"counts": {"total": 9, "failed": 2}}}, "failure", "2 of 9 tests failed"),
        ("Error", {"reason": "OOMKilled", "message": "container build used 2Gi"}, "error", "OOMKilled: container build used 2Gi"),
        ("Cancelled", {"message": "ann: not needed"}, "error", "ann: not needed"),
        ("Succeeded", {}, "success", "All steps succeeded"),
    ],
)
async def test_a_verdict_says_what_matters(running, phase, status, state, words):
    await started(running)
    await running.until(lambda: running.scm.told(A) == ["pending"])
    await running.becomes("shop-1", phase, **status)
    await running.until(lambda: running.scm.told(A) == ["pending", state])
    assert running.scm.statuses[A][-1]["description"] == words


async def test_without_an_scm_nobody_is_told(world):
    from boatyard.ciserver.inbox import Rerun

    await world.client.patch(CiConfig.resource, "shop", {"spec": {"source": {"scm": None}}}, "team")
    await world.start()
    answer = await world.push(A)
    assert answer.status == 404
    await world.server._accept("by-hand", Rerun(1))
    await world.until(lambda: not world.server._builder._open)
    assert world.scm.calls == []


async def test_where_nobody_listens_nothing_is_said_to_have_been_told(world):
    await world.client.patch(CiConfig.resource, "shop", {"spec": {"source": {"scm": {"type": "generic"}}}}, "team")
    await world.start()
    world.repository.pipelines[A] = PIPELINE
    body = json.dumps({"ref": "refs/heads/main", "after": A}).encode()
    headers = {"x-boatyard-delivery": "d", "x-boatyard-signature": f"sha256={sign_hmac_sha256(SECRET, body)}"}
    assert (await world.server.deliveries.handle_delivery("generic", headers, body)).status == 202
    await world.build("shop-1")
    await world.becomes("shop-1", "Succeeded")
    async with asyncio.timeout(30):
        while 1 not in await world.server.history.numbers():
            await asyncio.sleep(0.01)
    assert await world.server.reporter.of(1) == []
