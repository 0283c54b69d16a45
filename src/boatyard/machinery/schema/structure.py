"""Whether a definition's schema is structural, and what is wrong with it (apiextensions' ``validation`` and ``schema``)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import forbidden, invalid, required, unsupported
from boatyard.machinery.meta.objects import copied
from boatyard.machinery.schema import go_regexp
from boatyard.machinery.schema.structural import Schema, Structural
from boatyard.machinery.schema.validation import IMMUTABLE, validate

_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_LIST_TYPES = ("atomic", "set", "map")
_MAP_TYPES = ("atomic", "granular")
_NOT_SUPPORTED = ("id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref")
_CHOICES = ("allOf", "anyOf", "oneOf")
_VALUE_ONLY = {
    "type": "empty", "title": "empty", "description": "empty", "nullable": "false", "default": "undefined",
    "additionalProperties": "undefined", "x-kubernetes-preserve-unknown-fields": "false", "x-kubernetes-embedded-resource": "false",
    "x-kubernetes-int-or-string": "false", "x-kubernetes-list-map-keys": "empty", "x-kubernetes-list-type": "undefined",
    "x-kubernetes-map-type": "undefined",
}  # fmt: skip
"""Keywords that may stand only in the structural part, not inside allOf, anyOf, oneOf, not; what they have to be there."""
_EITHER: list[Schema] = [{"type": "integer"}, {"type": "string"}]
"""What an ``anyOf`` of an int-or-string may be besides."""


def schema_errors(schema: Schema, at: str, *, status: bool = False) -> Iterator[FieldError]:
    """Everything wrong with the schema of a version.

    As in Kubernetes one that can't be read as structural isn't judged as such, defaults are looked at where the structure is right,
    patterns where all is. ``status``: it is written apart.
    """
    wrong = [*_root(schema, at, status), *_keywords(schema, at)]
    if not _unreadable(schema):
        structure = list(_structure(schema, at, "root"))
        wrong += structure or _defaults(schema, at)
    yield from wrong or _patterns(schema, at)


def _root(schema: Schema, at: str, status: bool) -> Iterator[FieldError]:
    if schema.get("nullable"):
        yield forbidden(f"{at}.nullable", "nullable cannot be true at the root")
    if not status:
        return
    if (kind := schema.get("type")) and kind != "object":
        told = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'
        yield invalid(f"{at}.type", kind, told)
    if any(keyword not in _AT_ROOT and value not in (None, False, [], {}) for keyword, value in schema.items()):
        allowed = " ".join(_AT_ROOT.values())
        told = f"only [{allowed}] fields are allowed at the root of the schema if the status subresource is enabled"
        yield invalid(at, schema, told)


_AT_ROOT = {
    "description": "Description", "type": "Type", "format": "Format", "title": "Title", "maximum": "Maximum",
    "exclusiveMaximum": "ExclusiveMaximum", "minimum": "Minimum", "exclusiveMinimum": "ExclusiveMinimum", "maxLength": "MaxLength",
    "minLength": "MinLength", "pattern": "Pattern", "maxItems": "MaxItems", "minItems": "MinItems", "uniqueItems": "UniqueItems",
    "multipleOf": "MultipleOf", "required": "Required", "items": "Items", "properties": "Properties",
    "externalDocs": "ExternalDocs", "example": "Example", "x-kubernetes-preserve-unknown-fields": "XPreserveUnknownFields",
    "x-kubernetes-validations": "XValidations",
}  # fmt: skip
"""What may be said of the whole where the status is written apart: keyword -> its name in Go."""


def _patterns(schema: Schema, at: str) -> Iterator[FieldError]:
    if (pattern := schema.get("pattern")) is not None:
        try:
            go_regexp.finder(pattern)
        except ValueError as error:
            yield invalid(f"{at}.pattern", pattern, f"must be a valid regular expression, but isn't: {error}")
    for part, where in (*_below(schema, at), *_choices(schema, at)):
        yield from _patterns(part, where)


def _below(schema: Schema, at: str) -> Iterator[tuple[Schema, str]]:
    """The schemas that a schema consists of, but for its choices."""
    for name, child in (schema.get("properties") or {}).items():
        yield child, f"{at}.properties[{name}]"
    for keyword in ("items", "additionalProperties"):
        if isinstance(child := schema.get(keyword), dict):
            yield child, f"{at}.{keyword}"


def _choices(schema: Schema, at: str) -> Iterator[tuple[Schema, str]]:
    for keyword in _CHOICES:
        for index, part in enumerate(schema.get(keyword) or ()):
            yield part, f"{at}.{keyword}[{index}]"
    if isinstance(part := schema.get("not"), dict):
        yield part, f"{at}.not"


def _unreadable(schema: Schema) -> bool:
    if any(keyword in schema for keyword in _NOT_SUPPORTED) or isinstance(schema.get("items"), list):
        return True
    if schema.get("x-kubernetes-preserve-unknown-fields") is False:
        return True
    return any(_unreadable(part) for part, _ in (*_below(schema, ""), *_choices(schema, "")))


def _keywords(schema: Schema, at: str, top: str = "") -> Iterator[FieldError]:
    """What no schema may say, structural or not. ``top``: the member that every object has, below which this is."""
    kind = schema.get("type")
    if top and schema.get("default") is not None:
        yield forbidden(f"{at}.default", f"must not be set in top-level {top}")
    if schema.get("uniqueItems"):
        yield forbidden(f"{at}.uniqueItems", "uniqueItems cannot be set to true since the runtime complexity becomes quadratic")
    if kind and kind not in _TYPES:
        yield unsupported(f"{at}.type", kind, _TYPES)
    if kind == "null":
        yield forbidden(f"{at}.type", "type cannot be set to null, use nullable as an alternative")
    for keyword in _NOT_SUPPORTED:
        if keyword in schema:
            yield forbidden(f"{at}.{keyword}", f"{keyword} is not supported")
    if isinstance(schema.get("items"), list):
        yield forbidden(f"{at}.items", "items must be a schema object and not an array")
    if schema.get("properties") and schema.get("additionalProperties", True) is not True:
        yield forbidden(f"{at}.additionalProperties", "additionalProperties and properties are mutual exclusive")
    if schema.get("x-kubernetes-preserve-unknown-fields") is False:
        yield invalid(f"{at}.x-kubernetes-preserve-unknown-fields", False, "must be true or undefined")
    for index, rule in enumerate(schema.get("x-kubernetes-validations") or ()):
        if rule.get("rule") != IMMUTABLE:
            yield forbidden(f"{at}.x-kubernetes-validations[{index}].rule", f"only the rule {IMMUTABLE!r} is supported here")
    yield from _merged_how(schema, at)
    for part, where in (*_below(schema, at), *_choices(schema, at)):
        name = where.removeprefix(at).removeprefix(".properties[").removesuffix("]")
        root = at.endswith(".openAPIV3Schema")
        yield from _keywords(part, where, name if root and name in _OF_EVERY_OBJECT else top)


def _merged_how(schema: Schema, at: str) -> Iterator[FieldError]:
    """How server-side apply merges lists and maps."""
    kind = schema.get("type", "")
    for keyword, allowed, wanted in (("map", _MAP_TYPES, "object"), ("list", _LIST_TYPES, "array")):
        name = f"x-kubernetes-{keyword}-type"
        said = schema.get(name)
        if said is None:
            continue
        if said not in allowed:
            yield unsupported(f"{at}.{name}", said, allowed)
        if kind != wanted:
            told = f"must be {wanted} if {name} is specified"
            yield invalid(f"{at}.type", kind, told) if kind else required(f"{at}.type", told)
    how, keys, item = schema.get("x-kubernetes-list-type"), schema.get("x-kubernetes-list-map-keys") or [], schema.get("items")
    if keys and how != "map":
        where, told = f"{at}.x-kubernetes-list-type", "must be map if x-kubernetes-list-map-keys is non-empty"
        yield required(where, told) if how is None else invalid(where, how, told)
    if how == "map":
        yield from _keyed(keys, item, at)
    if how in ("map", "set") and isinstance(item, dict):
        if item.get("nullable"):
            yield forbidden(f"{at}.items.nullable", f"cannot be nullable when x-kubernetes-list-type is {how}")
        if how == "set" and item.get("type") == "object" and item.get("x-kubernetes-map-type") != "atomic":
            told = "must be atomic as item of a list with x-kubernetes-list-type=set"
            yield invalid(f"{at}.items.x-kubernetes-map-type", item.get("x-kubernetes-map-type"), told)
        if how == "set" and item.get("type") == "array" and item.get("x-kubernetes-list-type", "atomic") != "atomic":
            told = "must be atomic as item of a list with x-kubernetes-list-type=set"
            yield invalid(f"{at}.items.x-kubernetes-list-type", item["x-kubernetes-list-type"], told)


def _keyed(keys: list[str], item: Any, at: str) -> Iterator[FieldError]:
    """A list whose items are told apart by some of their fields."""
    if not keys:
        yield required(f"{at}.x-kubernetes-list-map-keys", "must not be empty if x-kubernetes-list-type is map")
    if item is None:
        yield required(f"{at}.items", "must have a schema if x-kubernetes-list-type is map")
    if not isinstance(item, dict):
        return
    if item.get("type") != "object":
        yield invalid(f"{at}.items.type", item.get("type", ""), "must be object if parent array's x-kubernetes-list-type is map")
    if len(set(keys)) < len(keys):
        yield invalid(f"{at}.x-kubernetes-list-map-keys", keys, "must not contain duplicate entries")
    fields, needed = item.get("properties") or {}, item.get("required") or ()
    for key in keys:
        where, field = f"{at}.items.properties[{key}]", fields.get(key)
        if field is None:
            yield invalid(f"{at}.x-kubernetes-list-map-keys", keys, "entries must all be names of item properties")
            continue
        if field.get("type") in ("array", "object"):
            yield invalid(f"{where}.type", field["type"], "must be a scalar type if parent array's x-kubernetes-list-type is map")
        if key not in needed and "default" not in field:
            told = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"
            yield required(f"{where}.default", told)


_EMPTY_TYPE = {
    "root": "must not be empty at the root",
    "item": "must not be empty for specified array items",
    "field": "must not be empty for specified object fields",
}


def _structure(schema: Schema, at: str, level: str) -> Iterator[FieldError]:
    """Whether every place has a type of its own, and what else makes a schema structural."""
    kind, embedded = schema.get("type", ""), schema.get("x-kubernetes-embedded-resource")
    keeps = schema.get("x-kubernetes-preserve-unknown-fields")
    if level == "root" and schema.get("additionalProperties") not in (None, False):
        yield forbidden(f"{at}.additionalProperties", "must not be used at the root")
    if embedded and kind != "object":
        told = "must be object if x-kubernetes-embedded-resource is true"
        yield invalid(f"{at}.type", kind, told) if kind else required(f"{at}.type", told)
    elif not kind and not keeps and not schema.get("x-kubernetes-int-or-string"):
        yield required(f"{at}.type", _EMPTY_TYPE[level])
    if embedded and schema.get("additionalProperties") not in (None, False):
        yield forbidden(f"{at}.additionalProperties", "must not be used if x-kubernetes-embedded-resource is set")
    if embedded and not keeps and not schema.get("properties"):
        told = "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"
        yield required(f"{at}.properties", told)
    if level == "root" and kind and kind != "object":
        yield invalid(f"{at}.type", kind, "must be object at the root")
    if level == "root" or embedded:
        yield from _frame(schema.get("properties") or {}, at, level)
    if kind == "array" and "items" not in schema:
        yield required(f"{at}.items", "must be specified")
    for part, where in _below(schema, at):
        yield from _structure(part, where, "item" if where == f"{at}.items" else "field")
    yield from _value_parts(schema, at)


_OF_EVERY_OBJECT = {"kind": "string", "apiVersion": "string", "metadata": "object"}


def _frame(fields: dict[str, Schema], at: str, level: str) -> Iterator[FieldError]:
    """The members that every object has."""
    for name, wanted in _OF_EVERY_OBJECT.items():
        if name in fields and fields[name].get("type") != wanted:
            yield invalid(f"{at}.properties[{name}].type", fields[name].get("type", ""), f"must be {wanted}")
    metadata = fields.get("metadata") or {}
    named = not (metadata.get("properties") or {}).keys() - {"name", "generateName"}
    if level == "root" and not (named and metadata.keys() <= {"type", "properties", "default"}):
        told = "must not specify anything other than name and generateName, but metadata is implicitly specified"
        yield forbidden(f"{at}.properties[metadata]", told)


def _value_parts(schema: Schema, at: str) -> Iterator[FieldError]:
    for part, where in _choices(schema, at):
        keyword = where.removeprefix(at)
        if schema.get("x-kubernetes-int-or-string"):
            if keyword.startswith(".anyOf") and schema["anyOf"] == _EITHER:
                continue
            if keyword == ".allOf[0]" and part.get("anyOf") == _EITHER:
                part = {name: value for name, value in part.items() if name != "anyOf"}
        yield from _value_part(part, where)


def _value_part(part: Schema, at: str) -> Iterator[FieldError]:
    for keyword, wanted in _VALUE_ONLY.items():
        if part.get(keyword) not in (None, "", False, []):
            yield forbidden(f"{at}.{keyword}", f"must be {wanted} to be structural")
    if "metadata" in (part.get("properties") or {}):
        yield forbidden(f"{at}.properties[metadata]", "must not be specified in a nested context")
    for child, where in _below({**part, "additionalProperties": None}, at):
        yield from _value_part(child, where)
    for child, where in _choices(part, at):
        yield from _value_part(child, where)


def _defaults(schema: Schema, at: str) -> Iterator[FieldError]:
    """Whether defaults are what their own schemas take."""
    if (default := schema.get("default")) is not None:
        node, whole = Structural(schema), copied(default)
        if node.prune(whole):
            yield invalid(f"{at}.default", default, "must not have unknown fields")
        else:
            for error in validate(node, whole):
                path = f".{error.path}" if error.path and not error.path.startswith("[") else error.path
                yield FieldError(f"{at}.default{path}", error.type, error.message)
    for part, where in _below(schema, at):
        yield from _defaults(part, where)
