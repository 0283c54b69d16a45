"""Every rule for pods that Kubernetes has and somebody may break, in its words (``tests/conformance/core/wrong_pods*.yaml``, which
a real one judges)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from boatyard.machinery.meta import core, yaml
from boatyard.machinery.meta.objects import copied
from boatyard.machinery.registry.core.defaults import default
from boatyard.machinery.registry.core.validation import validate

TABLES = Path(__file__).parents[4] / "conformance/core"
RIGHT = [{"name": "c", "image": "i:1"}]
TOLD_AT_LENGTH = " must consist of"
CASES: list[Any] = [case for table in sorted(TABLES.glob("wrong_pods*.yaml")) for case in yaml.load(table.read_bytes())]


@pytest.mark.parametrize("case", CASES, ids=[case["wrong"][0][:60] for case in CASES])
def test_all_that_is_wrong_is_told_as_kubernetes_does(case: dict[str, Any]) -> None:
    metadata = {"name": "x", "annotations": case.get("annotations", {})}
    pod = {"metadata": metadata, "spec": {"containers": copied(RIGHT), **copied(case["spec"])}}
    default(core.PODS, pod)
    told = {f"{error.path}: {error.message}".partition(TOLD_AT_LENGTH)[0] for error in validate(core.PODS, pod)}
    assert sorted(told) == case["wrong"]
