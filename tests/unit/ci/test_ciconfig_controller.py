"""A CiConfig becomes an instance, stays one, and leaves nothing behind."""

from __future__ import annotations

import base64
from types import SimpleNamespace
from typing import Any

import pytest

from boatyard.ci import ciconfig_controller
from boatyard.ci.instance.drift import TEMPLATE_HASH
from boatyard.ci.kinds import Build, CiConfig
from boatyard.cluster import garbage_controller
from boatyard.machinery.meta.core import (
    CUSTOM_RESOURCE_DEFINITIONS,
    EVENTS,
    INGRESSES,
    PERSISTENT_VOLUME_CLAIMS,
    PODS,
    ROLE_BINDINGS,
    ROLES,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
)
from boatyard.machinery.objects.memory import MemoryObjects
from boatyard.machinery.runtime.settings import Settings
from boatyard.machinery.schema.crd import crd_of
from unit.cluster.conftest import Cluster, in_cluster  # noqa: F401 (a fixture)

INSTANCE = (SECRETS, SERVICE_ACCOUNTS, ROLES, ROLE_BINDINGS, PERSISTENT_VOLUME_CLAIMS, SERVICES, INGRESSES, PODS)
OBJECTS = MemoryObjects()


def settings() -> Settings:
    return Settings(
        object_store=OBJECTS, objects_url="file:///srv/objects", gateway_url="https://ci.example.org",
        gateway_internal_url="https://10.0.0.1:8443", version="1.2.3",
    )  # fmt: skip


MODULE: Any = SimpleNamespace(controller=lambda manager, _: ciconfig_controller.controller(manager, settings()))
GARBAGE: Any = garbage_controller


@pytest.fixture
def scenario(in_cluster):  # noqa: F811
    def run(body, *modules, **options):
        async def prepared(cluster: Cluster) -> None:
            await cluster.settle()
            await body(cluster)

        in_cluster(prepared, MODULE, *modules, **options)

    return run


async def declare(cluster: Cluster, name: str = "web", **spec: Any) -> None:
    for model in (CiConfig, Build):
        await cluster.client.apply(CUSTOM_RESOURCE_DEFINITIONS, crd_of(model), field_manager="test")
    await cluster.settle(30)
    document = {
        "apiVersion": "ci.boatyard.dev/v1alpha1", "kind": "CiConfig", "metadata": {"name": name, "namespace": "default"},
        "spec": {"source": {"git": {"url": "https://example.org/web.git"}, "scm": {"type": "generic"}}, **spec},
    }  # fmt: skip
    await cluster.client.create(CiConfig.resource, document, "default")
    await cluster.settle(30)


async def config(cluster: Cluster, name: str = "web") -> Any:
    return await cluster.find(CiConfig.resource, name, "default")


def reason(obj: Any, type: str = "Ready") -> str:
    return next(c["reason"] for c in obj["status"]["conditions"] if c["type"] == type)


def test_everything_is_made_and_told(scenario):
    async def body(cluster: Cluster) -> None:
        await declare(cluster)
        for resource in INSTANCE:
            made = await cluster.find(resource, "ci-web", "default")
            assert made is not None, resource
            assert made["metadata"]["ownerReferences"][0]["kind"] == "CiConfig"
        seen = await config(cluster)
        assert seen["status"]["phase"] == "Provisioning"
        assert seen["status"]["url"] == "https://ci.example.org/ci/default/web/"
        assert seen["status"]["webhook"] == "https://ci.example.org/ci/default/web/hooks/generic"
        ready = {"type": "Ready", "status": "True"}
        await cluster.client.patch(PODS, "ci-web", {"status": {"conditions": [ready]}}, "default", subresource="status")
        await cluster.settle()
        assert (await config(cluster))["status"]["phase"] == "Awake"
        cluster.quiet()
        await cluster.settle(300)
        assert cluster.quiet(), "a pass without news writes nothing"

    scenario(body)


def test_drift_is_repaired(scenario):
    async def body(cluster: Cluster) -> None:
        await declare(cluster)
        await cluster.client.delete(SERVICES, "ci-web", "default")
        await cluster.client.patch(ROLES, "ci-web", {"rules": []}, "default")
        changed = {"metadata": {"labels": {"theirs": "stays"}}, "spec": {"rules": [{"host": "elsewhere.example.org"}]}}
        await cluster.client.patch(INGRESSES, "ci-web", changed, "default")
        await cluster.settle()
        assert await cluster.find(SERVICES, "ci-web", "default")
        assert len((await cluster.find(ROLES, "ci-web", "default"))["rules"]) > 3
        ingress = await cluster.find(INGRESSES, "ci-web", "default")
        assert len(ingress["spec"]["rules"]) == 2 and ingress["metadata"]["labels"]["theirs"] == "stays"

    scenario(body)


def test_the_keys_stay_what_they_are_and_lost_ones_are_made_anew(scenario):
    async def body(cluster: Cluster) -> None:
        await declare(cluster)
        before = (await cluster.find(SECRETS, "ci-web", "default"))["data"]
        assert len(base64.b64decode(before["webhook"])) == 40
        await cluster.client.patch(SECRETS, "ci-web", {"data": {"webhook": None}}, "default")
        await cluster.settle()
        after = (await cluster.find(SECRETS, "ci-web", "default"))["data"]
        assert after["webhook"] not in ("", before["webhook"]) and after["gateway-token"] == before["gateway-token"]

    scenario(body)


