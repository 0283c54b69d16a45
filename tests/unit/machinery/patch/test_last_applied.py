"""From ``kubectl apply`` to ``kubectl apply --server-side``."""

from __future__ import annotations

from typing import Any

import pytest

from boatyard.machinery.meta.errors import Conflict
from boatyard.machinery.patch.apply import Door, merge_apply, updated
from boatyard.machinery.patch.managers import Manager
from boatyard.machinery.registry.core.types import core_type

CONFIG_MAP = core_type("v1.ConfigMap")


DOOR = Door("kubectl", "v1")


def applied_by_kubectl(text: str) -> dict[str, Any]:
    """As ``kubectl apply`` leaves it, without ``--server-side``."""
    told = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"a":"1","b":"2"}}'
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": told}
    metadata = {"name": "c", "annotations": annotations}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "1", "b": text, "other": "3"}}


def wanted(**data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": data}


def made_by_kubectl(live: dict[str, Any]) -> list[Manager]:
    return updated(None, live, [], Door("kubectl-client-side-apply", "v1"), CONFIG_MAP, 0)


def test_kubectl_goes_on_with_what_it_applied_by_itself() -> None:
    live = applied_by_kubectl("2")
    result, managers = merge_apply(live, made_by_kubectl(live), wanted(a="<new>"), DOOR, CONFIG_MAP, False, 0)
    assert result["data"] == {"a": "<new>", "b": "2", "other": "3"}
    owners = {manager.name: manager.fields.tree.get("f:data", {}) for manager in managers}
    assert set(owners["kubectl"]) == {"f:a"} and set(owners["kubectl-client-side-apply"]) == {".", "f:b", "f:other"}
    assert result["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] == (
        '{"apiVersion":"v1","data":{"a":"\\u003cnew\\u003e"},"kind":"ConfigMap","metadata":{"name":"c"}}\n'
    )


def test_only_kubectl_may_and_only_with_what_is_as_it_was_applied() -> None:
    somebody_changed_it, as_it_was = applied_by_kubectl("hand"), applied_by_kubectl("2")
    for live, manager in ((somebody_changed_it, "kubectl"), (somebody_changed_it, "another"), (as_it_was, "another")):
        with pytest.raises(Conflict, match="kubectl-client-side-apply"):
            merge_apply(live, made_by_kubectl(live), wanted(b="new"), Door(manager, "v1"), CONFIG_MAP, False, 0)


def test_only_what_it_did_not_apply_is_told_as_a_conflict() -> None:
    live = applied_by_kubectl("2")
    with pytest.raises(Conflict, match="1 conflict") as told:
        merge_apply(live, made_by_kubectl(live), wanted(a="x", b="x", other="x"), DOOR, CONFIG_MAP, False, 0)
    assert [cause["field"] for cause in told.value.details["causes"]] == [".data.other"]


def test_an_object_from_before_ownership_was_tracked_is_taken_over_as_well() -> None:
    result, managers = merge_apply(applied_by_kubectl("2"), [], wanted(a="x"), DOOR, CONFIG_MAP, False, 0)
    assert result["data"]["a"] == "x"
    assert sorted(manager.name for manager in managers) == ["before-first-apply", "kubectl"]
