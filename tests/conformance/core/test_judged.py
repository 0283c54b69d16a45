"""A real kube-apiserver judges what we say of documents of Kubernetes' own kinds."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from boatyard.machinery.client.client import Client
from boatyard.machinery.client.kubeconfig import from_kubeconfig
from boatyard.machinery.meta import core, yaml
from boatyard.machinery.meta.errors import AlreadyExists, Invalid
from boatyard.machinery.meta.objects import Object, copied
from boatyard.machinery.registry.core.defaults import default
from boatyard.machinery.registry.core.service_families import settle_families
from boatyard.machinery.registry.core.validation import validate

from .documents import BAD, GOOD, Spoiled

JUDGE = "KUBECONFIG_JUDGE"
WRONG_PODS: list[Any] = [
    case for table in sorted(Path(__file__).parent.glob("wrong_pods*.yaml")) for case in yaml.load(table.read_bytes())
]
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not os.environ.get(JUDGE), reason=f"set {JUDGE} to the kubeconfig of a real cluster"),
]
ADMITTED = ("tolerations", "priority", "preemptionPolicy", "serviceAccountName", "serviceAccount")
"""What admission, not defaulting, puts into a pod."""
ALLOCATED = ("clusterIP", "clusterIPs")


@pytest.fixture
async def judge() -> AsyncIterator[Client]:
    client = from_kubeconfig(os.environ[JUDGE])
    try:
        await client.create(
            core.SERVICE_ACCOUNTS, {"metadata": {"name": "default"}, "automountServiceAccountToken": False}, "default"
        )
    except AlreadyExists:
        pass
    yield client
    await client.close()


def _place(resource: Any) -> str | None:
    return "default" if resource.namespaced else None


def _ours(resource: Any, document: Object) -> Object:
    ours = copied(document)
    ours["metadata"].setdefault("namespace", "default")
    default(resource, ours)
    if resource == core.SERVICES and ours["spec"]["type"] != "ExternalName":
        # What the strategies of these kinds do before their rules are asked.
        if address := ours["spec"].get("clusterIP"):
            ours["spec"].setdefault("clusterIPs", [address])
        settle_families(ours["spec"])
    if resource == core.NAMESPACES:
        ours["spec"].setdefault("finalizers", ["kubernetes"])
    return ours


def _comparable(kind: str, document: Object) -> Object:
    """Without what admission or allocation adds, and without metadata and status."""
    kept = {key: value for key, value in document.items() if key not in ("metadata", "status", "apiVersion", "kind")}
    if kind == "Pod":
        kept["spec"] = {key: value for key, value in kept["spec"].items() if key not in ADMITTED}
    if kind == "Node":
        kept["spec"] = {"taints": [taint for taint in kept["spec"]["taints"] if taint["key"] != "node.kubernetes.io/not-ready"]}
    if kind == "Event":
        kept = {key: value for key, value in kept.items() if key in ("involvedObject", "type", "reason")}
    if kind == "Service":
        kept["spec"] = {key: value for key, value in kept["spec"].items() if key not in ALLOCATED}
    return kept


@pytest.mark.parametrize(
    ("resource", "document"), [pytest.param(*pair, id=f"{pair[1]['kind']}/{pair[1]['metadata']['name']}") for pair in GOOD]
)
async def test_defaults_are_those_of_the_judge(judge: Client, resource, document):
    theirs = await judge.create(resource, document, _place(resource), dry_run=True)
    ours = _ours(resource, document)
    assert validate(resource, ours) == []
    assert _comparable(resource.kind, ours) == _comparable(resource.kind, theirs)


def _said(field: str, reason: str, message: str) -> tuple[str, str, str]:
    """A cause without what is Go's own: how it prints its structs, and paths of its internal types."""
    field = (
        {"[]": ""}.get(field, field)
        .replace("spec.validation.", "spec.versions[0].schema.")
        .replace("metadata.taints", "spec.taints")
    )
    value, bracket, told = message.rpartition("}")
    if bracket and reason in ("FieldValueDuplicate", "FieldValueInvalid") and "value: " in value and "regex" not in message:
        message = told
    return field, reason, message


@pytest.mark.parametrize("spoiled", [pytest.param(one, id=f"{one.name}-{'-'.join(one.changes)}"[:90]) for one in BAD])
async def test_refusals_are_those_of_the_judge(judge: Client, spoiled: Spoiled):
    resource, document = spoiled.document()
    with pytest.raises(Invalid) as refused:
        await judge.create(resource, document, _place(resource), dry_run=True)
    theirs = {_said(cause["field"], cause["reason"], cause["message"]) for cause in refused.value.details["causes"]}
    ours = {_said(error.path, error.type, error.message) for error in validate(resource, _ours(resource, document))}
    assert ours == {cause for cause in theirs if cause[0] != "status.storedVersions"}


@pytest.mark.parametrize("case", WRONG_PODS, ids=[case["wrong"][0][:60] for case in WRONG_PODS])
async def test_of_a_wrong_pod_the_judge_tells_what_the_table_says(judge: Client, case: dict[str, Any]) -> None:
    spec = {"containers": [{"name": "c", "image": "i:1"}], **copied(case["spec"])}
    metadata = {"name": "wrong", "annotations": case.get("annotations", {})}
    with pytest.raises(Invalid) as refused:
        await judge.create(core.PODS, {"metadata": metadata, "spec": spec}, "default", dry_run=True)
    told = {f"{cause['field']}: {cause['message']}".partition(" must consist of")[0] for cause in refused.value.details["causes"]}
    assert sorted(told) == case["wrong"]
