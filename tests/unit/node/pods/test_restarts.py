"""Restart policies and back-off."""

from __future__ import annotations


def test_never_does_not_restart(node_scenario, script, make_container):
    async def scenario(node):
        node.scripts["main"] = script(seconds=1, exit_code=1)
        await node.create()
        await node.until_phase("Failed")
        assert (await node.status_of("main"))["restartCount"] == 0

    node_scenario(scenario)


def test_on_failure_restarts_until_it_succeeds(node_scenario, script):
    async def scenario(node):
        node.scripts["main"] = [script(seconds=1, exit_code=1), script(seconds=1)]
        await node.create({"restartPolicy": "OnFailure"})
        await node.until_phase("Succeeded")
        status = await node.status_of("main")
        assert status["restartCount"] == 1
        assert status["lastState"]["terminated"]["exitCode"] == 1

    node_scenario(scenario)


def test_a_crash_loop_backs_off_ten_seconds_then_twice_that_and_says_so(node_scenario, script):
    async def scenario(node):
        node.scripts["main"] = script(seconds=1, exit_code=2)
        await node.create({"restartPolicy": "Always"})
        waiting = await node.until_container("main", lambda s: s["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff")
        assert waiting["restartCount"] == 1, "the first restart is immediate"
        assert waiting["state"]["waiting"]["message"].startswith("back-off 10s restarting failed container=main pod=p_default(")
        assert waiting["lastState"]["terminated"]["exitCode"] == 2
        assert await node.phase() == "Running"
        again = await node.until_container("main", lambda s: s["restartCount"] == 2 and "waiting" in s["state"])
        assert "back-off 20s" in again["state"]["waiting"]["message"]

    node_scenario(scenario)


def test_a_long_run_starts_the_back_off_anew(node_scenario, script):
    async def scenario(node):
        node.scripts["main"] = [*[script(seconds=1, exit_code=1)] * 3, script(seconds=700, exit_code=1), script(seconds=None)]
        await node.create({"restartPolicy": "Always"})
        await node.until_container("main", lambda s: s["restartCount"] == 3 and "running" in s["state"])
        began = node.world.now()
        await node.until_container("main", lambda s: s["restartCount"] == 4 and "running" in s["state"])
        assert node.world.now() - began < 710, "no pause after a run of more than ten minutes"

    node_scenario(scenario)


def test_the_deadline_ends_the_pod(node_scenario, script):
    async def scenario(node):
        node.scripts["main"] = script(seconds=None)
        await node.create({"activeDeadlineSeconds": 30})
        failed = await node.until_phase("Failed")
        assert failed["status"]["reason"] == "DeadlineExceeded"
        assert failed["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 143
        assert 29 <= node.world.loop.time() <= 40

    node_scenario(scenario)
