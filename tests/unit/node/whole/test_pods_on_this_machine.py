"""Pods with real processes, from declaration to verdict."""

from __future__ import annotations

import asyncio
import base64

import pytest

from boatyard.machinery.meta.core import CONFIG_MAPS, PODS, SECRETS


async def test_a_pod_runs_and_its_log_is_served(whole_node):
    done = await whole_node.run("echo hello; echo oops >&2; printf all-well > /dev/termination-log")
    assert done["status"]["phase"] == "Succeeded"
    ended = done["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"], ended["message"]) == (0, "Completed", "all-well")
    assert await whole_node.log(done) == "hello\noops\n"
    assert await whole_node.log(done, tailLines="1") == "oops\n"
    stamped = await whole_node.log(done, timestamps="true")
    assert stamped.splitlines()[0].endswith("Z hello")


async def test_volumes_env_and_files_arrive(whole_node, in_shell):
    await whole_node.client.create(
        CONFIG_MAPS,
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"greeting": "hi", "other": "no"}},
        "default",
    )
    await whole_node.client.create(
        SECRETS,
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"key": base64.b64encode(b"secret").decode()}},
        "default",
    )
    script = (
        "cat /config/g /secret/key; echo; ls /config; echo $GREETING $POD $(cat /info/labels); echo $KUBERNETES_SERVICE_HOST;"
        "echo data > /work/file; touch /config/x 2>/dev/null && echo writable; cat /sub/file; pwd; echo $COMBINED"
    )
    pod = {
        "volumes": [
            {"name": "config", "configMap": {"name": "c", "items": [{"key": "greeting", "path": "g"}]}},
            {"name": "secret", "secret": {"secretName": "s", "defaultMode": 0o400}},
            {"name": "work", "emptyDir": {}},
            {"name": "info", "downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
        ],
        "initContainers": [
            in_shell(
                "prepare", "echo prepared > /work/deep/file",
                volumeMounts=[{"name": "work", "mountPath": "/work/deep", "subPath": "deep"}],
            )
        ],
        "containers": [
            in_shell(
                "main", script, workingDir="/work",
                env=[
                    {"name": "GREETING", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "greeting"}}},
                    {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                    {"name": "COMBINED", "value": "$(GREETING)-$(POD)-$(NONE)-$$(POD)"},
                ],
                volumeMounts=[
                    {"name": "config", "mountPath": "/config"}, {"name": "secret", "mountPath": "/secret"},
                    {"name": "work", "mountPath": "/work"}, {"name": "info", "mountPath": "/info"},
                    {"name": "work", "mountPath": "/sub", "subPath": "deep"},
                ],
            )
        ],
    }  # fmt: skip
    await whole_node.create(pod, labels={"a": "b"})
    done = await whole_node.until(lambda pod: pod["status"].get("phase") in ("Succeeded", "Failed"))
    text = await whole_node.log(done)
    assert text.splitlines() == [
        "hisecret", "g", 'hi p a="b"', "127.0.0.1", "prepared", "/work", "hi-p-$(NONE)-$(POD)"
    ], (text, done["status"])  # fmt: skip


async def test_a_followed_log_comes_as_it_is_written_and_ends_with_the_container(whole_node, in_shell):
    wait = "while [ ! -e /go/$1 ]; do sleep 0.01; done"
    script = f"go() {{ {wait}; }}; echo one; go two; echo two; go three; printf three"
    mounts = [{"name": "go", "mountPath": "/go"}]
    await whole_node.create(
        {"containers": [{**in_shell("main", script), "volumeMounts": mounts}], "volumes": [{"name": "go", "emptyDir": {}}]}
    )
    await whole_node.until(lambda pod: pod["status"].get("phase") == "Running")
    (go,) = whole_node.directory.glob("node/pods/*/volumes/go")
    transport = await whole_node.api()
    async with transport.open("GET", "/containerLogs/default/p/main", {"follow": "true"}, accept="*/*") as answer:
        assert await answer.content.readline() == b"one\n"
        (go / "two").touch()
        assert await answer.content.readline() == b"two\n"
        (go / "three").touch()
        assert (await answer.content.read()).rstrip() == b"three"
    await transport.close()


async def test_a_deleted_pod_ends_and_leaves_nothing(whole_node, in_shell):
    trap = "trap 'echo bye; exit 0' TERM; echo ready; while true; do sleep 0.05; done"
    pod = await whole_node.create({"containers": [in_shell("main", trap)], "volumes": [{"name": "w", "emptyDir": {}}]})
    await whole_node.until(lambda pod: pod["status"].get("phase") == "Running")
    await asyncio.sleep(0.3)
    await whole_node.client.delete(PODS, "p", "default")
    await whole_node.until_gone()
    async with asyncio.timeout(60):
        while (whole_node.directory / "node" / "pods" / pod["metadata"]["uid"]).exists():
            await asyncio.sleep(0.01)


async def test_the_agent_restarts_and_the_pod_doesn_t_notice(whole_node, in_shell):
    await whole_node.create({"containers": [in_shell("main", "echo begin; sleep 1.5; echo end; exit 4")]})
    await whole_node.until(lambda pod: pod["status"].get("phase") == "Running")
    await whole_node.stop()
    await whole_node.start()
    failed = await whole_node.until(lambda pod: pod["status"].get("phase") == "Failed")
    ended = failed["status"]["containerStatuses"][0]
    assert (ended["state"]["terminated"]["exitCode"], ended["restartCount"]) == (4, 0)
    assert await whole_node.log(failed) == "begin\nend\n"


async def test_probes_find_out(whole_node, in_shell):
    container = in_shell(
        "main", "sleep 0.3; touch /tmp/ready; sleep 30",
        readinessProbe={"exec": {"command": ["test", "-e", "/tmp/ready"]}, "periodSeconds": 1},
    )  # fmt: skip
    await whole_node.create({"containers": [container], "terminationGracePeriodSeconds": 1})
    ready = await whole_node.until(
        lambda pod: any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))
    )
    assert ready["status"]["containerStatuses"][0]["ready"] is True


@pytest.mark.parametrize("image", ["docker.io/library/maven:3"])
async def test_an_image_that_needs_a_container_runtime_is_an_image_pull_error(whole_node, image):
    await whole_node.create({"containers": [{"name": "main", "image": image, "command": ["x"]}]})
    waiting = await whole_node.until(lambda pod: pod["status"].get("containerStatuses"))
    told = waiting["status"]["containerStatuses"][0]["state"]["waiting"]
    assert told["reason"] in ("ErrImagePull", "ImagePullBackOff")
    assert "boatyard.dev/host" in told["message"]
