"""Values against schemas: every fault of a document at once, in the words of a kube-apiserver."""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import duplicate, invalid, literal, required, too_long, too_many
from boatyard.machinery.meta.quantity import parse_quantity
from boatyard.machinery.meta.timestamps import canonical_micro_time, canonical_time, duration_seconds, parse_time
from boatyard.machinery.schema import go_regexp
from boatyard.machinery.schema.structural import Structural

IMMUTABLE = "self == oldSelf"
"""The one rule of ``x-kubernetes-validations`` that is evaluated; a definition with any other is refused."""
NOT_KEYED = "must be an object for an array of list-type map"
"""What is said of an item without members, where they tell items apart."""


def validate(node: Structural, obj: Any, old: Any = None, at: str = "") -> list[FieldError]:
    """See :meth:`Structural.validate`."""
    return [*_check(node, obj, at, old), *_check_items(node, obj, at)]


def _invalid(path: str, value: Any, told: str) -> FieldError:
    return FieldError(path, "FieldValueInvalid", f"Invalid value: {_shown(value)}: {told}")


def _shown(value: Any) -> str:
    """Objects and lists are shown by their type only."""
    return f'"{_type_of(value)}"' if isinstance(value, (dict, list)) or value is None else literal(value)


def _type_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "integer" if _is_whole(value) else "number"
    return {str: "string", list: "array", dict: "object"}[type(value)]


def _is_whole(value: int | float) -> bool:
    """As Go's decoder has it: what doesn't fit into 64 bits is a number with a fraction, and those are exact up to 53 bits."""
    return _is_64_bit(value) or _is_exact(float(value))


def _is_64_bit(value: int | float) -> bool:
    return isinstance(value, int) and -(2**63) <= value < 2**63


def _is_exact(value: float) -> bool:
    return abs(value) < 2**53 and value.is_integer()


def _is_of(value: Any, wanted: str) -> bool:
    found = _type_of(value)
    return found == wanted or (wanted == "number" and found == "integer")


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _check(node: Structural, value: Any, path: str, old: Any) -> Iterator[FieldError]:
    schema = node.schema
    if value is None:
        wanted = node.type or ("integer,string" if node.int_or_string else "")
        if wanted and not schema.get("nullable"):
            yield _type_error(path, value, wanted)
        return
    if node.int_or_string:
        if not isinstance(value, (int, str)) or isinstance(value, bool):
            yield _type_error(path, value, "integer,string")
            yield from _check_value(schema, value, path)
            return
    elif schema.get("format") == "quantity":
        if not isinstance(value, (int, float, str)) or isinstance(value, bool):
            yield _type_error(path, value, "string")
            return
    elif node.type and not _is_of(value, node.type):
        yield _type_error(path, value, node.type, "" if node.ranged else schema.get("format", ""))
        yield from _check_value(schema, value, path)
        return
    yield from _check_value(schema, value, path)
    if node.ranged:
        yield from _check_range(schema, value, path)
    yield from _check_rules(schema, value, path, old)
    if isinstance(value, dict):
        yield from _check_object(node, value, path, old if isinstance(old, dict) else {})
    elif isinstance(value, list):
        yield from _check_list(node, value, path)


def _type_error(path: str, value: Any, wanted: str, format: str = "") -> FieldError:
    """``format``: the one that a text should have, which is told instead of its type."""
    found = _type_of(value)
    if format in FORMATS and not isinstance(value, str | list) and value is not None:
        wanted = format
        found = "" if isinstance(value, bool | dict) else "int64" if _is_64_bit(value) else "float64"
    told = f'Invalid value: "{found}": {path} in body must be of type {wanted}: "{found}"'
    return FieldError(path, "FieldValueTypeInvalid", told)


def _format_error(path: str, value: Any, wanted: str) -> FieldError:
    told = f"Invalid value: {literal(value)}: {path} in body must be of type {wanted}: {literal(value)}"
    return FieldError(path, "FieldValueTypeInvalid", told)


def _check_object(node: Structural, value: dict[str, Any], path: str, old: dict[str, Any]) -> Iterator[FieldError]:
    for key in node.schema.get("required") or ():
        if key not in value:
            yield required(_below(path, key))
    for key, inner in value.items():
        child = node.child(key)
        if child is not None:
            yield from _check(child, inner, _below(path, key), old.get(key))


def _check_list(node: Structural, value: list[Any], path: str) -> Iterator[FieldError]:
    if "items" in node.schema:
        items = node.items
        for index, inner in enumerate(value):
            yield from _check(items, inner, f"{path}[{index}]", None)


