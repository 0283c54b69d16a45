"""A document against its kind's schema: unknown fields, types, defaults, constraints."""

from __future__ import annotations

from typing import Any

from boatyard.machinery.meta.errors import ApiError, BadRequest, FieldError, invalid
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry.core import defaults, normal
from boatyard.machinery.registry.core.types import is_type_error
from boatyard.machinery.registry.request import Request
from boatyard.machinery.schema.structural import Structural

_OWN_HALVES = {"metadata", "status"}


def shape(request: Request, obj: Object, old: Object | None = None) -> None:
    """Drop (or refuse) what the schema doesn't know, fill in defaults, and check the rest. In place.

    Raises BadRequest for unknown fields under strict validation and for core documents with values of the wrong type, Invalid for
    all else, with every wrong field. ``old`` is the stored object: members that didn't change aren't looked at again.
    """
    schema = request.kind.schema()
    if schema is None:
        return
    changed = _changed(obj, old)
    _prune(request, schema, changed)
    if request.kind.custom is not None:
        schema.default(changed)
    else:
        wrong = [error for error in _validate(schema, changed, old) if is_type_error(error)]
        if wrong:
            raise _undecodable(request, wrong)
        if changed is obj or not changed.keys() <= _OWN_HALVES:
            _put_back(obj, changed)
            changed = obj
            defaults.default(request.kind.resource, obj)
        else:
            normal.normalize(request.kind.resource, changed)
    _put_back(obj, changed)
    wrong = _validate(schema, changed, old)
    if wrong:
        resource = request.kind.resource
        raise invalid(resource.kind, resource.group, obj["metadata"].get("name") or request.name, wrong)


def _changed(obj: Object, old: Object | None) -> Object:
    """The members that differ from the stored object; the object itself when it is new or lost a member."""
    if old is None or any(member not in obj for member in old):
        return obj
    return {member: value for member, value in obj.items() if member not in old or old[member] != value}


def _put_back(obj: Object, changed: Object) -> None:
    if changed is not obj:
        obj.update(changed)


def _prune(request: Request, schema: Structural, changed: Object) -> None:
    unknown = schema.prune(changed)
    if not unknown or request.field_validation == "Ignore":
        return
    told = [f'unknown field "{path}"' for path in unknown]
    if request.field_validation == "Strict":
        raise _refusal(request, f"strict decoding error: {', '.join(told)}")
    request.warnings += told


def _validate(schema: Structural, changed: Object, old: Object | None) -> list[FieldError]:
    if old is None or "apiVersion" in changed:
        return schema.validate(changed, old)
    wrong: list[FieldError] = []
    for member, value in changed.items():
        node = schema.child(member)
        for error in node.validate(value, old.get(member)) if node else ():
            path = member + ("" if not error.path or error.path.startswith("[") else ".") + error.path
            wrong.append(FieldError(path, error.type, error.message.replace(f"{error.path} in body", f"{path} in body")))
    return wrong


def _undecodable(request: Request, wrong: list[FieldError]) -> ApiError:
    error = _refusal(request, "; ".join(str(each) for each in wrong))
    causes: list[dict[str, Any]] = [{"reason": each.type, "message": each.message, "field": each.path} for each in wrong]
    error.details = {"causes": causes}
    return error


def _refusal(request: Request, why: str) -> ApiError:
    resource = request.kind.resource
    return BadRequest(f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: {why}')
