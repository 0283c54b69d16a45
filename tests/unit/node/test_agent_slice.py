"""One pod, from its creation to its verdict."""

from __future__ import annotations


def test_a_pod_with_one_container_runs_to_completion(node_scenario, script):
    async def scenario(node):
        node.scripts["main"] = script(seconds=5, message="all well", logs=((0.1, "hello"),))
        await node.create()
        running = await node.until_phase("Running")
        assert running["status"]["containerStatuses"][0]["state"]["running"]
        assert running["status"]["podIP"] == "10.231.0.4"
        done = await node.until_phase("Succeeded")
        ended = done["status"]["containerStatuses"][0]
        assert ended["state"]["terminated"]["exitCode"] == 0
        assert ended["state"]["terminated"]["reason"] == "Completed"
        assert ended["state"]["terminated"]["message"] == "all well"
        conditions = {c["type"]: (c["status"], c.get("reason")) for c in done["status"]["conditions"]}
        assert conditions["Ready"] == ("False", "PodCompleted")
        assert conditions["Initialized"] == ("True", "PodCompleted")

    node_scenario(scenario)


def test_a_container_that_fails_makes_the_pod_fail(node_scenario, script):
    async def scenario(node):
        node.scripts["main"] = script(seconds=1, exit_code=3)
        await node.create()
        failed = await node.until_phase("Failed")
        assert failed["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 3
        assert failed["status"]["containerStatuses"][0]["state"]["terminated"]["reason"] == "Error"

    node_scenario(scenario)
