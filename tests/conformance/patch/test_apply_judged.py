"""A real kube-apiserver judges server-side apply: objects, ownership and conflicts after every step of a history."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest

from boatyard.machinery.client.client import Client
from boatyard.machinery.client.kubeconfig import from_kubeconfig
from boatyard.machinery.meta import core
from boatyard.machinery.meta.errors import AlreadyExists, ApiError, NotFound, invalid
from boatyard.machinery.meta.objects import Object, copied
from boatyard.machinery.patch.apply import Door, merge_apply, updated
from boatyard.machinery.patch.field_set import Path
from boatyard.machinery.patch.managers import Manager, written
from boatyard.machinery.patch.merge_patch import merge_patch
from boatyard.machinery.patch.strategic_patch import strategic_patch
from boatyard.machinery.registry.core.defaults import default
from boatyard.machinery.registry.core.normal import normalize
from boatyard.machinery.registry.core.types import core_schema, core_type
from boatyard.machinery.registry.core.validation import validate
from boatyard.machinery.schema.crd import structural_of_crd
from boatyard.machinery.schema.structural import Structural

from .histories import BOATS, DEFINITION, HISTORIES, History, Step

JUDGE = "KUBECONFIG_JUDGE"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not os.environ.get(JUDGE), reason=f"set {JUDGE} to the kubeconfig of a real cluster"),
]


@pytest.fixture
async def judge() -> AsyncIterator[Client]:
    client = from_kubeconfig(os.environ[JUDGE])
    for resource, body, namespace in (
        (core.SERVICE_ACCOUNTS, {"metadata": {"name": "default"}, "automountServiceAccountToken": False}, "default"),
        (core.CUSTOM_RESOURCE_DEFINITIONS, DEFINITION, None),
    ):
        try:
            await client.create(resource, body, namespace)
        except AlreadyExists:
            pass
    for _ in range(1200):
        try:
            await client.list(BOATS, "default")
            break
        except NotFound:
            await asyncio.sleep(0.05)
    yield client
    await client.close()


class Ours:
    """One object, kept by our functions alone."""

    def __init__(self, history: History) -> None:
        self.resource = history.resource
        self.custom = history.resource is BOATS
        self.schema: Structural = structural_of_crd(DEFINITION, "v1", core_type) if self.custom else core_schema(history.resource)
        self.live: Object | None = None
        self.managers: list[Manager] = []

    def step(self, step: Step, body: Object) -> None:
        halves = {"status"} if step.subresource is None else {"spec", "data"}
        reset = tuple((f"f:{half}",) for half in sorted(halves) if self.custom or self.resource is core.PODS)
        door = Door(step.manager, self.resource.api_version, step.subresource or "", reset)
        if step.verb == "apply":
            result, managers = merge_apply(self.live, self.managers, copied(body), door, self.schema, step.force, 0.0)
            self.live, self.managers = self._settled(self._half(copied(result), reset)), managers
            return
        assert self.live is not None
        change = merge_patch if step.verb == "merge" else lambda live, patch: strategic_patch(live, patch, self.schema)
        wanted = self._settled(change(self.live, step.body))
        self.managers = updated(self.live, wanted, self.managers, door, self.schema, 0.0)
        self.live = wanted

    def _half(self, obj: Object, reset: tuple[Path, ...]) -> Object:
        """The object with what can't be set this way as it was, which is the kind's to see to."""
        for (step,) in reset:
            field = step[2:]
            if self.live is not None and field in self.live:
                obj[field] = self.live[field]
            else:
                obj.pop(field, None)
        return obj

    def _settled(self, obj: Object) -> Object:
        if self.custom:
            self.schema.default(obj)
            wrong = self.schema.validate(obj)
        else:
            normalize(self.resource, obj)
            default(self.resource, obj)
            wrong = validate(self.resource, obj, self.live)
        if self.resource is core.PODS:
            obj.setdefault("status", {"phase": "Pending"})
        if wrong:
            raise invalid(self.resource.kind, self.resource.group, obj["metadata"]["name"], wrong)
        return obj


@pytest.mark.parametrize("history", [pytest.param(history, id=history.name) for history in HISTORIES])
async def test_every_step_ends_as_the_judge_says(judge: Client, history: History):
    name = f"history-{history.name}"
    await _gone(judge, history, name)
    ours = Ours(history)
    for step in history.steps:
        body = {"apiVersion": history.resource.api_version, "kind": history.resource.kind, **copied(step.body)}
        body["metadata"] = {"name": name, "namespace": "default", **body.get("metadata", {})}
        theirs = await _told(_send(judge, history, step, name, body))
        mine = _tried(ours, step, body)
        if isinstance(theirs, ApiError):
            assert isinstance(mine, ApiError), f"they refuse: {theirs}"
            if theirs.code == 500:  # a list with doubles is a fault of theirs, a bad request of ours
                assert mine.code == 400
                continue
            assert (type(mine), mine.details.get("causes")) == (type(theirs), theirs.details.get("causes"))
            if theirs.code == 409:
                assert mine.message == theirs.message
            continue
        assert not isinstance(mine, ApiError), f"we refuse: {mine}"
        assert _content(mine) == _content(theirs)
        assert _managers(mine) == _managers(theirs)
    await _gone(judge, history, name)


async def _send(judge: Client, history: History, step: Step, name: str, body: Object) -> Object:
    if step.verb == "apply":
        return await judge.apply(history.resource, body, field_manager=step.manager, force=step.force, subresource=step.subresource)
    kind: Any = step.verb
    return await judge.patch(
        history.resource, name, step.body, "default", type=kind, field_manager=step.manager, subresource=step.subresource
    )


async def _told(answer: Any) -> Object | ApiError:
    try:
        return await answer
    except ApiError as error:
        return error


def _tried(ours: Ours, step: Step, body: Object) -> Object | ApiError:
    try:
        ours.step(step, body)
    except ApiError as error:
        return error
    assert ours.live is not None
    return {**ours.live, "metadata": {**ours.live["metadata"], "managedFields": written(ours.managers)}}


def _content(obj: Object) -> Object:
    """What the writers said, without what the server or admission adds."""
    said = ("labels", "annotations", "finalizers", "ownerReferences")
    metadata = {
        key: obj["metadata"][key] for key in said if obj["metadata"].get(key) not in (None, ["kubernetes.io/pvc-protection"])
    }
    rest = {key: obj.get(key) or {} for key in ("spec", "data")}
    if obj["kind"] == "Pod":
        added = ("tolerations", "priority", "preemptionPolicy", "serviceAccount", "serviceAccountName")
        rest["spec"] = {key: value for key, value in rest["spec"].items() if key not in added}
    if obj["kind"] == "Service":
        added = ("clusterIPs", "ipFamilies", "ipFamilyPolicy")
        rest["spec"] = {key: value for key, value in rest["spec"].items() if key not in added}
    if obj["kind"] == "Boat":
        rest["status"] = obj.get("status") or {}
    return {"metadata": metadata, **rest}


def _managers(obj: Object) -> list[Object]:
    entries = [{key: value for key, value in entry.items() if key != "time"} for entry in obj["metadata"]["managedFields"]]
    return sorted(entries, key=lambda entry: (entry["operation"], entry["manager"], entry.get("subresource", "")))


async def _gone(judge: Client, history: History, name: str) -> None:
    try:
        await judge.patch(history.resource, name, {"metadata": {"finalizers": None}}, "default")
        await judge.delete(history.resource, name, "default", grace_period_seconds=0)
    except NotFound:
        pass
