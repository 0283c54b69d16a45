"""Histories of applies and other writes: what a real kube-apiserver is asked to do, step by step."""

from __future__ import annotations

from typing import Any, NamedTuple

from boatyard.machinery.meta import core
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource

BOATS = Resource("sea.example.com", "v1", "boats", "Boat")
DEFINITION: Object = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "boats.sea.example.com"},
    "spec": {
        "group": "sea.example.com",
        "scope": "Namespaced",
        "names": {"plural": "boats", "kind": "Boat", "singular": "boat", "listKind": "BoatList"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {
                                    "hull": {"type": "string"},
                                    "box": {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}},
                                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                                    "ports": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
                                    "whole": {"type": "array", "items": {"type": "string"}},
                                    "planks": {
                                        "type": "array",
                                        "x-kubernetes-list-type": "map",
                                        "x-kubernetes-list-map-keys": ["name", "side"],
                                        "items": {
                                            "type": "object",
                                            "required": ["name"],
                                            "properties": {
                                                "name": {"type": "string"},
                                                "side": {"type": "string", "default": "left"},
                                                "length": {"type": "integer"},
                                            },
                                        },
                                    },
                                    "marks": {
                                        "type": "object",
                                        "x-kubernetes-map-type": "atomic",
                                        "additionalProperties": {"type": "string"},
                                    },
                                },
                            },
                            "status": {"type": "object", "properties": {"phase": {"type": "string"}, "seen": {"type": "integer"}}},
                        },
                    }
                },
            }
        ],
    },
}


class Step(NamedTuple):
    """One write. ``verb`` is apply, merge or strategic."""

    verb: str
    manager: str
    body: Object
    force: bool = False
    subresource: str | None = None


class History(NamedTuple):
    """Writes to one object, the first of which makes it."""

    name: str
    resource: Resource
    steps: list[Step]


def apply(manager: str, force: bool = False, subresource: str | None = None, **body: Any) -> Step:
    return Step("apply", manager, body, force, subresource)


def merge(manager: str, subresource: str | None = None, **body: Any) -> Step:
    return Step("merge", manager, body, False, subresource)


def strategic(manager: str, **body: Any) -> Step:
    return Step("strategic", manager, body)


def _spec(**fields: Any) -> Object:
    return {"spec": fields}


TIMES = {"lastProbeTime": "2026-01-01T00:00:00Z", "lastTransitionTime": "2026-01-01T00:00:00Z"}
"""Go writes them as null where they are absent."""
HTTP = {"name": "http", "port": 80}
CONTAINER = {"name": "a", "image": "i:1"}

