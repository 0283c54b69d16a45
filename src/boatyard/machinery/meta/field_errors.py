"""Making field errors in Kubernetes' words (apimachinery's ``field`` package)."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.quoting import quoted


def literal(value: Any) -> str:
    """A value as Kubernetes quotes it inside a message."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) or (isinstance(value, int) and 2**63 <= abs(value) < 2**1023):
        return number(float(value))
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def number(value: float) -> str:
    """As Go prints a number with a fraction, or one that is too large for its integers: ``0.5``, ``5000``, ``1e+20``."""
    if not math.isfinite(value):
        return str(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    text, power = "".join(map(str, digits)), len(digits) + int(exponent) - 1
    minus = "-" if sign else ""
    if value and not -4 <= power < _LONGEST_PLAIN:
        return f"{minus}{text[0]}{'.' if text[1:] else ''}{text[1:]}e{'-' if power < 0 else '+'}{abs(power):02d}"
    return minus + f"{Decimal(repr(abs(value))).normalize():f}"


_LONGEST_PLAIN = 6
"""Digits before the point of the largest number that isn't written with an exponent, when it has a type with fractions."""


def required(path: str, told: str = "") -> FieldError:
    """It must be there."""
    return FieldError(path, "FieldValueRequired", f"Required value: {told}" if told else "Required value")


def invalid(path: str, value: Any, told: str) -> FieldError:
    """It is malformed, or may not be this."""
    return FieldError(path, "FieldValueInvalid", f"Invalid value: {literal(value)}: {told}")


def invalid_each(path: str, value: Any, wrong: Iterable[str]) -> list[FieldError]:
    """One error for each thing that a check of ``names`` found."""
    return [invalid(path, value, told) for told in wrong]


def unsupported(path: str, value: Any, allowed: Iterable[Any]) -> FieldError:
    """It isn't one of the words allowed."""
    told = ", ".join(literal(one) for one in allowed)
    return FieldError(path, "FieldValueNotSupported", f"Unsupported value: {literal(value)}: supported values: {told}")


def duplicate(path: str, value: Any) -> FieldError:
    """Another item has the same."""
    return FieldError(path, "FieldValueDuplicate", f"Duplicate value: {literal(value)}")


def forbidden(path: str, told: str) -> FieldError:
    """It may not be there, or not be changed."""
    return FieldError(path, "FieldValueForbidden", f"Forbidden: {told}")


def not_found(path: str, value: Any) -> FieldError:
    """It names something that isn't there."""
    return FieldError(path, "FieldValueNotFound", f"Not found: {literal(value)}")


def too_long(path: str, most_bytes: int) -> FieldError:
    """More bytes than allowed."""
    return FieldError(path, "FieldValueTooLong", f"Too long: may not be more than {most_bytes} byte{_s(most_bytes)}")


def too_many(path: str, found: int, most: int) -> FieldError:
    """More items than allowed."""
    return FieldError(path, "FieldValueTooMany", f"Too many: {found}: must have at most {most} item{_s(most)}")


def _s(number: int) -> str:
    return "" if number == 1 else "s"
