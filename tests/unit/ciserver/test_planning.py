"""What becomes of a delivery: a build, an Error with its reason, or nothing."""

from __future__ import annotations

import json

import pytest

from boatyard.ciserver import planner
from boatyard.machinery.meta.core import EVENTS

A, B, C, D = "a" * 40, "b" * 40, "c" * 40, "d" * 40


async def refusal(world, name: str = "shop-1") -> dict[str, str]:
    return (await world.build(name))["spec"]["refusal"]


def pull(sha: str, *, fork: bool = False, target: str = B, action: str = "opened") -> bytes:
    return json.dumps({
        "action": action, "number": 7, "repository": {"id": 1, "full_name": "team/shop"},
        "pull_request": {
            "number": 7, "title": "Cart", "user": {"login": "bob"},
            "head": {"ref": "topic", "sha": sha, "repo": {"id": 2 if fork else 1}}, "base": {"ref": "main", "sha": target},
        },
    }).encode()  # fmt: skip


async def test_a_broken_boatyard_yaml_is_an_error_with_every_line_and_the_scm_is_told(world):
    await world.start()
    await world.push(A, pipeline="spec:\n  steps:\n  - {name: x}\n  unknown: 1\n")
    told = await refusal(world)
    assert told["reason"] == "InvalidPipeline" and "line 3" in told["message"] and "unknown" in told["message"]
    await world.becomes("shop-1", "Error", reason="InvalidPipeline", message=told["message"])
    await world.until(lambda: world.scm.told(A) == ["error"])
    assert "InvalidPipeline" in world.scm.statuses[A][0]["description"]


@pytest.mark.parametrize("text", ["", "{", "a: *b", "[]", "spec: {steps: 7}", "x" * 100_000, "\t"])
async def test_any_text_at_all_ends_as_a_build(world, text: str):
    await world.start()
    await world.push(A, pipeline=text)
    assert (await refusal(world))["reason"] == "InvalidPipeline"


async def test_without_boatyard_yaml_and_standard_build_the_reason_says_what_to_do(world):
    await world.start()
    await world.push(A, pipeline=None)
    told = await refusal(world)
    assert told["reason"] == "NoPipeline" and "standardBuild" in told["message"]


async def test_without_boatyard_yaml_a_standard_build_runs(world):
    from boatyard.ci.kinds import CiConfig

    patch = {"spec": {"strategy": {"standardBuild": {"type": "python"}}}}
    await world.client.patch(CiConfig.resource, "shop", patch, "team")
    await world.start()
    await world.push(A, pipeline=None)
    assert (await world.build("shop-1"))["spec"]["steps"]


async def test_a_schedule_is_refused_with_a_reason(world):
    await world.start()
    await world.push(A, pipeline="spec:\n  on: {push: {}, schedule: [{cron: '0 3 * * *'}]}\n  steps: [{name: a, run: b}]\n")
    assert "schedule" in (await refusal(world))["message"]


async def test_a_pull_request_is_built_merged_with_its_pinned_target(world):
    await world.start()
    world.repository.pipelines[A] = "spec:\n  steps: [{name: a, run: b}]\n"
    await world.deliver("pull_request", pull(A), "p1")
    source = (await world.build("shop-1"))["spec"]["source"]
    assert source["revision"] == A and source["pullRequest"]["target"] == B and source["ref"] == "refs/pull/7/head"
    await world.until(lambda: world.scm.told(A) == ["pending"])


async def test_a_pull_request_of_a_fork_does_not_run(world):
    await world.start()
    await world.deliver("pull_request", pull(A, fork=True), "p1")
    told = await refusal(world)
    assert told["reason"] == "ForkNotTrusted"


async def test_a_conflict_is_told_with_the_files(world):
    await world.start()
    world.repository.pipelines[A] = None
    world.repository.conflicts[A] = ("cart.py",)
    await world.deliver("pull_request", pull(A), "p1")
    told = await refusal(world)
    assert told["reason"] == "MergeConflict" and "cart.py" in told["message"]


async def test_a_commit_that_is_gone(world):
    await world.start()
    world.repository.pipelines[B] = "x"
    await world.push(B)
    del world.repository.pipelines[B]
    body = json.dumps({"ref": "refs/heads/main", "after": C, "repository": {"full_name": "team/shop"}}).encode()
    await world.deliver("push", body, "gone")
    assert (await refusal(world, "shop-2"))["reason"] == "CommitMissing"


async def test_what_the_repository_does_not_want_gives_its_number_back(world):
    await world.start()
    only_docs = "spec:\n  on: {push: {paths: ['docs/**']}}\n  steps: [{name: a, run: b}]\n"
    world.repository.changes[A] = ("src/x.py",)
    assert json.loads((await world.push(A, pipeline=only_docs)).body)["number"] == 1
    await world.until(lambda: not world.server._builder._open)
    assert "paths" in (await world.server.inbox.last_skipped(5))[0][1]
    world.repository.changes[B] = ("docs/index.md",)
    await world.push(B, pipeline=only_docs)
    await world.push(C)
    await world.build("shop-2")
    revisions = {name: build["spec"]["source"]["revision"] for name, build in (await world.builds()).items()}
    assert revisions == {"shop-1": B, "shop-2": C}


