"""Values as errors quote them."""

from __future__ import annotations

from typing import Any

import pytest

from boatyard.machinery.meta.field_errors import literal


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("a b", '"a b"'), ("ü☃", '"ü☃"'), ('a"b\\', r'"a\"b\\"'), ("\0\x1b\x7f", r'"\x00\x1b\x7f"'), ("\a\n\t", r'"\a\n\t"'),
        ("\x85\u200b", r'"\u0085\u200b"'), ("\U000e0001", r'"\U000e0001"'),
        (True, "true"), (5, "5"), (2**70, "1.1805916207174113e+21"), (["a", 1], '["a",1]'), (None, "null"),
    ],
)  # fmt: skip
def test_literals(value: Any, told: str) -> None:
    assert literal(value) == told