HISTORIES = [
    History("sharing-and-giving-up", core.CONFIG_MAPS, [
        apply("one", data={"a": "1", "b": "2"}),
        apply("two", data={"a": "1", "c": "3"}),
        apply("one", data={"b": "2"}),
        apply("two", data={"c": "3"}),
        apply("one", data={}),
        apply("one"),
    ]),
    History("conflict-and-force", core.CONFIG_MAPS, [
        apply("one", data={"a": "1", "b": "2"}),
        apply("two", data={"a": "9"}),
        apply("two", data={"a": "9", "b": "8"}),
        apply("two", force=True, data={"a": "9"}),
        apply("one", data={"b": "2"}),
        apply("one", data={"a": "1", "b": "2"}),
    ]),
    History("updates-take-ownership", core.CONFIG_MAPS, [
        apply("one", data={"a": "1", "b": "2"}, metadata={"labels": {"x": "y"}}),
        merge("editor", data={"a": "9", "d": "4"}),
        merge("editor", data={"b": None}, metadata={"annotations": {"n": "o"}}),
        apply("one", data={"a": "1", "b": "2"}),
        apply("one", force=True, data={"a": "1", "b": "2"}),
        merge("other", data={"d": "5"}),
        merge("other", data={"d": "5"}),
    ]),
    History("finalizers-and-owners", core.CONFIG_MAPS, [
        apply("one", metadata={"finalizers": ["x.io/a", "x.io/b"]}),
        apply("two", metadata={"finalizers": ["x.io/c", "x.io/a"]}),
        apply("one", metadata={"finalizers": ["x.io/b"]}),
        apply("two", metadata={"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u-1"}]}),
        merge("three", metadata={"finalizers": None}),
    ]),
    History("service-ports", core.SERVICES, [
        apply("one", **_spec(ports=[HTTP, {"name": "tls", "port": 443}], clusterIP="None", selector={"a": "b"})),
        apply("two", **_spec(ports=[{"port": 53, "protocol": "UDP", "name": "dns"}, HTTP])),
        apply("two", **_spec(ports=[{"port": 53, "protocol": "UDP", "name": "dns", "targetPort": 5353}])),
        apply("one", **_spec(ports=[{"name": "tls", "port": 443}], clusterIP="None", selector={"a": "c"})),
        apply("two", **_spec(selector={"a": "d"})),
    ]),
    History("pods", core.PODS, [
        apply("one", **_spec(containers=[{**CONTAINER, "ports": [{"containerPort": 80}], "env": [{"name": "A", "value": "1"}]}])),
        merge("editor", metadata={"labels": {"x": "y"}}),
        strategic("editor", **_spec(containers=[{"name": "a", "image": "i:2"}])),
        apply("one", **_spec(containers=[{**CONTAINER, "ports": [{"containerPort": 80}], "env": [{"name": "A", "value": "1"}]}])),
        apply("one", metadata={"annotations": {"a": "b"}}, **_spec(containers=[{"name": "a", "image": "i:1"}])),
    ]),
    History("pod-status", core.PODS, [
        apply("one", **_spec(containers=[CONTAINER], nodeName="n"), status={"phase": "Running"}),
        merge("kubelet", "status", status={"phase": "Running", "conditions": [{"type": "Ready", "status": "True", **TIMES}]}),
        apply("judge", subresource="status", status={"conditions": [{"type": "Mine", "status": "True"}]}),
        apply("judge", subresource="status", status={"conditions": [{"type": "Ready", "status": "False"}]}),
        apply("judge", subresource="status", force=True, status={"conditions": [{"type": "Ready", "status": "False"}]}),
    ]),
    History("volumes-and-keys", core.PERSISTENT_VOLUME_CLAIMS, [
        apply("one", **_spec(accessModes=["ReadWriteOnce"], storageClassName="s", resources={"requests": {"storage": "1024Mi"}})),
        apply("two", metadata={"labels": {"a": "b"}}, **_spec(resources={"requests": {"storage": "1Gi"}})),
    ]),
    History("lists-keep-order", BOATS, [
        apply("one", **_spec(planks=[{"name": n, "length": 1} for n in "abc"])),
        apply("two", **_spec(planks=[{"name": n, "length": 2} for n in "dcxa"], ports=["p", "q"]), force=True),
        apply("one", **_spec(planks=[{"name": n, "length": 1} for n in "cb"], ports=["r", "q"])),
        apply("two", **_spec(planks=[{"name": "x", "side": "right"}], ports=["q"])),
        apply("two", **_spec(ports=["s"])),
    ]),
    History("atoms", BOATS, [
        apply("one", **_spec(whole=["a"], marks={"m": "1"}, hull="wood")),
        apply("two", **_spec(whole=["a"], marks={"m": "1"})),
        apply("two", **_spec(whole=["a", "b"])),
        apply("two", **_spec(whole=["a", "b"]), force=True),
        apply("two", **_spec(marks={"m": "1", "n": "2"})),
    ]),
    History("free-form", BOATS, [
        apply("one", **_spec(free={"a": {"b": 1, "c": [1, 2]}, "d": "x"})),
        apply("two", **_spec(free={"a": {"e": 2}, "d": "x"})),
        apply("two", **_spec(free={"a": {"c": [3]}})),
        apply("one", **_spec(free={"d": "x"})),
        apply("one", **_spec(free={})),
    ]),
    History("empty-things", BOATS, [
        apply("one", **_spec(box={}, free={}, hull="")),
        apply("two", **_spec(box={"a": "1"})),
        apply("one", **_spec(hull="")),
        apply("two", **_spec(hull="x")),
        merge("editor", **_spec(box=None, hull="y")),
        apply("one"),
    ]),
    History("status-apart", BOATS, [
        apply("one", **_spec(hull="wood"), status={"phase": "Ignored"}),
        apply("two", subresource="status", status={"phase": "Floating"}),
        merge("two", "status", status={"seen": 5}),
        apply("three", subresource="status", status={"phase": "Sunk", "seen": 5}),
        apply("two", subresource="status", status={}),
        apply("one", **_spec(hull="steel")),
    ]),
    History("bad-lists", BOATS, [
        apply("one", **_spec(planks=[{"name": "a"}])),
        apply("one", **_spec(planks=[{"length": 1}, {"name": "b"}])),
        apply("one", **_spec(planks=[{"name": "a"}, {"name": "a", "side": "left"}])),
        apply("one", **_spec(planks=[{"name": "a", "side": "right"}, {"name": "a"}])),
    ]),
]  # fmt: skip
