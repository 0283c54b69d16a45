from __future__ import annotations

import asyncio

import pytest

from boatyard.machinery.runtime.tasks import TaskGroup
from virtual import virtual


async def forever() -> None:
    await asyncio.get_running_loop().create_future()


async def fail(error: BaseException) -> None:
    await asyncio.sleep(0)
    raise error


async def test_it_waits_for_all_its_tasks() -> None:
    done: list[int] = []

    async def work(number: int) -> None:
        await asyncio.sleep(0)
        done.append(number)

    async with TaskGroup() as group:
        for number in range(3):
            group.start(work(number), f"work-{number}")
    assert done == [0, 1, 2]


async def test_the_first_failure_cancels_the_rest_and_is_raised_as_it_is() -> None:
    with pytest.raises(ValueError, match="broken"):
        async with TaskGroup() as group:
            rest = group.start(forever(), "forever")
            group.start(fail(ValueError("broken")), "fails")
    assert rest.cancelled()


async def test_a_failure_interrupts_the_body() -> None:
    with pytest.raises(ValueError):
        async with TaskGroup() as group:
            group.start(fail(ValueError()), "fails")
            await forever()
    await asyncio.sleep(0)  # no cancellation is left over


async def test_a_failing_body_cancels_the_tasks() -> None:
    with pytest.raises(KeyError):
        async with TaskGroup() as group:
            task = group.start(forever(), "forever")
            await asyncio.sleep(0)
            raise KeyError
    assert task.cancelled()


async def test_several_failures_are_raised_together() -> None:
    async def fail_when_cancelled() -> None:
        try:
            await forever()
        except asyncio.CancelledError:
            raise KeyError from None

    with pytest.raises(BaseExceptionGroup) as told:
        async with TaskGroup() as group:
            group.start(fail_when_cancelled(), "late")
            group.start(fail(ValueError()), "early")
    assert [type(error) for error in told.value.exceptions] == [ValueError, KeyError]


async def test_cancel_ends_the_group_without_an_error() -> None:
    async with TaskGroup() as group:
        task = group.start(forever(), "forever")
        await asyncio.sleep(0)
        group.cancel()
    assert task.cancelled()


@virtual
async def test_cancelling_who_waits_cancels_the_tasks_in_their_order() -> None:
    ended: list[str] = []

    async def note(name: str) -> None:
        try:
            await forever()
        finally:
            ended.append(name)

    async def parent() -> None:
        async with TaskGroup() as group:
            for name in "abc":
                group.start(note(name), name)

    task = asyncio.create_task(parent())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["a", "b", "c"]


async def test_a_stopping_group_starts_nothing() -> None:
    ran: list[int] = []

    async def work() -> None:
        ran.append(1)

    async with TaskGroup() as group:
        group.cancel()
        group.start(work(), "late")
    assert not ran
