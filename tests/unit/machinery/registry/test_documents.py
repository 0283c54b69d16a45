from __future__ import annotations

from typing import Any

import pytest

from boatyard.machinery.registry import documents


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("spec.nodeName", "n"), ("spec", {"nodeName": "n", "hostNetwork": True}), ("spec.hostNetwork", True), ("spec.none", None),
        ("status.phase", None), ("none.at.all", None), ("metadata.name.below", None), ("count", 3),
    ],
)  # fmt: skip
def test_one_field_is_read_without_the_rest(path: str, found: Any) -> None:
    spec = {"nodeName": "n", "hostNetwork": True}
    value = documents.encode({"metadata": {"name": "x"}, "spec": spec, "status": None, "count": 3, "list": [1]})
    assert documents.field_reader(path)(value) == found
