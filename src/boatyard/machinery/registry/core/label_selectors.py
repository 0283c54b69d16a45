"""Label selectors inside of objects (apimachinery's ``ValidateLabelSelector``)."""

from __future__ import annotations

from collections.abc import Iterator

from boatyard.machinery.meta import names
from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import forbidden, invalid, invalid_each, required
from boatyard.machinery.meta.objects import Object


def validate_label_selector(selector: Object, at: str) -> Iterator[FieldError]:
    """``matchLabels`` and ``matchExpressions``."""
    for key, value in (selector.get("matchLabels") or {}).items():
        yield from invalid_each(f"{at}.matchLabels", key, names.qualified_name(key))
        yield from invalid_each(f"{at}.matchLabels", value, names.label_value(value))
    for index, expression in enumerate(selector.get("matchExpressions") or ()):
        yield from _expression(expression, f"{at}.matchExpressions[{index}]")


def _expression(expression: Object, at: str) -> Iterator[FieldError]:
    operator, values, key = expression.get("operator", ""), expression.get("values") or [], expression.get("key", "")
    if operator in ("In", "NotIn"):
        if not values:
            yield required(f"{at}.values", "must be specified when `operator` is 'In' or 'NotIn'")
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            yield forbidden(f"{at}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
    else:
        yield invalid(f"{at}.operator", operator, "not a valid selector operator")
    yield from invalid_each(f"{at}.key", key, names.qualified_name(key))
    for index, value in enumerate(values):
        yield from invalid_each(f"{at}.values[{index}]", value, names.label_value(value))