async def test_branches_and_tags_of_the_pipeline(world):
    await world.start()
    release = "spec:\n  on: {push: {branches: ['release/*'], tags: ['v*']}}\n  steps: [{name: a, run: b}]\n"
    await world.push(A, pipeline=release)
    await world.push(B, pipeline=release, ref="refs/heads/release/1")
    await world.push(C, pipeline=release, ref="refs/tags/v1")
    await world.push(D, pipeline=release, ref="refs/tags/nightly")
    await world.until(lambda: not world.server._builder._open)
    built = sorted(build["spec"]["source"]["ref"] for build in (await world.builds()).values())
    assert built == ["refs/heads/release/1", "refs/tags/v1"]


async def test_a_repository_that_is_away_is_waited_for(world):
    await world.start()
    world.repository.available = False
    await world.push(A)
    await world.until(lambda: world.server._builder._queue._failures)
    assert await world.builds() == {}
    world.repository.available = True
    assert "refusal" not in (await world.build("shop-1"))["spec"]


async def test_that_a_delivery_waits_is_told_where_people_look(world):
    await world.start()
    world.repository.available = False
    await world.push(A)
    await world.until(lambda: world.server.waiting)
    await world.until(lambda: world.server._builder._queue._failures.get(1, 0) > 2)
    (event,) = (await world.client.list(EVENTS, "team")).items
    about = event["involvedObject"]
    assert (about["kind"], about["name"], event["reason"]) == ("CiConfig", "shop", "DeliveryWaits")
    assert event["message"] == "Build 1 waits: the repository is switched off" and event["count"] == 1
    assert world.server.waiting == {1: "the repository is switched off"}
    world.repository.available = True
    await world.build("shop-1")
    await world.until(lambda: not world.server.waiting)


async def test_and_given_up_in_the_end(world, monkeypatch):
    monkeypatch.setattr(planner, "GIVE_UP_SECONDS", 0.0)
    await world.start()
    world.repository.available = False
    await world.push(A)
    assert (await refusal(world))["reason"] == "RepositoryUnavailable"


async def test_what_the_api_refuses_becomes_an_error_under_the_same_number(world):
    from boatyard.machinery.meta.errors import FieldError, invalid

    await world.start()
    create = world.client.create

    async def strict(resource, body, *arguments, **options):
        if resource.kind == "Build" and "refusal" not in body["spec"]:
            raise invalid("Build", "ci.boatyard.dev", body["metadata"]["name"], [FieldError("spec.x", "FieldValueInvalid", "no")])
        return await create(resource, body, *arguments, **options)

    world.client.create = strict
    await world.push(A)
    told = await refusal(world)
    assert told["reason"] == "Refused" and "spec.x" in told["message"]


async def test_a_build_is_repeated_as_it_was_by_page_and_by_annotation_once_per_request(world):
    await world.start()
    await world.push(A)
    await world.build("shop-1")
    await world.becomes("shop-1", "Failed")
    assert await world.server.retry(1, "ann", "r1") == 2
    assert await world.server.retry(1, "ann", "r1") == 2
    build = await world.build("shop-2")
    assert build["spec"]["source"]["revision"] == A
    assert build["spec"]["trigger"] == {"type": "retry", "by": "ann", "retryOf": "shop-1", "delivery": "retry:1:r1"}
    from boatyard.ci.kinds import RETRY_ANNOTATION, Build

    await world.client.patch(Build.resource, "shop-1", {"metadata": {"annotations": {RETRY_ANNOTATION: "bob/1"}}}, "team")
    assert (await world.build("shop-3"))["spec"]["trigger"]["by"] == "bob"
    await world.client.patch(Build.resource, "shop-1", {"metadata": {"annotations": {RETRY_ANNOTATION: "bob/2"}}}, "team")
    await world.build("shop-4")
    await world.stop()
    await world.start()
    await world.push(B)
    await world.build("shop-5")
    assert len(await world.builds()) == 5


async def test_a_refused_build_is_planned_anew_when_repeated(world):
    await world.start()
    world.repository.conflicts[A] = ("x",)
    world.repository.pipelines[A] = "spec:\n  steps: [{name: a, run: b}]\n"
    await world.deliver("pull_request", pull(A), "p1")
    await refusal(world)
    world.repository.conflicts.clear()
    await world.server.retry(1, "ann", "r1")
    again = await world.build("shop-2")
    assert "refusal" not in again["spec"] and again["spec"]["trigger"]["retryOf"] == "shop-1"
