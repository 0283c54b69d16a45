"""The quick yes: a document that is right as it stands, known at a twentieth of what it costs to say what is wrong with one.

:func:`accepts` promises only one direction. True means that pruning would remove nothing and validation would find nothing; False
means nothing, and whoever asks takes the long way. Checks are compiled from the schema, a closure per node, when first needed.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from boatyard.machinery.meta.field_errors import literal
from boatyard.machinery.meta.quantity import canonical_quantity
from boatyard.machinery.meta.timestamps import canonical_micro_time, canonical_time
from boatyard.machinery.schema import go_regexp
from boatyard.machinery.schema.structural import Structural
from boatyard.machinery.schema.validation import BITS, FORMATS

Check: TypeAlias = Callable[[Any], bool]


EITHER = [{"type": "integer"}, {"type": "string"}]
"""What an int-or-string may be said to be besides, which is nothing new."""


class Mode(NamedTuple):
    """What acceptance has to mean."""

    stored: bool = False
    """There is an older version of the document: rules that compare with it are left to the long way."""
    normal: bool = False
    """The form in which Kubernetes keeps its own objects: canonical quantities and times, no empty optional lists and maps."""
    loose: bool = False
    """Undeclared fields are no matter (the parts of an ``allOf``)."""
    partial: bool = False
    """Only the fields of an object that have changed: those that must be there are there already."""


def accepts(node: Structural, value: Any, *, stored: bool = False, normal: bool = False, partial: bool = False) -> bool:
    """Whether ``value`` is certainly right. See :class:`Mode`."""
    return _check_of(node, Mode(stored, normal, partial=partial))(value)


def _check_of(node: Structural, mode: Mode) -> Check:
    found = node.quick.get(mode)
    if found is None:
        found = node.quick[mode] = _compile(node, mode)
    return found


def _no(value: Any) -> bool:
    return False


def _any(value: Any) -> bool:
    return True


def _text(value: Any) -> bool:
    return type(value) is str


def _never(value: Any) -> bool:
    return False


def _compile(node: Structural, mode: Mode) -> Check:
    schema = node.schema
    if schema.get("x-kubernetes-validations") and mode.stored:
        return _no
    check = _plain(node, mode)
    if schema.get("format") in ("int-or-string", "quantity"):
        return check
    if schema.get("x-kubernetes-int-or-string") and not schema.keys() & {"allOf", "oneOf", "not"}:
        return check if schema.get("anyOf", EITHER) == EITHER else _no
    if any(keyword in schema for keyword in ("anyOf", "oneOf", "not")):
        return _no
    parts = [part for part in schema.get("allOf") or () if "$ref" not in part]
    if parts:
        return _all(check, [_check_of(Structural(part), mode._replace(loose=True)) for part in parts])
    return check


def _all(check: Check, others: list[Check]) -> Check:
    return lambda value: check(value) and all(other(value) for other in others)


def _plain(node: Structural, mode: Mode) -> Check:
    schema = node.schema
    if node.int_or_string:
        plain = not schema.keys() & {"enum", "pattern", "minimum", "maximum", "minLength", "maxLength"}
        return (lambda value: type(value) is int or type(value) is str) if plain else _no
    if schema.get("format") == "quantity":
        return _is_canonical if mode.normal else _is_quantity
    match node.type:
        case "string" if schema.get("format") in _CANONICAL and mode.normal:
            return _CANONICAL[schema["format"]]
        case "string":
            return _string(schema)
        case "integer" | "number":
            return _number(schema, node.type, node.ranged)
        case "boolean":
            return (lambda value: type(value) is bool) if "enum" not in schema else _no
        case "array":
            return _array(node, mode)
        case "object":
            return _object(node, mode)
    if mode.loose:
        return _object(node, mode) if "properties" in schema else _string(schema)
    return _any if not schema.keys() & _CONSTRAINTS else _no


_CONSTRAINTS = {"enum", "pattern", "minimum", "maximum", "minLength", "maxLength", "format", "required", "properties", "items"}


def _is_canonical(value: Any) -> bool:
    return type(value) is str and _is_canonical_text(value)


@lru_cache(maxsize=8192)
def _is_canonical_text(value: str) -> bool:
    return FORMATS["quantity"](value) and canonical_quantity(value) == value


def _is_canonical_base64(value: Any) -> bool:
    if type(value) is not str:
        return False
    try:
        return base64.b64encode(base64.b64decode(value, validate=True)).decode() == value
    except ValueError:
        return False


def _is_kept_as(canonical: Callable[[str], str]) -> Check:
    """Whether a text is one of this form already."""

    def check(value: Any) -> bool:
        try:
            return type(value) is str and canonical(value) == value
        except ValueError:
            return False

    return check


_CANONICAL: dict[str, Check] = {
    "byte": _is_canonical_base64, "time": _is_kept_as(canonical_time), "micro-time": _is_kept_as(canonical_micro_time)
}  # fmt: skip


def _is_quantity(value: Any) -> bool:
    return type(value) is str and FORMATS["quantity"](value)


def _string(schema: dict[str, Any]) -> Check:
    fits, allowed = FORMATS.get(schema.get("format", "")), schema.get("enum")
    least, most, pattern = schema.get("minLength", 0), schema.get("maxLength"), schema.get("pattern")
    if fits is None and not allowed and not least and most is None and pattern is None:
        return _text
    try:
        found = go_regexp.finder(pattern) if pattern is not None else None
    except ValueError:
        return _never  # validation says why

    def check(value: Any) -> bool:
        return (
            type(value) is str
            and (not allowed or value in allowed)
            and len(value) >= least
            and (most is None or len(value) <= most)
            and (found is None or found(value))
            and (fits is None or fits(value))
        )

    return check


def _number(schema: dict[str, Any], wanted: str, ranged: bool) -> Check:
    if schema.keys() & {"enum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}:
        return _no
    bits = BITS.get(schema.get("format", ""), 0) if ranged else 63
    low, high = (-(2**bits), 2**bits - 1) if bits else (None, None)
    least = max((bound for bound in (schema.get("minimum"), low) if bound is not None), default=None)
    most = min((bound for bound in (schema.get("maximum"), high) if bound is not None), default=None)
    types = (int,) if wanted == "integer" else (int, float)

    def check(value: Any) -> bool:
        return type(value) in types and (least is None or value >= least) and (most is None or value <= most)

    return check


def _array(node: Structural, mode: Mode) -> Check:
    schema = node.schema
    least, most, kind, map_keys = schema.get("minItems", 0), schema.get("maxItems"), node.list_type, node.map_keys
    if "enum" in schema:
        return _no
    if not node.ranged and any("default" in node.items.properties.get(key, {}) for key in map_keys):
        # Items that differ as they stand may have the same keys once they have their defaults.
        return lambda value: type(value) is list and not value and not least
    item: Check | None = None
    has_items = "items" in schema

    def check(value: Any) -> bool:
        nonlocal item
        if type(value) is not list or len(value) < least or (most is not None and len(value) > most):
            return False
        if not value:
            return True
        if has_items:
            if item is None:
                # Rules below a list have nothing older to compare with.
                item = _check_of(node.items, mode._replace(stored=False))
            for each in value:
                if not item(each):
                    return False
        if kind == "atomic" or len(value) < 2:
            return True
        return _is_distinct(value, kind, map_keys)

    return check


def _is_distinct(value: list[Any], kind: str, map_keys: tuple[str, ...]) -> bool:
    if kind == "map":
        keys = [tuple(each.get(key) for key in map_keys) for each in value if type(each) is dict]
        try:
            return len(set(keys)) == len(value)
        except TypeError:
            return False
    return len({literal(each) for each in value}) == len(value)


def _object(node: Structural, mode: Mode) -> Check:
    schema = node.schema
    required: tuple[str, ...] = () if mode.partial else tuple(schema.get("required") or ())
    if node.embedded or schema.keys() & {"enum", "minProperties", "maxProperties"}:
        return _no
    declared = node.properties
    keeps_unknown = node.preserves_unknown or mode.loose
    mode = mode._replace(partial=False)
    children: dict[str, Check] = {}
    values: Check | None = None

    def below(key: str) -> Check:
        nonlocal values
        if key in declared:
            child = node.child(key)
            assert child is not None
            children[key] = found = _filled(child, mode) if _may_be_empty(node, key, child, mode) else _check_of(child, mode)
            return found
        if node.additional is not None:
            if values is None:
                values = _check_of(node.additional, mode)
            return values
        return _any if keeps_unknown else _no

    def check(value: Any) -> bool:
        if type(value) is not dict:
            return False
        for key, inner in value.items():
            test = children.get(key) or below(key)
            if test is _text:
                if type(inner) is not str:
                    return False
            elif not test(inner):
                return False
        for key in required:  # noqa: SIM110 - this runs for every object of every write
            if key not in value:
                return False
        return True

    return check


def _may_be_empty(node: Structural, key: str, child: Structural, mode: Mode) -> bool:
    """Whether Kubernetes' form leaves the field out when it has no entries, or says nothing."""
    if not mode.normal or not node.may_lack(key) or node.additional is not None:
        return False
    return child.listed or child.additional is not None or node.omits(key)


def _filled(child: Structural, mode: Mode) -> Check:
    check = _check_of(child, mode)
    return lambda value: bool(value) and check(value)