def _check_items(node: Structural, value: Any, path: str) -> Iterator[FieldError]:
    """Whether lists that are sets or maps are such, wherever they are. Keys of maps stand in brackets here, as in Kubernetes."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, dict | list) and (child := node.child(key)) is not None:
                yield from _check_items(child, inner, f"{path}[{key}]" if child is node.additional else _below(path, key))
    elif isinstance(value, list):
        if node.list_type != "atomic":
            yield from _told_apart(node, value, path)
        if "items" in node.schema:
            for index, inner in enumerate(value):
                yield from _check_items(node.items, inner, f"{path}[{index}]")


def _told_apart(node: Structural, value: list[Any], path: str) -> Iterator[FieldError]:
    keyed = node.list_type == "map"
    for index, inner in enumerate(value) if keyed else ():
        if inner is not None and not isinstance(inner, dict):
            # Of the first alone it is told, and then nothing of which others are the same.
            yield invalid(f"{path}[{index}]", inner, NOT_KEYED)
            return
    seen: dict[str, int] = {}
    for index, inner in enumerate(value):
        if keyed:
            inner = {key: inner[key] for key in node.map_keys if key in inner} if inner else {}
        told = literal(inner)
        seen[told] = seen.get(told, 0) + 1
        if seen[told] == 2:
            yield duplicate(f"{path}[{index}]", inner)


def _check_rules(schema: dict[str, Any], value: Any, path: str, old: Any) -> Iterator[FieldError]:
    for rule in schema.get("x-kubernetes-validations") or ():
        if rule.get("rule") == IMMUTABLE and old is not None and old != value:
            yield _invalid(path, value, rule.get("message") or f"failed rule: {IMMUTABLE}")


def _check_value(schema: dict[str, Any], value: Any, path: str) -> Iterator[FieldError]:
    """The keywords that constrain a value of the right type."""
    yield from _check_enum(schema, value, path)
    if isinstance(value, str):
        yield from _check_text(schema, value, path)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield from _check_number(schema, value, path)
    elif isinstance(value, list):
        if (most := schema.get("maxItems")) is not None and len(value) > most:
            yield too_many(path, len(value), most)
        if (least := schema.get("minItems")) is not None and len(value) < least:
            yield FieldError(
                path, "FieldValueInvalid", f"Invalid value: {len(value)}: {path} in body should have at least {least} items"
            )
    elif isinstance(value, dict):
        if (most := schema.get("maxProperties")) is not None and len(value) > most:
            yield too_many(path, len(value), most)
        if (least := schema.get("minProperties")) is not None and len(value) < least:
            yield _invalid(path, len(value), f"{path} in body should have at least {least} properties")
    yield from _check_combined(schema, value, path)


def _check_enum(schema: dict[str, Any], value: Any, path: str) -> Iterator[FieldError]:
    if (allowed := schema.get("enum")) and not any(_is_same(value, one) for one in allowed):
        told = ", ".join(literal(one if isinstance(one, str) else literal(one)) for one in allowed)
        yield FieldError(path, "FieldValueNotSupported", f"Unsupported value: {literal(value)}: supported values: {told}")


def _is_same(value: Any, allowed: Any) -> bool:
    """Whether ``value``, read as what ``allowed`` is, is that: of a number with a fraction only the whole part counts where whole
    ones are allowed, and a whole one is a character where texts are, as Go converts them."""
    if isinstance(value, bool) or isinstance(allowed, bool):
        return value is allowed
    if isinstance(value, float) and isinstance(allowed, int):
        return int(value) == allowed
    if isinstance(value, int) and isinstance(allowed, str):
        return allowed == (chr(value) if 0 <= value < 0x110000 else "\ufffd")
    return value == allowed


def _check_text(schema: dict[str, Any], value: str, path: str) -> Iterator[FieldError]:
    if (most := schema.get("maxLength")) is not None and len(value) > most:
        yield too_long(path, most)
    elif (least := schema.get("minLength")) is not None and len(value) < least:
        yield _invalid(path, value, f"{path} in body should be at least {least} chars long")
    elif (pattern := schema.get("pattern")) is not None:
        try:
            found = go_regexp.finder(pattern)(value)
        except ValueError as error:  # of a definition that is stored already
            found, pattern = False, f"{pattern}, but pattern is invalid: {error}"
        if not found:
            yield _invalid(path, value, f"{path} in body should match '{pattern}'")
    fits = FORMATS.get(schema.get("format", ""))
    if fits is not None and not fits(value):
        yield _format_error(path, value, schema["format"])


def _check_number(schema: dict[str, Any], value: int | float, path: str) -> Iterator[FieldError]:
    if (least := schema.get("minimum")) is not None:
        if schema.get("exclusiveMinimum") and value <= least:
            yield _invalid(path, value, f"{path} in body should be greater than {least:g}")
        elif value < least:
            yield _invalid(path, value, f"{path} in body should be greater than or equal to {least:g}")
    if (most := schema.get("maximum")) is not None:
        if schema.get("exclusiveMaximum") and value >= most:
            yield _invalid(path, value, f"{path} in body should be less than {most:g}")
        elif value > most:
            yield _invalid(path, value, f"{path} in body should be less than or equal to {most:g}")
    if (step := schema.get("multipleOf")) and not _is_multiple(value, step):
        yield _invalid(path, value, f"{path} in body should be a multiple of {step:g}")


def _is_multiple(value: int | float, step: int | float) -> bool:
    """Of numbers that don't fit into 64 bits, and those with a fraction, the quotient must be exact."""
    if _is_64_bit(value):
        return not Decimal(value) % Decimal(repr(step))
    quotient = float(value) / step
    return _is_exact(quotient) or (abs(quotient) < 2**53 and not Decimal(repr(value)) % Decimal(repr(step)))


