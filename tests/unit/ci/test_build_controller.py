"""The life of a build: what is written when."""

from __future__ import annotations

from unit.ci.yard import Yard


def test_a_push_becomes_a_verdict(yard):
    async def body(y: Yard) -> None:
        await y.push()
        assert await y.phase() == ("Starting", "")
        assert (await y.pod())["metadata"]["labels"]["boatyard.dev/attempt"] == "1"
        await y.says("shop-7", "Running")
        assert await y.phase() == ("Running", "")
        await y.says("shop-7", "Succeeded")
        status = (await y.build())["status"]
        assert (status["phase"], status["reason"]) == ("Succeeded", "Succeeded")
        assert [(one["name"], one["outcome"]) for one in status["steps"]] == [
            ("compile", "Succeeded"), ("test", "Succeeded"), ("clean up", "Succeeded"),
        ]  # fmt: skip
        assert status["tests"]["counts"] == {"total": 4, "passed": 4, "failed": 0, "skipped": 0}
        assert status["attempts"][0]["outcome"] == "Succeeded"
        assert await y.pod() is None
        assert await y.objects.get("builds/team/shop/7/logs/1/build/000000000000") == b"shop-7 build\n"
        assert (await y.archived())["status"]["phase"] == "Succeeded"

    yard(body)


def test_it_takes_few_writes(yard):
    async def body(y: Yard) -> None:
        before = len(y.world.history)
        await y.push()
        await y.says("shop-7", "Running")
        await y.says("shop-7", "Succeeded")
        await y.settle(4000)
        assert await y.build() is None
        lines = [line for line in y.world.history[before:].decode().splitlines() if " put " in line or " delete " in line]
        # Three of them are the test's own: the Build is made, and the node speaks twice.
        assert 0 < len(lines) - 3 <= 8, "\n".join(lines)

    yard(body)


def test_nothing_is_written_while_nothing_happens(yard):
    async def body(y: Yard) -> None:
        await y.push()
        await y.says("shop-7", "Running")
        y.quiet()
        await y.settle(1000)
        assert y.quiet()
        await y.says("shop-7", "Succeeded")
        y.quiet()
        await y.restart()
        await y.settle(600)
        assert y.quiet()

    yard(body)
