"""create, apply both ways, diff, patch, label, annotate, edit, replace, delete."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Kubectl
from .documents import CICONFIG, POD


@pytest.mark.parametrize(("document", "name"), [(POD, "pod/p"), (CICONFIG, "ciconfig/team")], ids=["pod", "ciconfig"])
async def test_an_object_lives_its_life(kubectl: Kubectl, document: str, name: str) -> None:
    created = (await kubectl("create", "-f", "-", stdin=document)).out
    assert created.endswith(" created\n")
    assert "AlreadyExists" in (await kubectl("create", "-f", "-", stdin=document, fails=True)).err
    assert "labeled" in (await kubectl("label", name, "team=a")).out
    assert "already has a value" in (await kubectl("label", name, "team=b", fails=True)).err
    assert "labeled" in (await kubectl("label", name, "team=b", "--overwrite")).out
    assert "annotate" in (await kubectl("annotate", name, "note=hello world")).out
    metadata = (await kubectl("get", name, "-o", "json")).json()["metadata"]
    assert metadata["labels"]["team"] == "b"
    assert metadata["annotations"]["note"] == "hello world"
    assert "unlabeled" in (await kubectl("label", name, "team-")).out
    await kubectl("patch", name, "--type=merge", "-p", '{"metadata": {"labels": {"m": "1"}}}')
    await kubectl("patch", name, "--type=json", "-p", '[{"op": "add", "path": "/metadata/labels/j", "value": "2"}]')
    labels = (await kubectl("get", name, "-o", "json")).json()["metadata"]["labels"]
    assert (labels["m"], labels["j"]) == ("1", "2")
    live = (await kubectl("get", name, "-o", "json")).json()
    live["metadata"]["labels"]["r"] = "3"
    assert "replaced" in (await kubectl("replace", "-f", "-", stdin=json.dumps(live))).out
    stale = await kubectl("replace", "-f", "-", stdin=json.dumps(live), fails=True)
    assert "the object has been modified" in stale.err
    assert "deleted" in (await kubectl("delete", name, "--grace-period=0", "--force")).out
    assert "NotFound" in (await kubectl("get", name, fails=True)).err
    assert (await kubectl("delete", name, "--ignore-not-found")).out == ""


@pytest.mark.parametrize(("document", "name"), [(POD, "pod/p"), (CICONFIG, "ciconfig/team")], ids=["pod", "ciconfig"])
async def test_apply_makes_and_changes(kubectl: Kubectl, document: str, name: str) -> None:
    assert (await kubectl("apply", "-f", "-", stdin=document)).out.endswith(" created\n")
    assert (await kubectl("apply", "-f", "-", stdin=document)).out.endswith(" unchanged\n")
    changed = document.replace("metadata:\n", "metadata:\n  annotations: {a: b}\n", 1)
    difference = await kubectl("diff", "-f", "-", stdin=changed, fails=True)
    assert difference.code == 1
    assert "+    a: b" in difference.out
    assert "annotations" not in (await kubectl("get", name, "-o", "jsonpath={.metadata.annotations.a}")).out
    assert (await kubectl("apply", "-f", "-", stdin=changed)).out.endswith(" configured\n")
    assert (await kubectl("get", name, "-o", "jsonpath={.metadata.annotations.a}")).out == "b"
    assert (await kubectl("apply", "-f", "-", stdin=document)).out.endswith(" configured\n")
    assert (await kubectl("get", name, "-o", "jsonpath={.metadata.annotations.a}")).out == ""
    assert (await kubectl("diff", "-f", "-", stdin=document)).out == ""
    assert (await kubectl("apply", "view-last-applied", name)).out
    assert "deleted" in (await kubectl("delete", "-f", "-", "--grace-period=0", "--force", stdin=document)).out


@pytest.mark.parametrize(("document", "name"), [(POD, "pod/p"), (CICONFIG, "ciconfig/team")], ids=["pod", "ciconfig"])
async def test_server_side_apply_knows_who_owns_what(kubectl: Kubectl, document: str, name: str) -> None:
    dry = await kubectl("apply", "--server-side", "--dry-run=server", "-f", "-", stdin=document)
    assert "serverside-applied (server dry run)" in dry.out
    assert "NotFound" in (await kubectl("get", name, fails=True)).err
    assert "serverside-applied" in (await kubectl("apply", "--server-side", "-f", "-", stdin=document)).out
    mine = document.replace("metadata:\n", "metadata:\n  annotations: {owner: a}\n", 1)
    await kubectl("apply", "--server-side", "--field-manager=a", "-f", "-", stdin=mine)
    theirs = mine.replace("owner: a", "owner: b")
    conflict = await kubectl("apply", "--server-side", "--field-manager=b", "-f", "-", stdin=theirs, fails=True)
    assert 'conflict with "a"' in conflict.err
    assert ".metadata.annotations.owner" in conflict.err
    await kubectl("apply", "--server-side", "--field-manager=b", "--force-conflicts", "-f", "-", stdin=theirs)
    live = (await kubectl("get", name, "-o", "json", "--show-managed-fields")).json()["metadata"]
    assert live["annotations"]["owner"] == "b"
    assert {"kubectl", "a", "b"} <= {entry["manager"] for entry in live["managedFields"]}
    await kubectl("apply", "--server-side", "--field-manager=b", "-f", "-", stdin=document)
    assert (await kubectl("get", name, "-o", "jsonpath={.metadata.annotations.owner}")).out == ""


async def test_wrong_documents_are_refused_with_every_wrong_field(kubectl: Kubectl) -> None:
    unknown = POD.replace("nodeName: n1", "nodeNam: n1")
    assert 'unknown field "spec.nodeNam"' in (await kubectl("create", "-f", "-", stdin=unknown, fails=True)).err
    applied = (await kubectl("apply", "--server-side", "-f", "-", stdin=unknown, fails=True)).err
    assert ".spec.nodeNam: field not declared in schema" in applied
    warned = await kubectl("create", "--validate=warn", "-f", "-", stdin=unknown)
    assert 'Warning: unknown field "spec.nodeNam"' in warned.err
    wrong = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec:\n  ports: [{port: 0}, {port: 99999}]\n"
    refused = (await kubectl("create", "-f", "-", stdin=wrong, fails=True)).err
    assert "spec.ports[0].port" in refused
    assert "spec.ports[1].port" in refused
    engine = (await kubectl("create", "-f", "-", stdin=CICONFIG.replace("engine: boatyard", "engine: steam"), fails=True)).err
    assert "spec.strategy.master.engine" in engine
    kind = (await kubectl("create", "-f", "-", stdin="apiVersion: v1\nkind: Cake\nmetadata: {name: c}\n", fails=True)).err
    assert 'no matches for kind "Cake"' in kind


async def test_generators_make_objects(kubectl: Kubectl) -> None:
    await kubectl("create", "namespace", "there")
    await kubectl("create", "configmap", "c", "--from-literal=a=1", "--from-literal=b=")
    assert (await kubectl("get", "cm", "c", "-o", "json")).json()["data"] == {"a": "1", "b": ""}
    await kubectl("create", "secret", "generic", "s", "--from-literal=password=x", "-n", "there")
    assert (await kubectl("get", "secret", "s", "-n", "there", "-o", "jsonpath={.data.password} {.type}")).out == "eA== Opaque"
    await kubectl("create", "serviceaccount", "ci")
    token = (await kubectl("create", "token", "ci", "--duration=1h")).out.strip()
    assert token.count(".") == 2
    await kubectl("create", "role", "reader", "--verb=get,list", "--resource=pods,builds.ci.boatyard.dev")
    await kubectl("create", "rolebinding", "readers", "--role=reader", "--serviceaccount=default:ci", "--user=jane")
    rules = (await kubectl("get", "role", "reader", "-o", "json")).json()["rules"]
    assert {"apiGroups": ["ci.boatyard.dev"], "resources": ["builds"], "verbs": ["get", "list"]} in rules
    await kubectl("create", "clusterrole", "viewer", "--verb=get", "--non-resource-url=/metrics")
    await kubectl("create", "clusterrolebinding", "viewers", "--clusterrole=viewer", "--group=ops")
    assert "Role/reader" in (await kubectl("get", "rolebindings")).out
    await kubectl("run", "r", "--image=boatyard.dev/host", "--restart=Never", "--command", "--", "sleep", "1")
    assert "pod/r" in (await kubectl("get", "pods", "-o", "name")).out
    await kubectl("expose", "pod", "r", "--port=80", "--name=r-service")
    assert (await kubectl("get", "service", "r-service", "-o", "jsonpath={.spec.selector.run}")).out == "r"


async def test_edit_sends_back_what_the_editor_made(kubectl: Kubectl, tmp_path: Path) -> None:
    await kubectl("create", "-f", "-", stdin=CICONFIG)
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nsed -i 's/team.git/other.git/' \"$1\"\n")
    editor.chmod(0o755)
    assert "edited" in (await kubectl("edit", "ciconfig", "team", env={"EDITOR": str(editor)})).out
    assert (await kubectl("get", "cic", "team", "-o", "jsonpath={.spec.source.git.url}")).out == "https://git.example/other.git"


async def test_deletes_by_label_and_all(kubectl: Kubectl) -> None:
    for name, team in (("a", "x"), ("b", "x"), ("c", "y")):
        await kubectl("create", "configmap", name)
        await kubectl("label", "configmap", name, f"team={team}")
    gone = (await kubectl("delete", "configmap", "-l", "team=x")).out
    assert gone.count("deleted") == 2
    assert (await kubectl("get", "configmap", "-o", "name")).out == "configmap/c\n"
    await kubectl("delete", "configmap", "--all", "--wait=false")
    assert (await kubectl("get", "configmap", "-o", "name")).out == ""


async def test_a_node_is_cordoned_and_drained(kubectl: Kubectl) -> None:
    await kubectl("create", "-f", "-", stdin=POD)
    await kubectl("cordon", "n1")
    assert "SchedulingDisabled" in (await kubectl("get", "nodes")).out
    planned = await kubectl("drain", "n1", "--force", "--dry-run=server")
    assert "p" in planned.out
    await kubectl("uncordon", "n1")
    assert "SchedulingDisabled" not in (await kubectl("get", "nodes")).out