def _check_range(schema: dict[str, Any], value: Any, path: str) -> Iterator[FieldError]:
    bits = BITS.get(schema.get("format", ""))
    if bits and isinstance(value, int) and not -(2**bits) <= value < 2**bits:
        yield _format_error(path, value, schema["format"])


BITS = {"int32": 31, "int64": 63}
"""How many bits besides the sign an integer of a format has."""


def _check_combined(schema: dict[str, Any], value: Any, path: str) -> Iterator[FieldError]:
    """``allOf``, ``anyOf``, ``oneOf``, ``not``: value validations only, as structural schemas allow.

    Where one of several should fit and none does, the faults of the best are told too, as a kube-apiserver chooses it: the one of
    which most was looked at.
    """
    if whole := [part for part in schema.get("allOf") or () if "$ref" not in part]:
        faults = [list(_check(Structural(part), value, path, None)) for part in whole]
        for found in faults:
            yield from found
        told = [found for part, found in zip(whole, faults, strict=True) if not part.get("x-boatyard-own")]
        if any(told):
            yield _combined(path, f"must validate all the schemas (allOf){'. None validated' if all(told) else ''}")
    if schema.get("format") in ("int-or-string", "quantity"):
        return
    if parts := schema.get("anyOf"):
        faults = [list(_check(Structural(part), value, path, None)) for part in parts]
        if all(faults):
            yield _combined(path, "must validate at least one schema (anyOf)")
            yield from _best(parts, faults, value)
    if parts := schema.get("oneOf"):
        faults = [list(_check(Structural(part), value, path, None)) for part in parts]
        fitting = sum(not found for found in faults)
        if fitting != 1:
            how = "Found none valid" if not fitting else f"Found {fitting} valid alternatives"
            yield _combined(path, f"must validate one and only one schema (oneOf). {how}")
            if not fitting:
                yield from _best(parts, faults, value)
    if (part := schema.get("not")) is not None and _fits(part, value):
        yield _combined(path, "must not validate the schema (not)")


def _combined(path: str, told: str) -> FieldError:
    """As Kubernetes has it: without the value."""
    return _invalid(path, "", f'"{path}" {told}')


def _best(parts: list[dict[str, Any]], faults: list[list[FieldError]], value: Any) -> list[FieldError]:
    looked_at = [_looked_at(part, value) for part in parts]
    return faults[looked_at.index(max(looked_at))]


def _looked_at(schema: dict[str, Any], value: Any) -> int:
    """How many values a part of a schema says something about."""
    count = 1
    if isinstance(value, dict):
        count += sum(_looked_at(part, value[key]) for key, part in (schema.get("properties") or {}).items() if key in value)
    elif isinstance(value, list) and isinstance(part := schema.get("items"), dict):
        count += sum(_looked_at(part, inner) for inner in value)
    return count


def _fits(schema: dict[str, Any], value: Any) -> bool:
    return next(_check(Structural(schema), value, "", None), None) is None


def _reads(parse: Callable[[str], Any]) -> Callable[[str], bool]:
    def fits(value: str) -> bool:
        try:
            parse(value)
        except ValueError:
            return False
        return True

    return fits


def _date(value: str) -> None:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        raise ValueError(value)
    parse_time(value + "T00:00:00Z")


def _cidr(value: str) -> None:
    if "/" not in value:
        raise ValueError(value)
    ipaddress.ip_network(value, strict=False)


def _base64(value: str) -> None:
    base64.b64decode(value.replace("\r", "").replace("\n", ""), validate=True)


FORMATS: dict[str, Callable[[str], bool]] = {
    "date-time": _reads(parse_time),
    "time": _reads(canonical_time),
    "micro-time": _reads(canonical_micro_time),
    "quantity": _reads(parse_quantity),
    "date": _reads(_date),
    "byte": _reads(_base64),
    "duration": _reads(duration_seconds),
    "ipv4": _reads(ipaddress.IPv4Address),
    "ipv6": _reads(ipaddress.IPv6Address),
    "cidr": _reads(_cidr),
    "uuid": lambda value: re.fullmatch(r"[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}", value) is not None,
    "email": lambda value: re.fullmatch(r"[^@\s]+@[^@\s]+", value) is not None,
}
"""Formats whose values are checked; unknown ones are only words."""
