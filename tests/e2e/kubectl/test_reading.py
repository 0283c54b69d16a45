"""get in all its forms, describe, explain, events, what there is, and who I am."""

from __future__ import annotations

import asyncio

from boatyard.machinery.meta.core import EVENTS

from .conftest import Kubectl, Yard, line, watches
from .documents import CICONFIG, POD


async def test_pods_are_shown_in_every_form(kubectl: Kubectl, yard: Yard) -> None:
    await kubectl("create", "-f", "-", stdin=POD)
    table = (await kubectl("get", "pods")).out.splitlines()
    assert table[0].split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert table[1].split()[:4] == ["p", "0/1", "Pending", "0"]
    wide = (await kubectl("get", "pod", "p", "-o", "wide", "--no-headers")).out.split()
    assert wide[5:] == ["<none>", "n1", "<none>", "<none>"]
    assert (await kubectl("get", "po", "-A", "-o", "name")).out == "pod/p\n"
    assert (await kubectl("get", "pod", "p", "-o", "json")).json()["spec"]["nodeName"] == "n1"
    assert "nodeName: n1" in (await kubectl("get", "pod", "p", "-o", "yaml")).out
    assert (await kubectl("get", "pods", "-o", "jsonpath={.items[*].metadata.name}")).out == "p"
    assert (await kubectl("get", "pods", "-l", "app=other", "-o", "name")).out == ""
    assert (await kubectl("get", "pods", "--field-selector", "spec.nodeName=n1", "-o", "name")).out == "pod/p\n"
    assert "app=web" in (await kubectl("get", "pods", "--show-labels")).out
    assert "APP" in (await kubectl("get", "pods", "-L", "app")).out
    assert (await kubectl("get", "pods", "--sort-by=.metadata.name", "-o", "name")).out == "pod/p\n"
    assert (await kubectl("get", "all", "-o", "name")).out == "pod/p\n"
    missing = await kubectl("get", "pod", "none", fails=True)
    assert missing.err == 'Error from server (NotFound): pods "none" not found\n'
    assert "doesn't have a resource type" in (await kubectl("get", "cakes", fails=True)).err


async def test_long_lists_are_fetched_in_chunks(kubectl: Kubectl) -> None:
    for name in "abc":
        await kubectl("create", "-f", "-", stdin=f"apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\n")
    listed = await kubectl("get", "secrets", "--chunk-size=2", "-o", "name")
    assert listed.out.split() == ["secret/a", "secret/b", "secret/c"]


async def test_a_watch_shows_rows_as_they_change(kubectl: Kubectl) -> None:
    await kubectl("create", "-f", "-", stdin=POD)
    async with kubectl.started("get", "pods", "-w") as watching, kubectl.started("get", "pod", "p", "-w", "-o", "name") as one:
        assert (await line(watching)).split()[0] == "NAME"
        assert (await line(watching)).split()[0] == "p"
        assert await line(one) == "pod/p"
        await kubectl("patch", "pod", "p", "--subresource=status", "-p", '{"status": {"phase": "Running"}}')
        assert (await line(watching)).split()[:3] == ["p", "0/1", "Running"]
        assert await line(one) == "pod/p"


