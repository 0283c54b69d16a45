"""What is wrong with a CustomResourceDefinition: its names, its versions, and whether its schema is structural."""

from __future__ import annotations

import re
from collections.abc import Iterator

from boatyard.machinery.meta import names
from boatyard.machinery.meta.conditions import is_true
from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import forbidden, invalid, invalid_each, required, unsupported
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.schema.structural import Schema
from boatyard.machinery.schema.validation import IMMUTABLE

_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_VALUE_ONLY = ("type", "description", "default", "nullable", "additionalProperties")
"""Keywords that may stand only in the structural part, not inside allOf, anyOf, oneOf, not."""


def validate_definition(crd: Object, old: Object | None = None) -> Iterator[FieldError]:
    """Everything wrong with a definition, or with a change of ``old``. Expressions other than the one for immutability are refused,
    not ignored."""
    spec = crd.get("spec") or {}
    group, kinds = spec.get("group", ""), spec.get("names") or {}
    name = (crd.get("metadata") or {}).get("name", "")
    if old is None and name != f"{kinds.get('plural', '')}.{group}":
        yield invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group')
    if not group:
        yield required("spec.group")
    else:
        yield from invalid_each("spec.group", group, names.dns1123_subdomain(group))
    if spec.get("scope") not in ("Cluster", "Namespaced"):
        yield (
            required("spec.scope") if not spec.get("scope") else unsupported("spec.scope", spec["scope"], ("Cluster", "Namespaced"))
        )
    for field in ("plural", "kind"):
        value = kinds.get(field, "")
        if not value:
            yield required(f"spec.names.{field}")
        elif wrong := names.dns1035_label(value.lower() if field == "kind" else value):
            yield invalid(f"spec.names.{field}", value, "; ".join(wrong))
    if (spec.get("conversion") or {}).get("strategy", "None") != "None":
        yield forbidden("spec.conversion.strategy", "conversion by webhook is not supported")
    yield from _versions(spec)
    if old is not None:
        yield from _kept(spec, old)


def _kept(spec: Object, old: Object) -> Iterator[FieldError]:
    """What of a definition stays, as ``ValidateCustomResourceDefinitionUpdate`` of apiextensions has it; and the stored version:
    nobody here writes the objects anew."""
    before, served = old["spec"], is_true(old, "Established")
    for path, always in ((("group",), True), (("names", "plural"), True), (("names", "kind"), served), (("scope",), served)):
        was, value = before, spec
        for step in path:
            was, value = was.get(step) or {}, value.get(step) or {}
        if always and value != was:
            yield invalid(".".join(("spec", *path)), value or "", "field is immutable")
    was_stored, stored = _stored_version(before), _stored_version(spec)
    if was_stored and stored and was_stored != stored:
        yield forbidden("spec.versions", f"changing the storage version (from {was_stored} to {stored}) is not supported")


def _stored_version(spec: Object) -> str:
    stored = [version.get("name", "") for version in spec.get("versions") or () if version.get("storage")]
    return stored[0] if len(stored) == 1 else ""


def _versions(spec: Object) -> Iterator[FieldError]:
    versions = spec.get("versions") or []
    if not versions:
        yield required("spec.versions", "must have at least one version")
        return
    stored = sum(bool(version.get("storage")) for version in versions)
    if stored != 1:
        yield invalid("spec.versions", versions, "must have exactly one version marked as storage version")
    seen: set[str] = set()
    for index, version in enumerate(versions):
        at, name = f"spec.versions[{index}]", version.get("name", "")
        yield from invalid_each(f"{at}.name", name, names.dns1035_label(name))
        if name in seen:
            yield invalid("spec.versions", versions, "must contain unique version names")
        seen.add(name)
        if stored == 1 and version.get("served") and not version.get("storage"):
            yield forbidden(f"{at}.served", "only the storage version can be served here")
        schema = (version.get("schema") or {}).get("openAPIV3Schema")
        if schema is None:
            yield required(f"{at}.schema.openAPIV3Schema")
        elif schema.get("type") != "object":
            yield invalid(f"{at}.schema.openAPIV3Schema.type", schema.get("type", ""), "must be object at the root")
        else:
            yield from structural_errors(schema, f"{at}.schema.openAPIV3Schema")


