"""Quantities of resources: ``500m``, ``1.5Gi``, ``2e3``."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache

_FORM = re.compile(r"([+-]?)(\d+\.?\d*|\.\d+)(Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?\d+|n|u|m|k|M|G|T|P|E|)")
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_NANO = Decimal("1e-9")
_LARGEST = Decimal(2**63 - 1)

MALFORMED = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


def parse_quantity(value: str | int | float) -> Decimal:
    """The number that a quantity stands for (bytes, cores, pieces), exact. Finer than a nano is rounded up, larger than
    2^63-1 capped, as Kubernetes does. Raises ValueError with Kubernetes' wording."""
    return _parsed(value) if isinstance(value, str) else _parse(value)


def _parse(value: str | int | float) -> Decimal:
    sign, digits, suffix = _match(value)
    if suffix in _BINARY:
        number = Decimal(digits) * 1024 ** _BINARY[suffix]
    elif suffix in _DECIMAL:
        number = Decimal(digits).scaleb(_DECIMAL[suffix])
    else:
        number = Decimal(digits).scaleb(min(max(int(suffix[1:]), -100), 100))
    if number > _LARGEST:
        number = _LARGEST
    elif number.as_tuple().exponent < -9:  # type: ignore[operator]
        number = number.quantize(_NANO, ROUND_CEILING)
    return -number if sign == "-" else number


_parsed: Callable[[str], Decimal] = lru_cache(maxsize=4096)(_parse)
"""The same few texts are in most documents."""


def format_quantity(number: Decimal | int, *, binary: bool = False) -> str:
    """The canonical text: the largest suffix that leaves no fraction. ``binary`` asks for Ki, Mi, … where they fit."""
    number = Decimal(number)
    if binary and number == number.to_integral_value() and (abs(number) >= 1024 or number == 0):
        whole, power = int(number), 0
        while whole and whole % 1024 == 0 and power < 6:
            whole, power = whole // 1024, power + 1
        return f"{whole}{next((s for s, p in _BINARY.items() if p == power), '')}"
    for suffix, power in sorted(_DECIMAL.items(), key=lambda item: -item[1]):
        scaled = number.scaleb(-power)
        if number and scaled == scaled.to_integral_value():
            return f"{int(scaled)}{suffix}"
    return "0"


def canonical_quantity(value: str | int | float) -> str:
    """The text that Kubernetes stores for ``value``: ``0.5`` becomes ``500m``, ``1.5Gi`` becomes ``1536Mi``. Raises ValueError."""
    _, _, suffix = _match(value)
    number = parse_quantity(value)
    if suffix[:1] in ("e", "E") and len(suffix) > 1:
        return _with_exponent(number)
    return format_quantity(number, binary=suffix in _BINARY)


def _with_exponent(number: Decimal) -> str:
    for power in (18, 15, 12, 9, 6, 3, 0, -3, -6, -9):
        scaled = number.scaleb(-power)
        if number and scaled == scaled.to_integral_value():
            return f"{int(scaled)}e{power}" if power else str(int(scaled))
    return "0"


def _match(value: str | int | float) -> tuple[str, str, str]:
    text = value if isinstance(value, str) else repr(value)
    match = _FORM.fullmatch(text)
    if isinstance(value, bool) or match is None:
        raise ValueError(MALFORMED)
    sign, digits, suffix = match.groups()
    return sign, digits, suffix
