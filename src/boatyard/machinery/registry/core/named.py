"""Small types that have names of their own in Kubernetes and in ``kubectl explain``. Our structure has them in place."""

from __future__ import annotations

from boatyard.machinery.schema.structural import Schema

_BY_FORMAT = {"quantity": "Quantity", "int-or-string": "IntOrString", "time": "Time", "micro-time": "MicroTime"}
_BY_FIELD: dict[str, dict[str, str]] = {
    "v1.ManagedFieldsEntry": {"fieldsV1": "FieldsV1"},
    "apiextensions.v1.JSONSchemaProps": {
        "additionalItems": "JSONSchemaPropsOrBool", "additionalProperties": "JSONSchemaPropsOrBool", "default": "JSON",
        "dependencies": "JSONSchemaPropsOrStringArray", "enum": "JSON", "example": "JSON", "items": "JSONSchemaPropsOrArray",
    },
}  # fmt: skip
"""Of a field that is a list or a map: what its members are."""
_TYPES: dict[str, Schema] = {
    "Quantity": {"format": "quantity", "oneOf": [{"type": "string"}, {"type": "number"}]},
    "IntOrString": {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]},
    "Time": {"type": "string", "format": "date-time"},
    "MicroTime": {"type": "string", "format": "date-time"},
    "FieldsV1": {"type": "object"},
}
_ANYTHING = ("JSON", "JSONSchemaPropsOrBool", "JSONSchemaPropsOrArray", "JSONSchemaPropsOrStringArray")


def named_type(name: str) -> Schema | None:
    """The type of such a name, or None for any other."""
    if name in _ANYTHING:
        return {"x-kubernetes-preserve-unknown-fields": True}
    found = _TYPES.get(name)
    return None if found is None else {**found}


def with_names(name: str, schema: Schema) -> Schema:
    """The definition of the type ``name``, the caller's own, referring to these types instead of holding them."""
    fields = _BY_FIELD.get(name, {})
    for field, child in (schema.get("properties") or {}).items():
        schema["properties"][field] = _referring(child, fields.get(field))
    return schema


def _referring(schema: Schema, named: str | None) -> Schema:
    for inside in ("items", "additionalProperties"):
        if isinstance(schema.get(inside), dict):
            return {**schema, inside: _referring(schema[inside], named)}
    named = named or _BY_FORMAT.get(schema.get("format", ""))
    if named is None:
        return schema
    told = schema.get("description")
    return {"$ref": named, "description": told} if told else {"$ref": named}
