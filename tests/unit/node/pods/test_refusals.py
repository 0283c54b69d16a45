"""What this node can't honour is refused as a whole, with every reason; what is missing is waited for."""

from __future__ import annotations


def test_a_pod_that_asks_for_what_isn_t_here_fails_with_every_reason(node_scenario, make_container):
    async def scenario(node):
        await node.create({
            "hostPID": True,
            "containers": [make_container("main", securityContext={"privileged": True, "capabilities": {"add": ["SYS_ADMIN"]}},
                                          livenessProbe={"grpc": {"port": 1}})],
            "volumes": [{"name": "n", "nfs": {"server": "x", "path": "/"}}],
        })  # fmt: skip
        failed = await node.until_phase("Failed")
        assert failed["status"]["reason"] == "UnsupportedByNode"
        told = failed["status"]["message"]
        for path in ("spec.hostPID", "securityContext.privileged", "capabilities.add", "livenessProbe.grpc", "spec.volumes[0]"):
            assert path in told
        assert await node.runtime.pods() == []

    node_scenario(scenario)


def test_a_missing_key_holds_the_container_back_until_it_comes(node_scenario, make_container):
    async def scenario(node):
        await node.config_map("c", a="1")
        env = [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "b"}}}]
        await node.create({"containers": [make_container("main", env=env)]})
        waiting = await node.until_container("main", lambda s: "waiting" in s["state"] and s["state"]["waiting"].get("message"))
        assert waiting["state"]["waiting"] == {
            "reason": "CreateContainerConfigError", "message": "couldn't find key b in ConfigMap default/c"
        }  # fmt: skip

    node_scenario(scenario)


def test_an_image_that_isn_t_built_in_is_told_as_kubernetes_does(node_scenario, make_container):
    async def scenario(node):
        await node.create({"containers": [make_container("main", image="maven:3")]})
        first = await node.until_container("main", lambda s: "waiting" in s["state"] and s["state"]["waiting"].get("message"))
        assert first["state"]["waiting"]["reason"] in ("ErrImagePull", "ImagePullBackOff")

    node_scenario(scenario)
