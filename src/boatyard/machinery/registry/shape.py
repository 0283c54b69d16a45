"""A document against its kind's schema: unknown fields, defaults, types."""

from __future__ import annotations

from boatyard.machinery.meta.errors import BadRequest, FieldError, invalid
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry.request import Request
from boatyard.machinery.schema.structural import Structural


def shape(request: Request, obj: Object, old: Object | None = None) -> None:
    """Drop (or refuse) what the schema doesn't know, fill in its defaults, and check the rest.

    Raises BadRequest for unknown fields under strict validation, Invalid with every wrong field. ``old`` is the stored object: what
    didn't change isn't checked again.
    """
    schema = request.kind.schema()
    if schema is None:
        return
    unknown = schema.prune(obj)
    if unknown and request.field_validation != "Ignore":
        told = [f'unknown field "{path}"' for path in unknown]
        if request.field_validation == "Strict":
            kind = request.kind.resource.kind
            version = request.kind.resource.api_version
            raise BadRequest(
                f'{kind} in version "{version}" cannot be handled as a {kind}: strict decoding error: {", ".join(told)}'
            )
        request.warnings += told
    schema.default(obj)
    wrong = schema.validate(obj) if old is None else _changed_wrong(schema, obj, old)
    if wrong:
        resource = request.kind.resource
        raise invalid(resource.kind, resource.group, obj["metadata"].get("name") or request.name, wrong)


def _changed_wrong(schema: Structural, obj: Object, old: Object) -> list[FieldError]:
    if any(field not in obj for field in old):
        return schema.validate(obj, old)
    wrong: list[FieldError] = []
    for field, value in obj.items():
        before = old.get(field)
        if value == before:
            continue
        node = schema.child(field)
        if node is None:
            continue
        for error in node.validate(value, before):
            path = f"{field}.{error.path}" if error.path and not error.path.startswith("[") else field + error.path
            wrong.append(FieldError(path, error.type, error.message))
    return wrong