def test_a_changed_spec_makes_the_pod_anew_and_nothing_else_does(scenario):
    async def body(cluster: Cluster) -> None:
        await declare(cluster)
        first = await cluster.find(PODS, "ci-web", "default")
        await cluster.client.patch(CiConfig.resource, "web", {"spec": {"builds": {"concurrency": 9}}}, "default")
        await cluster.settle()
        assert (await cluster.find(PODS, "ci-web", "default"))["metadata"]["uid"] == first["metadata"]["uid"]
        change = {"spec": {"strategy": {"master": {"env": [{"name": "LANG", "value": "C"}]}}}}
        await cluster.client.patch(CiConfig.resource, "web", change, "default")
        await cluster.settle()
        second = await cluster.find(PODS, "ci-web", "default")
        assert second["metadata"]["uid"] != first["metadata"]["uid"]
        assert second["metadata"]["annotations"][TEMPLATE_HASH] != first["metadata"]["annotations"][TEMPLATE_HASH]

    scenario(body)


def test_a_dead_pod_is_replaced(scenario):
    async def body(cluster: Cluster) -> None:
        await declare(cluster)
        first = await cluster.find(PODS, "ci-web", "default")
        dead = {"status": {"phase": "Failed", "reason": "InfrastructureLost"}}
        await cluster.client.patch(PODS, "ci-web", dead, "default", subresource="status")
        await cluster.settle()
        assert (await cluster.find(PODS, "ci-web", "default"))["metadata"]["uid"] != first["metadata"]["uid"]
        events = (await cluster.client.list(EVENTS, "default")).items
        assert any("InfrastructureLost" in event["message"] for event in events)

    scenario(body)


def test_what_belongs_to_somebody_else_is_not_touched(scenario):
    async def body(cluster: Cluster) -> None:
        theirs = {"metadata": {"name": "ci-web"}, "data": {"key": "dmFsdWU="}}
        await cluster.client.create(SECRETS, theirs, "default")
        await declare(cluster)
        seen = await config(cluster)
        assert (seen["status"]["phase"], reason(seen)) == ("Failed", "NameTaken")
        assert (await cluster.find(SECRETS, "ci-web", "default"))["data"] == {"key": "dmFsdWU="}
        await cluster.client.delete(SECRETS, "ci-web", "default")
        await cluster.settle(600)
        assert (await config(cluster))["status"]["phase"] == "Provisioning"

    scenario(body)


def test_what_this_version_does_not_serve_is_told_and_nothing_is_made(scenario):
    async def body(cluster: Cluster) -> None:
        await declare(cluster, source={"git": {"url": "https://example.org/web.git"}, "scm": {"type": "github"}})
        seen = await config(cluster)
        assert (seen["status"]["phase"], reason(seen, "Valid")) == ("Failed", "NotServed")
        assert await cluster.names(PODS) == []

    scenario(body)


def test_an_engine_that_is_not_here_is_told(scenario):
    async def body(cluster: Cluster) -> None:
        await declare(cluster, strategy={"master": {"engine": "jenkins"}})
        seen = await config(cluster)
        assert (seen["status"]["phase"], reason(seen, "Valid")) == ("Failed", "InvalidSpec")
        assert "jenkins" in seen["status"]["conditions"][0]["message"]
        assert await cluster.names(PODS, "default") == []

    scenario(body)


def test_a_name_that_another_instances_objects_could_have_is_refused(scenario):
    async def body(cluster: Cluster) -> None:
        await declare(cluster, "ci-web")
        seen = await config(cluster, "ci-web")
        assert (seen["status"]["phase"], reason(seen, "Valid")) == ("Failed", "InvalidName")
        assert await cluster.names(PODS, "default") == []

    scenario(body)


def test_instances_never_share_a_port(scenario):
    async def body(cluster: Cluster) -> None:
        await declare(cluster)
        for number in range(20):
            await declare(cluster, f"team-{number}")
        pods = (await cluster.client.list(PODS, "default")).items
        ports = [pod["spec"]["containers"][0]["ports"][0]["containerPort"] for pod in pods]
        assert len(set(ports)) == len(ports) == 21

    scenario(body)


def test_deletion_ends_builds_and_leaves_nothing_behind_even_over_a_restart(scenario):
    async def body(cluster: Cluster) -> None:
        await declare(cluster)
        live = await config(cluster)
        owner = {
            "apiVersion": live["apiVersion"],
            "kind": "CiConfig",
            "name": "web",
            "uid": live["metadata"]["uid"],
            "controller": True,
        }
        build = {
            "apiVersion": live["apiVersion"], "kind": "Build",
            "metadata": {"name": "web-1", "ownerReferences": [owner], "finalizers": ["boatyard.dev/archive"]},
            "spec": {"ciConfig": "web", "number": 1, "source": {"revision": "0" * 40}},
        }  # fmt: skip
        await cluster.client.create(Build.resource, build, "default")
        await OBJECTS.put("builds/default/web/1/build.json", b"{}")
        await OBJECTS.put("builds/default/website/1/build.json", b"{}")
        await cluster.client.delete(CiConfig.resource, "web", "default")
        await cluster.settle()
        assert reason(await config(cluster)) == "Deleting"
        await cluster.restart()
        assert (await cluster.find(Build.resource, "web-1", "default"))["metadata"].get("deletionTimestamp")
        await cluster.client.patch(Build.resource, "web-1", {"metadata": {"finalizers": None}}, "default")
        await cluster.settle(60)
        assert await config(cluster) is None
        for resource in INSTANCE:
            assert await cluster.find(resource, "ci-web", "default") is None, resource
        assert [info.key async for info in OBJECTS.list("builds/")] == ["builds/default/website/1/build.json"]

    scenario(body, GARBAGE)
