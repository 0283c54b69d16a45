"""Startup, readiness and liveness, with their thresholds."""

from __future__ import annotations

from boatyard.machinery.meta.conditions import is_true

TCP = {"tcpSocket": {"port": 80}}


def test_a_container_is_ready_once_its_probe_says_so(node_scenario, script, make_container):
    async def scenario(node):
        node.scripts["main"] = script(seconds=None, ready_after=12)
        probe = {**TCP, "periodSeconds": 5}
        await node.create({"containers": [make_container("main", readinessProbe=probe)], "restartPolicy": "Always"})
        running = await node.until_phase("Running")
        assert not is_true(running, "Ready")
        await node.until_container("main", lambda s: s["ready"])
        assert 12 <= node.world.loop.time() < 20
        assert is_true(await node.pod(), "Ready")

    node_scenario(scenario)


def test_a_container_stops_being_ready_after_as_many_failures_as_declared(node_scenario, script, make_container):
    async def scenario(node):
        node.scripts["main"] = script(seconds=None, ready_until=20)
        probe = {**TCP, "periodSeconds": 1, "failureThreshold": 5}
        await node.create({"containers": [make_container("main", readinessProbe=probe)], "restartPolicy": "Always"})
        await node.until_container("main", lambda s: s["ready"])
        await node.until_container("main", lambda s: not s["ready"])
        assert 24 <= node.world.loop.time() < 30
        assert (await node.status_of("main"))["restartCount"] == 0

    node_scenario(scenario)


def test_a_failed_liveness_probe_restarts_the_container(node_scenario, script, make_container):
    async def scenario(node):
        node.scripts["main"] = [script(seconds=None, ready_until=5, term_seconds=1), script(seconds=None)]
        probe = {**TCP, "periodSeconds": 1, "failureThreshold": 3}
        await node.create({"containers": [make_container("main", livenessProbe=probe)], "restartPolicy": "Always"})
        again = await node.until_container("main", lambda s: s["restartCount"] == 1 and "running" in s["state"])
        assert again["lastState"]["terminated"]["exitCode"] == 143
        await node.world.sleep(60)
        assert (await node.status_of("main"))["restartCount"] == 1

    node_scenario(scenario)


def test_liveness_waits_for_the_startup_probe(node_scenario, script, make_container):
    async def scenario(node):
        node.scripts["main"] = script(seconds=None, ready_after=50)
        container = make_container(
            "main", startupProbe={**TCP, "periodSeconds": 10, "failureThreshold": 30},
            livenessProbe={**TCP, "periodSeconds": 1, "failureThreshold": 1},
        )  # fmt: skip
        await node.create({"containers": [container], "restartPolicy": "Always"})
        await node.until_container("main", lambda s: s["started"])
        await node.world.sleep(30)
        assert (await node.status_of("main"))["restartCount"] == 0

    node_scenario(scenario)


def test_a_startup_probe_that_never_passes_ends_the_container(node_scenario, script, make_container):
    async def scenario(node):
        node.scripts["main"] = script(seconds=None, ready_after=1e9)
        container = make_container("main", startupProbe={**TCP, "periodSeconds": 1, "failureThreshold": 3})
        await node.create({"containers": [container]})
        failed = await node.until_phase("Failed")
        assert failed["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 143

    node_scenario(scenario)


def test_a_failed_post_start_hook_ends_the_container(node_scenario, script, make_container):
    async def scenario(node):
        node.scripts["main"] = script(seconds=None)
        node.commands = lambda pod, container, argv: (1, b"no", b"")
        container = make_container("main", lifecycle={"postStart": {"exec": {"command": ["x"]}}})
        await node.create({"containers": [container]})
        await node.until_phase("Failed")

    node_scenario(scenario)


def test_an_adopted_container_stays_ready(node_scenario, script, make_container):
    async def scenario(node):
        node.scripts["main"] = script(seconds=None)
        probe = {**TCP, "periodSeconds": 100}
        await node.create({"containers": [make_container("main", readinessProbe=probe)], "restartPolicy": "Always"})
        await node.until_container("main", lambda s: s["ready"])
        node.crash()
        for _ in range(200):
            await node.world.sleep(0.1)
            assert (await node.status_of("main"))["ready"]

    node_scenario(scenario)
