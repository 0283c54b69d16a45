"""The same random calls to a real kube-apiserver and to the registry end the same way."""

from __future__ import annotations

import os
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from boatyard.machinery.client.client import Client
from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.meta.core import CONFIG_MAPS, CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES
from boatyard.machinery.meta.errors import AlreadyExists, ApiError
from boatyard.machinery.meta.objects import copied
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.world import RealWorld
from boatyard.machinery.store.memory import MemoryStore

from .subjects import JUDGE
from .widgets import WIDGETS, definition, served

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not os.environ.get(JUDGE), reason=f"set {JUDGE} to the kubeconfig of a real cluster"),
]
CALLS = 300
SEEDS = [1, 2, 3, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(4, 24))]
_OWN = ("uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "managedFields")
Call = Callable[[Client], Awaitable[Any]]


def comparable(value: Any) -> Any:
    """Without what each server gives by itself."""
    if isinstance(value, dict):
        return {key: comparable(inner) for key, inner in value.items() if key not in _OWN}
    return [comparable(inner) for inner in value] if isinstance(value, list) else value


async def outcome(call: Awaitable[Any]) -> Any:
    """What came of it. Which code a malformed document gets is told apart no further: Kubernetes says 500 to some."""
    try:
        return comparable(await call)
    except ApiError as error:
        return error.code if error.code in (404, 409) else "refused"


class Calls:
    """Random calls, the same for the same seed."""

    def __init__(self, seed: int, namespace: str) -> None:
        self.random = random.Random(seed)
        self.namespace = namespace

    def _some(self, likely: float, **choices: list[Any]) -> dict[str, Any]:
        return {field: self.random.choice(values) for field, values in choices.items() if self.random.random() < likely}

    def next(self) -> tuple[str, Call]:
        """What it is, for the report, and how to make it."""
        resource = self.random.choice([WIDGETS, WIDGETS, CONFIG_MAPS])
        name, verb = (
            self.random.choice("xy"),
            self.random.choice(["create", "merge", "merge", "json", "status", "delete", "apply", "apply"]),
        )
        metadata = {"name": name, "namespace": self.namespace}
        own = self._some(0.3, labels=[{"a": "b"}, {"a": "c"}], finalizers=[["k.x/a"], ["k.x/a", "k.x/b"]])
        body: dict[str, Any] = {"data": {"a": self.random.choice(["1", "2"])}}
        if resource is WIDGETS:
            parts = [[{"name": "a"}], [{"name": "b", "count": 2}, {"name": "a"}], [{"count": 1}]]
            spec = self._some(0.5, color=["red", "green", "blue"], serial=["1", "2"], parts=parts, typo=[1])
            body = {"spec": {"size": self.random.choice([1, 2, 2, 3, 0, "x"]), **spec}, "status": {"phase": "P"}}
        whole = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {**metadata, **own}, **body}
        namespace, told = self.namespace, f"{verb} {resource.kind} {name} {own} {body}"
        if verb == "create":
            return told, lambda client: client.create(resource, copied(whole), namespace)
        if verb == "delete":
            return told, lambda client: client.delete(resource, name, namespace)
        if verb == "json":
            path = self.random.choice(["/spec/size", "/metadata/labels", "/data/a", "/metadata/finalizers/0", "/spec/parts/0"])
            patch = [
                {
                    "op": self.random.choice(["add", "remove", "test"]),
                    "path": path,
                    "value": self.random.choice([1, "x", {"a": "b"}]),
                }
            ]
            return f"json {resource.kind} {name} {patch}", lambda client: client.patch(
                resource, name, patch, namespace, type="json"
            )
        if verb == "apply":
            manager, force = self.random.choice(["m1", "m2"]), self.random.random() < 0.5
            return f"{told} by {manager} {force}", lambda client: client.apply(
                resource, copied(whole), field_manager=manager, force=force
            )
        subresource = "status" if verb == "status" and resource is WIDGETS else None
        # Kubernetes takes what it drops from a status for owned, or forgets all owners over it: that isn't ours to repeat.
        own = {} if subresource else self._some(0.5, labels=[None, {"a": None}], finalizers=[None, [], ["k.x/b"]])
        change = {"status": body["status"]} if subresource else {"metadata": own, **body}
        told = f"{told} {own} {subresource}"
        return told, lambda client: client.patch(resource, name, copied(change), namespace, subresource=subresource)


async def prepared(client: Client, namespace: str) -> None:
    for resource, body in ((NAMESPACES, {"metadata": {"name": namespace}}), (CUSTOM_RESOURCE_DEFINITIONS, definition())):
        try:
            await client.create(resource, body)
        except AlreadyExists:
            pass
    await served(client, WIDGETS)
    for resource in (WIDGETS, CONFIG_MAPS):
        for obj in (await client.list(resource, namespace)).items:
            if obj["metadata"]["name"] in "xy":
                await outcome(client.patch(resource, obj["metadata"]["name"], {"metadata": {"finalizers": None}}, namespace))
                await outcome(client.delete(resource, obj["metadata"]["name"], namespace))


@pytest.mark.parametrize("seed", SEEDS)
async def test_the_same_calls_end_the_same_way(seed: int) -> None:
    from boatyard.machinery.client.kubeconfig import from_kubeconfig

    registry = Registry(MemoryStore(), RealWorld())
    await registry.start()
    ours, judge = EmbeddedClient(registry), from_kubeconfig(os.environ[JUDGE])
    namespace = f"suite-differential-{seed}"
    calls = Calls(seed, namespace)
    try:
        for client in (ours, judge):
            await prepared(client, namespace)
        for number in range(CALLS):
            told, call = calls.next()
            said, wanted = await outcome(call(ours)), await outcome(call(judge))
            assert said == wanted, f"call {number}: {told}"
    finally:
        await judge.close()
