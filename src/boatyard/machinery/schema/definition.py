"""What is wrong with a CustomResourceDefinition: its names, its versions and what they say besides the schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from boatyard.machinery.meta import names
from boatyard.machinery.meta.conditions import is_true
from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import duplicate, forbidden, invalid, required, unsupported
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.schema.structural import Schema
from boatyard.machinery.schema.structure import schema_errors

_SCOPES = ("Cluster", "Namespaced")
_COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
_COLUMN_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
_SCALE_PATHS = {
    "specReplicasPath": (".spec",), "statusReplicasPath": (".status",), "labelSelectorPath": (".spec", ".status")
}  # fmt: skip
_SIMPLE = "must be a simple json path starting with ."


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
    elif wrong := names.dns1123_subdomain(group):
        yield invalid("spec.group", group, ",".join(wrong))
    elif "." not in group:
        yield invalid("spec.group", group, "should be a domain with at least one dot")
    if spec.get("scope") not in _SCOPES:
        yield required("spec.scope") if not spec.get("scope") else unsupported("spec.scope", spec["scope"], _SCOPES)
    if spec.get("preserveUnknownFields"):
        told = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
        yield invalid("spec.preserveUnknownFields", True, told)
        if any(_has_default((version.get("schema") or {}).get("openAPIV3Schema")) for version in spec.get("versions") or ()):
            yield invalid("spec.preserveUnknownFields", True, "must be false in order to use defaults in the schema")
    yield from _names(kinds)
    strategy = (spec.get("conversion") or {}).get("strategy", "None")
    if spec.get("preserveUnknownFields") and strategy != "None":
        yield invalid("spec.conversion.strategy", strategy, "must be None if spec.preserveUnknownFields is true")
    if strategy == "Webhook":
        yield forbidden("spec.conversion.strategy", "conversion by webhook is not supported")
    elif strategy != "None":
        yield unsupported("spec.conversion.strategy", strategy, ("None", "Webhook"))
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


def _has_default(schema: Any) -> bool:
    if isinstance(schema, list):
        return any(map(_has_default, schema))
    if not isinstance(schema, dict):
        return False
    below = [*(schema.get("properties") or {}).values(), *(schema.get(keyword) for keyword in _HOLDING_SCHEMAS)]
    return schema.get("default") is not None or any(map(_has_default, below))


_HOLDING_SCHEMAS = ("items", "additionalProperties", "allOf", "anyOf", "oneOf", "not")


def _names(kinds: Object) -> Iterator[FieldError]:
    for field in ("plural", "singular", "kind", "listKind"):
        value = kinds.get(field, "")
        mixed = field.lower().endswith("kind")
        if not value:
            yield required(f"spec.names.{field}")
        elif wrong := names.dns1035_label(value.lower() if mixed else value):
            told = "may have mixed case, but should otherwise match: " if mixed else ""
            yield invalid(f"spec.names.{field}", value, told + ",".join(wrong))
    if kinds.get("kind") and kinds["kind"] == kinds.get("listKind"):
        yield invalid("spec.names.listKind", kinds["listKind"], "kind and listKind may not be the same")
    for field in ("shortNames", "categories"):
        for index, value in enumerate(kinds.get(field) or ()):
            if wrong := names.dns1035_label(value):
                yield invalid(f"spec.names.{field}[{index}]", value, ",".join(wrong))


def _versions(spec: Object) -> Iterator[FieldError]:
    versions = spec.get("versions") or []
    stored = sum(bool(version.get("storage")) for version in versions)
    seen = {version.get("name", "") for version in versions}
    for index, version in enumerate(versions):
        at, name = f"spec.versions[{index}]", version.get("name", "")
        if wrong := names.dns1035_label(name):
            yield invalid(f"{at}.name", name, ",".join(wrong))
        if stored == 1 and version.get("served") and not version.get("storage"):
            yield forbidden(f"{at}.served", "only the storage version can be served here")
        yield from _deprecation(version, at)
        schema = (version.get("schema") or {}).get("openAPIV3Schema")
        if schema is None:
            yield required(f"{at}.schema.openAPIV3Schema")
        else:
            status = "status" in (version.get("subresources") or {})
            yield from schema_errors(schema, f"{at}.schema.openAPIV3Schema", status=status)
        yield from _scale((version.get("subresources") or {}).get("scale"), f"{at}.subresources.scale")
        yield from _columns(version.get("additionalPrinterColumns") or [], f"{at}.additionalPrinterColumns")
        if schema is None and version.get("selectableFields"):
            yield invalid(f"{at}.selectableFields", "", "may only be set when validations.schema is included")
        elif schema is not None:
            yield from _selectable(version.get("selectableFields") or [], schema, f"{at}.selectableFields")
    if len(seen) < len(versions):
        yield invalid("spec.versions", versions, "must contain unique version names")
    if stored != 1:
        yield invalid("spec.versions", versions or None, "must have exactly one version marked as storage version")


def _deprecation(version: Object, at: str) -> Iterator[FieldError]:
    told = version.get("deprecationWarning")
    if told is None:
        return
    if not version.get("deprecated"):
        yield invalid(f"{at}.deprecationWarning", told, "can only be set for deprecated versions")
    elif not told:
        yield invalid(f"{at}.deprecationWarning", told, "must not be an empty string")
    for index, character in enumerate(told):
        if not character.isprintable():
            why = f"must only contain printable UTF-8 characters; non-printable character found at index {index}"
            yield invalid(f"{at}.deprecationWarning", told, why)
            return


def _columns(columns: list[Object], at: str) -> Iterator[FieldError]:
    for index, column in enumerate(columns):
        where, kind, path = f"{at}[{index}]", column.get("type", ""), column.get("jsonPath", "")
        told = f"must be one of {','.join(_COLUMN_TYPES)}"
        if not column.get("name"):
            yield required(f"{where}.name")
        if not kind:
            yield required(f"{where}.type", told)
        elif kind not in _COLUMN_TYPES:
            yield invalid(f"{where}.type", kind, told)
        if (form := column.get("format")) and form not in _COLUMN_FORMATS:
            yield invalid(f"{where}.format", form, f"must be one of {','.join(_COLUMN_FORMATS)}")
        if not path:
            yield required(f"{where}.JSONPath")
        elif not path.startswith("."):
            yield invalid(f"{where}.JSONPath", path, _SIMPLE)


def _scale(scale: Object | None, at: str) -> Iterator[FieldError]:
    if scale is None:
        return
    for field, tops in _SCALE_PATHS.items():
        path = scale.get(field) or ""
        if not path:
            if field != "labelSelectorPath":
                yield required(f"{at}.{field}")
        elif not path.startswith("."):
            yield invalid(f"{at}.{field}", path, _SIMPLE)
        elif not path.startswith(tuple(f"{top}." for top in tops)):
            where = f"either {' or '.join(tops)}" if len(tops) > 1 else tops[0]
            yield invalid(f"{at}.{field}", path, f"should be a json path under {where}")


def _selectable(fields: list[Object], schema: Schema, at: str) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, field in enumerate(fields):
        where, path = f"{at}[{index}].jsonPath", field.get("jsonPath", "")
        if not path:
            yield required(where)
            continue
        node: Schema | None = schema
        for step in path.removeprefix(".").split("."):
            node = (node.get("properties") or {}).get(step) if node is not None else None
        if not path.startswith("."):
            yield invalid(where, path, f"is an invalid path: expected [ or . but got: {path}")
        elif node is None or path.startswith(".metadata."):
            yield invalid(where, path, "is an invalid path: does not refer to a valid field")
        elif node.get("type") not in ("string", "boolean", "integer"):
            told = (
                "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed."
            )
            yield invalid(where, path, told)
        if path in seen:
            yield duplicate(where, path)
        seen.add(path)
