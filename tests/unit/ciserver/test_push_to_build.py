"""From a delivery to a Build, a verdict and a report, in one small world."""

from __future__ import annotations

import json

A, B, C = "a" * 40, "b" * 40, "c" * 40


async def test_a_push_becomes_a_build_and_its_verdict_reaches_the_scm(world):
    await world.start()
    answer = await world.push(A)
    assert answer.status == 202 and json.loads(answer.body)["build"] == "shop-1"
    build = await world.build("shop-1")
    assert build["spec"]["source"]["revision"] == A and build["spec"]["source"]["subject"] == "Commit aaaa"
    assert build["spec"]["trigger"]["delivery"] == f"gitea:d-{A}"
    await world.until(lambda: world.scm.told(A) == ["pending"])
    await world.becomes("shop-1", "Running")
    await world.becomes("shop-1", "Succeeded", tests={"counts": {"total": 7, "passed": 7}})
    await world.until(lambda: world.scm.told(A) == ["pending", "success"])
    status = world.scm.statuses[A][-1]
    assert status["context"] == "boatyard/shop" and status["target_url"] == "https://ci.example/ci/team/shop/builds/1"
    assert status["description"] == "7 tests passed"


async def test_a_repeated_delivery_gets_the_same_answer_and_starts_nothing(world):
    await world.start()
    first = await world.push(A, delivery="x")
    again = await world.push(A, delivery="x")
    assert (again.status, again.body) == (200, first.body)
    await world.build("shop-1")
    await world.push(B)
    await world.build("shop-2")
    assert sorted(await world.builds()) == ["shop-1", "shop-2"]
