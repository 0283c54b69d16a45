"""A pod behind scheduling gates may be told more narrowly where it is to run, until it is let through."""

from __future__ import annotations

from typing import Any

import pytest

from boatyard.machinery.registry.core.pods import validate_pod_update

ZONE = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}
ZONE_AND_DISK = {"matchExpressions": [*ZONE["matchExpressions"], {"key": "disk", "operator": "Exists"}]}
OTHERS = {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}


def to(*terms: dict[str, Any], **more: Any) -> dict[str, Any]:
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": list(terms)}}
    return {"affinity": {"nodeAffinity": required, **more}}


def wrong(before: dict[str, Any], after: dict[str, Any], gates: tuple[str, ...] = ("a.b/c",)) -> list[str]:
    spec = {"containers": [{"name": "a", "image": "b"}], "schedulingGates": [{"name": gate} for gate in gates]}
    return [error.path for error in validate_pod_update({"spec": {**spec, **after}}, {"spec": {**spec, **before}})]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"nodeSelector": {"zone": "a"}}),
        ({"nodeSelector": {"zone": "a"}}, {"nodeSelector": {"zone": "a", "disk": "ssd"}}),
        ({}, to(ZONE)),
        (to(ZONE), to(ZONE_AND_DISK)),
        (to(), to(ZONE, ZONE)),
        ({"affinity": {}}, to(ZONE)),
        ({"affinity": OTHERS}, to(ZONE, **OTHERS)),
        (to(ZONE, **OTHERS), to(ZONE_AND_DISK, **OTHERS)),
    ],
)
def test_it_may_be_narrowed_behind_a_gate_only(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert wrong(before, after) == []
    assert wrong(before, after, gates=()) == ["spec"]


TERMS = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ({"nodeSelector": {"zone": "a"}}, {}, "spec.nodeSelector"),
        ({"nodeSelector": {"zone": "a"}}, {"nodeSelector": {"zone": "b"}}, "spec.nodeSelector"),
        (to(ZONE), {}, TERMS),
        (to(ZONE), to(ZONE, ZONE), TERMS),
        (to(ZONE_AND_DISK), to(ZONE), f"{TERMS}[0]"),
        (to({}), to(ZONE), f"{TERMS}[0]"),
        ({}, {"affinity": OTHERS}, "spec"),
        ({}, {"affinity": {}}, "spec"),
        ({"affinity": {}}, {}, "spec"),
        (to(ZONE), to(ZONE, **OTHERS), "spec"),
    ],
)
def test_it_may_not_be_widened_even_there(before: dict[str, Any], after: dict[str, Any], path: str) -> None:
    assert wrong(before, after) == [path]
