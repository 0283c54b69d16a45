"""Init containers and native sidecars."""

from __future__ import annotations


def test_init_containers_run_one_after_the_other_before_the_main_ones(node_scenario, script, make_container):
    async def scenario(node):
        order = []
        node.scripts |= {"one": script(seconds=3), "two": script(seconds=3), "main": script(seconds=3)}
        inner = node.runtime.scripts

        def noted(pod, config):
            order.append((config.name, round(node.world.loop.time())))
            return inner(pod, config)

        node.runtime.scripts = noted
        await node.create({"initContainers": [make_container("one"), make_container("two")]})
        pending = await node.until_container("one", lambda s: "running" in s["state"])
        assert pending["ready"] is False
        assert (await node.status_of("main"))["state"]["waiting"]["reason"] == "PodInitializing"
        assert await node.phase() == "Pending"
        done = await node.until_phase("Succeeded")
        assert [name for name, _ in order] == ["one", "two", "main"]
        assert [at for _, at in order] == [0, 3, 6]
        assert [s["ready"] for s in done["status"]["initContainerStatuses"]] == [True, True]

    node_scenario(scenario)


def test_a_failed_init_container_fails_a_pod_that_never_restarts(node_scenario, script, make_container):
    async def scenario(node):
        node.scripts |= {"one": script(seconds=1, exit_code=7)}
        await node.create({"initContainers": [make_container("one")]})
        failed = await node.until_phase("Failed")
        assert failed["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "PodInitializing"
        initialized = next(c for c in failed["status"]["conditions"] if c["type"] == "Initialized")
        assert (initialized["status"], initialized["reason"]) == ("False", "ContainersNotInitialized")

    node_scenario(scenario)


def test_a_failed_init_container_is_tried_again_otherwise(node_scenario, script, make_container):
    async def scenario(node):
        node.scripts |= {"one": [script(seconds=1, exit_code=7), script(seconds=1)]}
        await node.create({"initContainers": [make_container("one")], "restartPolicy": "OnFailure"})
        await node.until_phase("Succeeded")
        assert (await node.status_of("one"))["restartCount"] == 1

    node_scenario(scenario)


def test_a_sidecar_must_have_started_before_what_follows_and_ends_after_the_main_containers(node_scenario, script, make_container):
    async def scenario(node):
        node.scripts |= {"db": script(seconds=None, ready_after=5, term_seconds=1), "main": script(seconds=4)}
        sidecar = make_container(
            "db", restartPolicy="Always", startupProbe={"tcpSocket": {"port": 5432}, "periodSeconds": 1, "failureThreshold": 30}
        )
        await node.create({"initContainers": [sidecar]})
        await node.until_container("db", lambda s: "running" in s["state"])
        assert (await node.status_of("db"))["started"] is False
        assert "waiting" in (await node.status_of("main"))["state"]
        await node.until_container("main", lambda s: "running" in s["state"])
        assert 5 <= node.world.loop.time() < 8
        assert (await node.status_of("db"))["started"] is True
        done = await node.until_phase("Succeeded")
        db = done["status"]["initContainerStatuses"][0]["state"]["terminated"]
        main = done["status"]["containerStatuses"][0]["state"]["terminated"]
        assert db["exitCode"] == 143 and db["finishedAt"] > main["finishedAt"]

    node_scenario(scenario)


def test_sidecars_end_in_reverse_order(node_scenario, script, make_container):
    async def scenario(node):
        node.scripts |= {name: script(seconds=None, term_seconds=2) for name in ("a", "b", "c")} | {"main": script(seconds=1)}
        await node.create({"initContainers": [make_container(name, restartPolicy="Always") for name in ("a", "b", "c")]})
        done = await node.until_phase("Succeeded")
        ends = {s["name"]: s["state"]["terminated"]["finishedAt"] for s in done["status"]["initContainerStatuses"]}
        assert ends["c"] < ends["b"] < ends["a"]

    node_scenario(scenario)


def test_a_sidecar_that_dies_is_restarted_whatever_the_policy(node_scenario, script, make_container):
    async def scenario(node):
        node.scripts |= {"db": [script(seconds=2, exit_code=1), script(seconds=None)], "main": script(seconds=10)}
        await node.create({"initContainers": [make_container("db", restartPolicy="Always")]})
        done = await node.until_phase("Succeeded")
        assert done["status"]["initContainerStatuses"][0]["restartCount"] == 1

    node_scenario(scenario)
