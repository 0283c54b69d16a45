"""From ``kubectl apply`` to ``kubectl apply --server-side``."""

from __future__ import annotations

from typing import Any

import pytest

from boatyard.machinery.meta.errors import Conflict
from boatyard.machinery.patch.apply import merge_apply
from boatyard.machinery.registry.core.types import core_type

CONFIG_MAP = core_type("v1.ConfigMap")


def applied_by_kubectl(text: str) -> dict[str, Any]:
    """As ``kubectl apply`` leaves it, without ``--server-side``."""
    remembered = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"a":"1","b":"2"}}'
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": remembered}
    metadata = {"name": "c", "annotations": annotations}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "1", "b": text, "other": "3"}}


def test_what_kubectl_applied_by_itself_stays_its_own() -> None:
    wanted = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "<new>"}}
    result = merge_apply(applied_by_kubectl("2"), wanted, "kubectl", CONFIG_MAP, False, 0)
    assert result["data"] == {"a": "<new>", "b": "2", "other": "3"}
    owners = {entry["manager"]: entry["fieldsV1"].get("f:data", {}) for entry in result["metadata"]["managedFields"]}
    assert set(owners["kubectl"]) == {"f:a"}
    assert set(owners["kubectl-client-side-apply"]) >= {"f:b"}
    assert set(owners["before-first-apply"]) == {"f:other"}
    assert result["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] == (
        '{"apiVersion":"v1","data":{"a":"\\u003cnew\\u003e"},"kind":"ConfigMap","metadata":{"name":"c"}}\n'
    )


@pytest.mark.parametrize("manager", ["kubectl", "another"])
def test_only_kubectl_may_take_over_and_only_what_is_as_it_was_applied(manager: str) -> None:
    wanted = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"b": "new"}}
    somebody_changed_it = applied_by_kubectl("hand")
    with pytest.raises(Conflict, match="kubectl-client-side-apply"):
        merge_apply(somebody_changed_it, wanted, manager, CONFIG_MAP, False, 0)
    if manager == "another":
        with pytest.raises(Conflict, match="kubectl-client-side-apply"):
            merge_apply(applied_by_kubectl("2"), wanted, manager, CONFIG_MAP, False, 0)
