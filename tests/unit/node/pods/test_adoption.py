"""An agent that is killed and starts again changes nothing; a supervisor that dies does."""

from __future__ import annotations

from boatyard.machinery.meta.core import PODS


def test_a_restarted_agent_goes_on_without_restarting_anything(node_scenario, script):
    async def scenario(node):
        node.scripts["main"] = script(seconds=60, message="done")
        await node.create()
        started = (await node.until_phase("Running"))["status"]["containerStatuses"][0]["state"]["running"]["startedAt"]
        node.crash()
        done = await node.until_phase("Succeeded")
        ended = done["status"]["containerStatuses"][0]
        assert ended["restartCount"] == 0
        assert ended["state"]["terminated"]["startedAt"] == started
        assert ended["state"]["terminated"]["message"] == "done"

    node_scenario(scenario)


def test_what_ended_while_no_agent_was_there_is_told_afterwards(node_scenario, script):
    async def scenario(node):
        node.scripts["main"] = script(seconds=3, exit_code=5)
        await node.create()
        await node.until_phase("Running")
        node.stop()
        await node.world.sleep(60)
        node.start()
        failed = await node.until_phase("Failed")
        assert failed["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 5

    node_scenario(scenario)


def test_a_lost_supervisor_fails_a_pod_that_never_restarts_as_infrastructure_loss(node_scenario, script):
    async def scenario(node):
        node.scripts["main"] = script(seconds=60)
        pod = await node.create()
        await node.until_phase("Running")
        node.runtime.lose(pod["metadata"]["uid"])
        failed = await node.until_phase("Failed")
        assert failed["status"]["reason"] == "InfrastructureLost"
        ended = failed["status"]["containerStatuses"][0]["state"]["terminated"]
        assert (ended["reason"], ended["exitCode"]) == ("SupervisorLost", 137)

    node_scenario(scenario)


def test_a_supervisor_lost_after_the_work_was_done_doesn_t_spoil_the_result(node_scenario, script):
    async def scenario(node):
        node.scripts["main"] = script(seconds=2)
        pod = await node.create()
        await node.until_phase("Running")
        node.stop()
        await node.world.sleep(10)
        node.runtime.lose(pod["metadata"]["uid"])
        node.start()
        await node.until_phase("Succeeded")

    node_scenario(scenario)


def test_a_pod_that_restarts_always_comes_back_after_the_machine_restarted(node_scenario, script):
    async def scenario(node):
        node.scripts["main"] = script(seconds=None)
        await node.create({"restartPolicy": "Always"})
        await node.until_phase("Running")
        node.runtime.reboot()
        again = await node.until_container("main", lambda s: "running" in s["state"] and s["restartCount"] == 1)
        assert again["ready"]

    node_scenario(scenario)


def test_a_pod_whose_object_vanished_while_the_agent_was_down_is_removed(node_scenario, script):
    async def scenario(node):
        node.scripts["main"] = script(seconds=None)
        await node.create()
        await node.until_phase("Running")
        node.stop()
        await node.client.delete(PODS, "p", "default", grace_period_seconds=0)
        assert len(await node.runtime.pods()) == 1
        node.start()
        await node.world.sleep(5)
        assert await node.runtime.pods() == []
        assert list((node.directory / "pods").iterdir()) == []

    node_scenario(scenario)


def test_a_pod_of_the_same_name_made_anew_is_another_pod(node_scenario, script):
    async def scenario(node):
        node.scripts["main"] = script(seconds=None)
        first = await node.create()
        await node.until_phase("Running")
        await node.client.delete(PODS, "p", "default", grace_period_seconds=0)
        second = await node.create()
        await node.until_phase("Running")
        await node.world.sleep(5)
        assert [state.config.uid for state in await node.runtime.pods()] == [second["metadata"]["uid"]]
        assert first["metadata"]["uid"] != second["metadata"]["uid"]

    node_scenario(scenario)


def test_a_finished_pod_is_never_started_again(node_scenario, script):
    async def scenario(node):
        node.scripts["main"] = script(seconds=1)
        await node.create()
        await node.until_phase("Succeeded")
        node.crash()
        await node.world.sleep(60)
        assert await node.phase() == "Succeeded"
        assert await node.runtime.pods() == []

    node_scenario(scenario)
