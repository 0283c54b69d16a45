"""A real kube-apiserver judges the strategic merge patch, on the kind that lets all of a pod's spec change: PodTemplate."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from typing import Any

import pytest

from boatyard.machinery.client.client import Client
from boatyard.machinery.client.kubeconfig import from_kubeconfig
from boatyard.machinery.meta import core
from boatyard.machinery.meta.errors import AlreadyExists, ApiError, invalid
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.patch.strategic_patch import strategic_patch
from boatyard.machinery.registry.core.defaults import default
from boatyard.machinery.registry.core.types import core_schema
from boatyard.machinery.registry.core.validation import validate

JUDGE = "KUBECONFIG_JUDGE"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not os.environ.get(JUDGE), reason=f"set {JUDGE} to the kubeconfig of a real cluster"),
]

TEMPLATE: Object = {
    "apiVersion": "v1",
    "kind": "PodTemplate",
    "metadata": {"name": "patched", "labels": {"a": "1"}},
    "template": {
        "metadata": {"labels": {"x": "1", "y": "2"}, "finalizers": ["a.io/a", "a.io/b"]},
        "spec": {
            "containers": [
                {
                    "name": "a",
                    "image": "a:1",
                    "args": ["1", "2"],
                    "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                    "ports": [{"containerPort": 53}, {"containerPort": 53, "protocol": "UDP"}, {"containerPort": 80}],
                    "volumeMounts": [{"name": "v", "mountPath": "/v"}, {"name": "w", "mountPath": "/w"}],
                },
                {"name": "b", "image": "b:1"},
                {"name": "c", "image": "c:1"},
            ],
            "volumes": [{"name": "v", "emptyDir": {}}, {"name": "w", "configMap": {"name": "c"}}],
            "tolerations": [{"key": "a", "operator": "Exists"}],
            "imagePullSecrets": [{"name": "s"}],
            "nodeSelector": {"n": "1"},
            "securityContext": {"runAsUser": 5},
        },
    },
}


def spec(**fields: Any) -> Object:
    return {"template": {"spec": fields}}


def container(**fields: Any) -> Object:
    return spec(containers=[{"name": "a", **fields}])


PATCHES = [
    {"metadata": {"labels": {"a": None, "b": "2"}}},
    container(image="a:2"),
    container(env=[{"name": "B", "value": "3"}, {"name": "C", "value": "4"}]),
    container(env=[{"name": "A", "$patch": "delete"}]),
    container(env=[{"$patch": "replace"}, {"name": "Z", "value": "26"}]),
    container(env=[{"name": "C", "value": "3"}], **{"$setElementOrder/env": [{"name": "C"}, {"name": "B"}, {"name": "A"}]}),
    container(args=["3"]),
    container(args=None),
    container(ports=[{"containerPort": 80, "name": "http"}]),
    container(ports=[{"containerPort": 53, "name": "dns"}]),
    container(ports=[{"containerPort": 53, "protocol": "UDP", "$patch": "delete"}]),
    container(volumeMounts=[{"mountPath": "/w", "readOnly": True}]),
    container(volumeMounts=[{"mountPath": "/w", "$patch": "delete"}, {"mountPath": "/x", "name": "v"}]),
    spec(containers=[{"name": "b", "$patch": "delete"}]),
    spec(containers=[{"name": "d", "image": "d:1"}, {"name": "b", "image": "b:2"}]),
    spec(containers=[{"name": "c", "$patch": "replace", "image": "c:9"}]),
    spec(**{"$setElementOrder/containers": [{"name": "c"}, {"name": "a"}, {"name": "b"}]}),
    spec(
        containers=[{"name": "d", "image": "d:1"}], **{"$setElementOrder/containers": [{"name": "d"}, {"name": "c"}, {"name": "a"}]}
    ),
    spec(containers=[{"name": "b", "$patch": "delete"}], **{"$setElementOrder/containers": [{"name": "c"}, {"name": "a"}]}),
    spec(volumes=[{"name": "v", "$retainKeys": ["name", "secret"], "secret": {"secretName": "s"}}]),
    spec(volumes=[{"name": "w", "$retainKeys": ["name", "emptyDir"], "configMap": None, "emptyDir": {"medium": "Memory"}}]),
    spec(volumes=[{"name": "v", "emptyDir": None, "hostPath": {"path": "/h"}}]),
    spec(tolerations=[{"key": "b", "operator": "Exists"}]),
    spec(imagePullSecrets=[{"name": "t"}]),
    spec(nodeSelector={"$patch": "replace", "m": "2"}),
    spec(nodeSelector={"$patch": "delete"}),
    spec(nodeSelector=None, securityContext={"runAsUser": None, "runAsGroup": 6}),
    spec(affinity={"nodeAffinity": None}, hostname=None),
    spec(affinity={"podAffinity": {"$patch": "replace"}}),
    {"template": {"metadata": {"finalizers": ["a.io/c"], "$deleteFromPrimitiveList/finalizers": ["a.io/a"]}}},
    {"template": {"metadata": {"finalizers": ["a.io/c"], "$setElementOrder/finalizers": ["a.io/c", "a.io/b"]}}},
    {"template": {"metadata": {"labels": {"x": None, "z": "3"}, "annotations": {"k": "v"}}}},
    {"template": {"$patch": "merge", "spec": {"hostNetwork": True}}},
    # refused
    container(env=[{"value": "3"}]),
    container(**{"$patch": "shuffle"}),
    spec(volumes=[{"name": "v", "$retainKeys": ["name"], "secret": {"secretName": "s"}}]),
    spec(containers=["x"]),
]


@pytest.fixture
async def judge() -> AsyncIterator[Client]:
    client = from_kubeconfig(os.environ[JUDGE])
    try:
        await client.create(core.POD_TEMPLATES, TEMPLATE, "default")
    except AlreadyExists:
        pass
    yield client
    await client.close()


@pytest.mark.parametrize("patch", [pytest.param(patch, id=str(index)) for index, patch in enumerate(PATCHES)])
async def test_patches_do_what_they_do_there(judge: Client, patch: Object):
    live = await judge.get(core.POD_TEMPLATES, "patched", "default")
    try:
        mine: Object | ApiError = strategic_patch(live, patch, core_schema(core.POD_TEMPLATES))
        default(core.POD_TEMPLATES, mine)
        if wrong := validate(core.POD_TEMPLATES, mine):
            raise invalid("PodTemplate", "", "patched", wrong)
    except ApiError as error:
        mine = error
    try:
        theirs = await judge.patch(core.POD_TEMPLATES, "patched", patch, "default", type="strategic", dry_run=True)
    except ApiError as error:
        assert isinstance(mine, ApiError), f"they refuse: {error}"
        return
    assert not isinstance(mine, ApiError), f"we refuse: {mine}"
    assert mine["template"] == theirs["template"]
    assert mine["metadata"].get("labels") == theirs["metadata"].get("labels")
