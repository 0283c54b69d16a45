"""Labels, and selectors of labels, inside of objects (apimachinery's ``ValidateLabels``, ``ValidateLabelSelector``)."""

from __future__ import annotations

from collections.abc import Iterator

from boatyard.machinery.meta import names
from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import forbidden, invalid, invalid_each, required
from boatyard.machinery.meta.objects import Object


def validate_labels(labels: dict[str, str] | None, at: str) -> Iterator[FieldError]:
    """Keys and values of labels that something has, or should have; ``at`` names all of them."""
    for key, value in (labels or {}).items():
        yield from invalid_each(at, key, names.qualified_name(key))
        yield from invalid_each(at, value, names.label_value(value))


def validate_label_selector(selector: Object, at: str) -> Iterator[FieldError]:
    """``matchLabels`` and ``matchExpressions``."""
    yield from validate_labels(selector.get("matchLabels"), f"{at}.matchLabels")
    for index, expression in enumerate(selector.get("matchExpressions") or ()):
        yield from validate_expression(expression, f"{at}.matchExpressions[{index}]")


def validate_expression(expression: Object, at: str, *, compares: bool = False) -> Iterator[FieldError]:
    """One of the ``matchExpressions``. ``compares``: it may ask for more or less than a number (``Gt``, ``Lt``), as of nodes."""
    operator, values, key = expression.get("operator", ""), expression.get("values") or [], expression.get("key", "")
    if operator in ("In", "NotIn"):
        if not values:
            yield required(f"{at}.values", "must be specified when `operator` is 'In' or 'NotIn'")
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            yield forbidden(f"{at}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
    elif compares and operator in ("Gt", "Lt"):
        if len(values) != 1:
            yield required(f"{at}.values", "must be specified single value when `operator` is 'Lt' or 'Gt'")
    else:
        yield invalid(f"{at}.operator", operator, "not a valid selector operator")
    yield from invalid_each(f"{at}.key", key, names.qualified_name(key))
    for index, value in enumerate(values):
        yield from invalid_each(f"{at}.values[{index}]", value, names.label_value(value))