async def test_describe_tells_the_story_with_its_events(kubectl: Kubectl, yard: Yard) -> None:
    await kubectl("create", "-f", "-", stdin=POD)
    uid = (await kubectl("get", "pod", "p", "-o", "jsonpath={.metadata.uid}")).out
    event = {
        "metadata": {"name": "p.1", "namespace": "default"}, "type": "Normal", "reason": "Pulled", "message": "it is there",
        "involvedObject": {"apiVersion": "v1", "kind": "Pod", "name": "p", "namespace": "default", "uid": uid},
        "source": {"component": "test"}, "count": 2,
        "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    await yard.client.create(EVENTS, event)
    told = (await kubectl("describe", "pod", "p")).out
    assert "Node:" in told
    assert "it is there" in told
    assert "Roles:" in (await kubectl("describe", "node", "n1")).out
    assert "it is there" in (await kubectl("get", "events")).out
    assert "Pod/p" in (await kubectl("events", "--for", "pod/p")).out
    assert "it is there" in (await kubectl("events", "--types=Normal")).out


async def test_our_kinds_are_shown_like_any_other(kubectl: Kubectl) -> None:
    await kubectl("create", "-f", "-", stdin=CICONFIG)
    table = (await kubectl("get", "ciconfigs")).out.splitlines()
    assert table[0].split() == ["NAME", "PHASE", "REPOSITORY", "AGE"]
    assert "https://git.example/team.git" in table[1]
    assert (await kubectl("get", "cic", "team", "-o", "jsonpath={.spec.strategy.master.engine}")).out == "boatyard"
    assert (await kubectl("get", "boatyard", "-o", "name")).out == "ciconfig.ci.boatyard.dev/team\n"
    assert "Engine" in (await kubectl("describe", "ciconfig", "team")).out


async def test_what_there_is(kubectl: Kubectl) -> None:
    resources = (await kubectl("api-resources")).out
    assert "builds" in resources
    assert "pods" in resources
    assert "cic" in (await kubectl("api-resources", "--api-group=ci.boatyard.dev")).out
    assert (await kubectl("api-resources", "--namespaced=false", "-o", "name")).out.splitlines()[0] == "namespaces"
    versions = (await kubectl("api-versions")).out.split()
    assert {"v1", "ci.boatyard.dev/v1alpha1", "rbac.authorization.k8s.io/v1"} <= set(versions)
    assert "Server Version" in (await kubectl("version")).out
    assert (await kubectl("get", "--raw", "/readyz")).out == "ok"


async def test_fields_are_explained(kubectl: Kubectl) -> None:
    assert "nodeName" in (await kubectl("explain", "pod.spec")).out
    assert "KIND:" in (await kubectl("explain", "ciconfig")).out
    engine = (await kubectl("explain", "ciconfig.spec.strategy.master.engine")).out
    assert "<string>" in engine
    assert "boatyard" in engine
    assert "steps" in (await kubectl("explain", "build.spec", "--recursive")).out


async def test_who_i_am_and_what_i_may(kubectl: Kubectl) -> None:
    assert (await kubectl("auth", "can-i", "delete", "pods")).out == "yes\n"
    assert (await kubectl("auth", "can-i", "create", "builds.ci.boatyard.dev", "-n", "x")).out == "yes\n"
    if kubectl.minor >= 28:
        whoami = (await kubectl("auth", "whoami")).out
        assert "boatyard-admin" in whoami
        assert "system:masters" in whoami


async def test_wait_sees_a_condition_come(kubectl: Kubectl) -> None:
    await kubectl("create", "-f", "-", stdin=POD)
    async with kubectl.started("wait", "--for=condition=Ready", "pod/p", "--timeout=60s", "-v=6") as waiting:
        await watches(waiting)
        status = '{"status": {"conditions": [{"type": "Ready", "status": "True"}]}}'
        await kubectl("patch", "pod", "p", "--subresource=status", "-p", status)
        out, err = await asyncio.wait_for(waiting.communicate(), 60)
        assert (waiting.returncode, out) == (0, b"pod/p condition met\n"), err
    async with kubectl.started("wait", "--for=delete", "pod/p", "--timeout=60s", "-v=6") as waiting:
        await watches(waiting)
        await kubectl("delete", "pod", "p", "--now", "--wait=false")
        await kubectl("delete", "pod", "p", "--force", "--grace-period=0", "--wait=false", fails=False)
        assert await asyncio.wait_for(waiting.wait(), 60) == 0
    late = await kubectl("wait", "--for=condition=Ready", "node/n1", "--timeout=3s", fails=True)
    assert "timed out" in late.err
