"""Quantities: values and canonical texts as Kubernetes has them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boatyard.machinery.meta.quantity import canonical_quantity, format_quantity, parse_quantity


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("500m", Decimal("0.5")),
        ("1.5Gi", 1536 * 2**20),
        ("2e3", 2000),
        ("2E", 2 * 10**18),
        ("1E3", 1000),
        (".5", Decimal("0.5")),
        ("5.", 5),
        ("-1k", -1000),
        ("+1", 1),
        ("100n", Decimal("1e-7")),
        (2, 2),
        (0.5, Decimal("0.5")),
        ("0.1n", Decimal("1e-9")),
        ("1e30", 2**63 - 1),
        ("8Ei", 2**63 - 1),
    ],
)
def test_values(text, value):
    assert parse_quantity(text) == value


@pytest.mark.parametrize("text", ["", "1 Gi", "Gi", "1KB", "1ki", "0x1", "1e", ".", "--1", "1.1.1", "1Gi\n", "1mi", True])
def test_nonsense_is_refused(text):
    with pytest.raises(ValueError, match="quantities must match"):
        parse_quantity(text)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("0.5", "500m"),
        ("1000m", "1"),
        ("1.5Gi", "1536Mi"),
        ("1024Mi", "1Gi"),
        ("1000", "1k"),
        ("0", "0"),
        ("0Gi", "0"),
        ("512", "512"),
        ("0.5Ki", "512"),
        ("1e3", "1e3"),
        ("1500e-3", "1500e-3"),
        ("100e3", "100e3"),
        ("2000k", "2M"),
        ("-1500m", "-1500m"),
        (1.5, "1500m"),
        ("1.1Ki", "1126400m"),
        ("1500", "1500"),
    ],
)
def test_canonical_texts(text, canonical):
    assert canonical_quantity(text) == canonical


def test_numbers_are_formatted_with_the_largest_suffix_that_fits():
    assert format_quantity(1536 * 2**20, binary=True) == "1536Mi"
    assert format_quantity(2 * 10**6) == "2M"
    assert format_quantity(0) == "0"


@given(st.decimals(-(10**12), 10**12, places=6), st.booleans())
def test_formatting_loses_nothing(number, binary):
    assert parse_quantity(format_quantity(number, binary=binary)) == number


@given(st.from_regex(r"[0-9]{1,6}(\.[0-9]{1,4})?(Ki|Mi|Gi|m|k|M|e[0-9]|)", fullmatch=True))
def test_canonical_is_the_same_value_and_comes_to_rest(text):
    """A binary amount without a binary unit is written plainly, and is a decimal one when it is read again: 62.5Ki, 64000, 64k."""
    canonical = canonical_quantity(text)
    again = canonical_quantity(canonical)
    assert parse_quantity(canonical) == parse_quantity(again) == parse_quantity(text)
    assert canonical_quantity(again) == again