def structural_errors(schema: Schema, at: str) -> Iterator[FieldError]:
    """Why a schema isn't structural, or uses what isn't supported here."""
    kind = schema.get("type")
    open_ = schema.get("x-kubernetes-preserve-unknown-fields") or schema.get("x-kubernetes-int-or-string")
    if not kind and not open_:
        yield required(f"{at}.type", "must not be empty for specified object fields")
    elif kind and kind not in _TYPES:
        yield unsupported(f"{at}.type", kind, _TYPES)
    if "$ref" in schema:
        yield forbidden(f"{at}.$ref", "$ref is not supported")
    if schema.get("uniqueItems"):
        yield forbidden(f"{at}.uniqueItems", "uniqueItems cannot be set to true since the runtime complexity becomes quadratic")
    if "properties" in schema and schema.get("additionalProperties") not in (None, False):
        yield forbidden(f"{at}.additionalProperties", "additionalProperties and properties are mutual exclusive")
    if kind == "array" and "items" not in schema:
        yield required(f"{at}.items", "must be specified")
    yield from _keywords(schema, at)
    for name, child in (schema.get("properties") or {}).items():
        yield from structural_errors(child, f"{at}.properties[{name}]")
    for keyword in ("items", "additionalProperties"):
        if isinstance(child := schema.get(keyword), dict):
            yield from structural_errors(child, f"{at}.{keyword}")
    for keyword in ("allOf", "anyOf", "oneOf"):
        for index, part in enumerate(schema.get(keyword) or ()):
            if not schema.get("x-kubernetes-int-or-string"):
                yield from _value_part(part, f"{at}.{keyword}[{index}]")
    if isinstance(part := schema.get("not"), dict):
        yield from _value_part(part, f"{at}.not")


def _keywords(schema: Schema, at: str) -> Iterator[FieldError]:
    for index, rule in enumerate(schema.get("x-kubernetes-validations") or ()):
        if rule.get("rule") != IMMUTABLE:
            told = f"only the rule {IMMUTABLE!r} is supported here"
            yield forbidden(f"{at}.x-kubernetes-validations[{index}].rule", told)
    if (pattern := schema.get("pattern")) is not None:
        try:
            re.compile(pattern)
        except re.error as error:
            yield invalid(f"{at}.pattern", pattern, f"must be a valid regular expression, but isn't: {error}")
    kind = schema.get("x-kubernetes-list-type")
    if kind is not None and kind not in ("atomic", "map", "set"):
        yield unsupported(f"{at}.x-kubernetes-list-type", kind, ("atomic", "map", "set"))
    if kind == "map":
        keys = schema.get("x-kubernetes-list-map-keys") or []
        if not keys:
            yield required(f"{at}.x-kubernetes-list-map-keys", "must not be empty if x-kubernetes-list-type is map")
        item = schema.get("items") or {}
        for index, key in enumerate(keys):
            child = (item.get("properties") or {}).get(key)
            if child is None:
                yield invalid(f"{at}.x-kubernetes-list-map-keys[{index}]", key, "entries must all be names of item properties")
            elif key not in (item.get("required") or ()) and "default" not in child:
                told = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"
                yield required(f"{at}.items.properties[{key}].default", told)


def _value_part(part: Schema, at: str) -> Iterator[FieldError]:
    for keyword in _VALUE_ONLY:
        if keyword in part:
            yield forbidden(f"{at}.{keyword}", "must be empty to be structural")
    for name, child in (part.get("properties") or {}).items():
        yield from _value_part(child, f"{at}.properties[{name}]")
