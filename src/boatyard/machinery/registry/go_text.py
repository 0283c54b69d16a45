"""Values as Kubernetes writes them into errors: as Go prints them."""

from __future__ import annotations

from typing import Any

from boatyard.machinery.meta.errors import Invalid
from boatyard.machinery.meta.quoting import quoted


class Unreadable(Invalid):
    """What a patch made of an object is no such object. The reason is Invalid: by it kubectl edit knows that the editor is to be
    opened again."""

    look_on = False
    """Whether the rest is to be looked at, too, before that is said."""


def refused(difference: Any, why: str) -> Unreadable:
    """What is said of a patch whose outcome can't be read; it is shown as ``"map[metadata:map[labels:<nil>] ports:[80 443]]"``."""
    told = f"Invalid value: {quoted(text(difference))}: {why}"
    causes = [{"reason": "FieldValueInvalid", "message": told, "field": "patch"}]
    return Unreadable(f' "" is invalid: patch: {told}', {"causes": causes})


def text(value: Any) -> str:
    """A value as Go prints it."""
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{text(value[key])}' for key in sorted(value))}]"
    if isinstance(value, list):
        return f"[{' '.join(text(item) for item in value)}]"
    if value is None:
        return "<nil>"
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def go_type(value: Any) -> str:
    """The type that a value of decoded JSON has in Go."""
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
        return "float64"
    return _TYPES.get(type(value), "<nil>")


_TYPES: dict[type, str] = {
    dict: "map[string]interface {}", list: "[]interface {}", str: "string", bool: "bool", int: "int64", float: "float64",
}  # fmt: skip
