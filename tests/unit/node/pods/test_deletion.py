"""Graceful termination: hooks, signals, deadlines, and what is left when it is over."""

from __future__ import annotations

from boatyard.machinery.meta.core import PODS


async def delete(node, grace=None):
    await node.client.delete(PODS, "p", "default", grace_period_seconds=grace)


def test_a_deleted_pod_gets_sigterm_ends_and_is_gone(node_scenario, script):
    async def scenario(node):
        node.scripts["main"] = script(seconds=None, term_seconds=3)
        pod = await node.create()
        await node.until_phase("Running")
        began = node.world.now()
        await delete(node)
        await node.until_gone()
        assert 3 <= node.world.now() - began < 6
        await node.world.sleep(1)
        assert await node.runtime.pods() == []
        assert not (node.directory / "pods" / pod["metadata"]["uid"]).exists()

    node_scenario(scenario)


def test_a_container_that_ignores_sigterm_is_killed_when_its_grace_period_is_over(node_scenario, script):
    async def scenario(node):
        node.scripts["main"] = script(seconds=None, term_seconds=None)
        await node.create({"terminationGracePeriodSeconds": 20}, finalizers=["example.com/keep"])
        await node.until_phase("Running")
        began = node.world.now()
        await delete(node)
        ended = await node.until_phase("Failed")
        assert 19 <= node.world.now() - began < 24
        assert ended["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 137

    node_scenario(scenario)


def test_the_pre_stop_hook_comes_before_the_signal(node_scenario, script, make_container):
    async def scenario(node):
        node.scripts["main"] = script(seconds=None, term_seconds=0)
        hooked = make_container("main", lifecycle={"preStop": {"sleep": {"seconds": 5}}})
        await node.create({"containers": [hooked]})
        await node.until_phase("Running")
        began = node.world.now()
        await delete(node)
        await node.until_gone()
        assert 5 <= node.world.now() - began < 8

    node_scenario(scenario)


def test_a_hook_that_takes_all_the_time_leaves_two_seconds_for_sigterm(node_scenario, script, make_container):
    async def scenario(node):
        node.scripts["main"] = script(seconds=None, term_seconds=1)
        hooked = make_container("main", lifecycle={"preStop": {"sleep": {"seconds": 10}}})
        await node.create({"containers": [hooked], "terminationGracePeriodSeconds": 10}, finalizers=["example.com/keep"])
        await node.until_phase("Running")
        await delete(node)
        ended = await node.until_phase("Failed", within=60)
        assert ended["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] in (137, 143)

    node_scenario(scenario)


def test_a_finalizer_keeps_the_object_and_its_logs_but_nothing_else(node_scenario, script):
    async def scenario(node):
        node.scripts["main"] = script(seconds=1, logs=((0.5, "kept"),))
        pod = await node.create({"volumes": [{"name": "w", "emptyDir": {}}]}, finalizers=["boatyard.dev/logs"])
        await node.until_phase("Succeeded")
        await delete(node)
        await node.world.sleep(5)
        home = node.directory / "pods" / pod["metadata"]["uid"]
        assert "kept" in (home / "logs" / "main.0.log").read_text()
        assert not (home / "volumes").exists()
        assert await node.runtime.pods() == []
        await node.client.patch(PODS, "p", {"metadata": {"finalizers": None}}, "default")
        await node.until_gone()
        await node.world.sleep(1)
        assert not home.exists()

    node_scenario(scenario)


def test_a_pod_deleted_before_anything_started_just_goes(node_scenario, script, make_container):
    async def scenario(node):
        blocked = make_container("main", env=[{"name": "A", "valueFrom": {"secretKeyRef": {"name": "none", "key": "k"}}}])
        await node.create({"containers": [blocked]})
        await node.until_container("main", lambda s: s["state"]["waiting"]["reason"] == "CreateContainerConfigError")
        await delete(node)
        await node.until_gone(within=10)

    node_scenario(scenario)


def test_a_pod_removed_by_force_is_ended_on_the_machine_too(node_scenario, script):
    async def scenario(node):
        node.scripts["main"] = script(seconds=None, term_seconds=None)
        await node.create()
        await node.until_phase("Running")
        await delete(node, grace=0)
        await node.world.sleep(1)
        assert await node.runtime.pods() == []

    node_scenario(scenario)
