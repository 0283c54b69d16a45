"""A document against its kind's schema: unknown fields, types, defaults, constraints."""

from __future__ import annotations

from typing import Any

from boatyard.machinery.meta import field_errors
from boatyard.machinery.meta.core import NAMESPACES
from boatyard.machinery.meta.errors import ApiError, BadRequest, FieldError
from boatyard.machinery.meta.objects import Object, copied, same
from boatyard.machinery.patch.misfits import misfits
from boatyard.machinery.registry import embedded
from boatyard.machinery.registry.core import defaults, normal, statuses, validation
from boatyard.machinery.registry.core.types import is_type_error
from boatyard.machinery.registry.go_text import go_type, refused, text
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.registry.request import Request
from boatyard.machinery.schema.structural import Structural

_SEPARATE = {"metadata", "status"}
_MOST_REPLICAS = 2**31 - 1


def shape(request: Request, obj: Object, old: Object | None = None) -> list[FieldError]:
    """Drop (or refuse) what the schema doesn't know, and fill in defaults, in place. What is wrong with a custom document.

    Raises BadRequest (of a patch: Invalid) for unknown fields under strict validation and for core documents with values of the
    wrong type: they can't be read. ``old`` is the stored object: members that didn't change aren't looked at again.
    """
    schema = request.kind.schema()
    if schema is None:
        return []
    changed = _changed(obj, old)
    if changed is not None and not changed:
        return []
    part = obj if changed is None else {member: obj[member] for member in changed}
    right = _accepts(schema, part, old, request.kind.custom is None, whole=changed is None)
    request.accepted = right and old is None
    wrong: list[FieldError] = []
    unknown = [] if right else _pruned(request, schema, part, own=is_own(request, obj))
    if request.kind.custom is not None:
        tell_unknown(request, unknown, obj)
        schema.default(part, keep_nulls=request.applying)
        wrong = [] if right else _validate(schema, part, old) + embedded.validate(schema, part)
        # Of owners the rules for all metadata tell.
        wrong = [error for error in wrong if not error.path.startswith("metadata.ownerReferences[")] + _scale_wrong(request, part)
        if request.subresource == "status":
            wrong = [_of_status(error) for error in wrong]
    elif not right:
        normal.normalize(request.kind.resource, part)
        wrong = [error for error in _validate(schema, part, old) if is_type_error(error)]
        if wrong:
            raise _undecodable(request, wrong)
        tell_unknown(request, unknown)
    for member in changed or ():
        if member in part:
            obj[member] = part[member]
        else:
            obj.pop(member, None)
    named = request.kind.resource == NAMESPACES  # whose labels have a default
    if request.kind.custom is None and (changed is None or named or not _SEPARATE.issuperset(changed)):
        defaults.fill(request.kind.resource, obj)
    return wrong


def _of_status(error: FieldError) -> FieldError:
    """A status that is written alone is checked alone: its faults are told as of a document of its own."""
    told = error.message.replace(f"{error.path} in body", f"{error.path.removeprefix('status').removeprefix('.')} in body")
    return FieldError(error.path, error.type, told)


def readable(request: Request, obj: Object) -> None:
    """Raise what :func:`shape` says of a core document that can't be decoded, and of unknown fields; in place."""
    schema = request.kind.schema()
    if schema is None or schema.accepts(obj):
        return
    unknown = _pruned(request, schema, obj, own=is_own(request, obj))
    if wrong := mistyped(request.kind, schema, obj):
        raise _undecodable(request, wrong)
    tell_unknown(request, unknown, obj)


def mistyped(kind: Kind, node: Structural, value: object) -> list[FieldError]:
    """What of a core document, or a part of it, is of the wrong type; nulls are absent members."""
    if kind.custom is not None:
        return []
    value = copied(value)
    if isinstance(value, dict):
        normal.tidy(node, value)
    return [error for error in node.validate(value) if is_type_error(error)]


def status_fits(request: Request, status: object) -> bool:
    """:func:`dropped_fits` of a status."""
    schema = request.kind.schema()
    return schema is None or schema.child("status") is None or dropped_fits(request, {"status": status})


def dropped_fits(request: Request, part: Object) -> bool:
    """Members that aren't written here are dropped, but must be readable all the same: raises as :func:`readable`. Whether what is
    left of them without unknown fields fits the types that are declared: of a document in which anything doesn't nobody's fields
    can be told, and Kubernetes forgets whose they were."""
    schema = request.kind.schema()
    if schema is None or all((node := schema.child(member)) is not None and node.accepts(part[member]) for member in part):
        return True
    part = copied(part)
    unknown = _pruned(request, schema, part)
    wrong: list[FieldError] = []
    for member, value in part.items():
        if (node := schema.child(member)) is not None:
            found = mistyped(request.kind, node, value)
            wrong += [FieldError(f"{member}.{error.path}".strip("."), error.type, error.message) for error in found]
    if wrong:
        raise _undecodable(request, wrong)
    tell_unknown(request, unknown)
    return request.kind.custom is None or not misfits(schema, part)


def fits(request: Request, applied: Object) -> None:
    """Raise BadRequest for what of an applied document its schema has no place for: unknown fields, whose owner nobody could tell,
    and values that aren't even of the right sort."""
    schema = request.kind.schema()
    if schema is None or schema.accepts(applied):
        return
    if wrong := misfits(schema, applied):
        resource = request.kind.resource
        what = f"{request.namespace}/{request.name}; {resource.api_version if resource.group else '/v1'}, Kind={resource.kind}"
        raise BadRequest(f"failed to create typed patch object ({what}): {'; '.join(wrong)}")


def rules_wrong(request: Request, obj: Object, old: Object | None = None) -> list[FieldError]:
    """What is wrong with a core document beyond its types. Custom ones have been checked with their schema."""
    if request.kind.custom is not None:
        return []
    if request.subresource:
        return statuses.validate(request.kind.resource, obj) if request.subresource == "status" else []
    changed = _changed(obj, old)
    if old is not None and changed is not None and _SEPARATE.issuperset(changed):
        return validation.validate_metadata(request.kind.resource, obj, old)
    return validation.validate(request.kind.resource, obj, old, accepted=request.accepted)


def _changed(obj: Object, old: Object | None) -> list[str] | None:
    """The members that differ from the stored object; None, for all of them, when it is new or lost a member."""
    if old is None or any(member not in obj for member in old):
        return None
    return [member for member, value in obj.items() if member not in old or not same(old[member], value)]


def _accepts(schema: Structural, part: Object, old: Object | None, normal: bool, *, whole: bool) -> bool:
    """Whether all is right as it stands: the quick way past pruning, normalizing and validating."""
    if whole or old is None:
        return schema.accepts(part, stored=old is not None, normal=normal)
    for member, value in part.items():
        node = schema.child(member)
        if node is None or (normal and value in ({}, [])):
            return False
        if normal and not value and (type(value) in (dict, list) or schema.omits(member)):
            # What is kept of it in normal form is nothing at all.
            return False
        before = old.get(member)
        if type(value) is dict and type(before) is dict and before.keys() <= value.keys():
            # A pod that is bound has one field more: its containers aren't looked at again.
            news = {key: inner for key, inner in value.items() if key not in before or not same(before[key], inner)}
            if not node.accepts(news, stored=True, normal=normal, partial=True):
                return False
        elif not node.accepts(value, stored=True, normal=normal):
            return False
    return True


def is_own(request: Request, obj: Object) -> bool:
    """Whether a custom document is of the kind and the group of its address. One that isn't, which is refused for it in the end,
    isn't held against the schema while it is read, but for its metadata. Core documents are what their address says."""
    resource = request.kind.resource
    version, kind = obj.get("apiVersion", resource.api_version), obj.get("kind", resource.kind)
    return request.kind.custom is None or (kind == resource.kind and str(version).rpartition("/")[0] == resource.group)


def _pruned(request: Request, schema: Structural, part: Object, *, own: bool = True) -> list[str]:
    """Take out unknown fields, and of custom documents check the objects inside; in place. ``own``: see
    :func:`is_own`. Returns what was unknown, which is to be told of once the rest could be read."""
    unknown = schema.prune(part)
    if request.kind.custom is not None:
        wrong, more = embedded.settle(schema, part)
        unknown += more
        if wrong and own:
            raise _undecodable(request, wrong)
    return unknown if own else [path for path in unknown if path.startswith("metadata.")]


def tell_unknown(request: Request, unknown: list[str], obj: Object | None = None) -> None:
    """Refuse fields that nobody knows, warn of them, or drop them without a word, as the caller asks."""
    if not unknown or request.field_validation == "Ignore" or request.applying:
        return  # an apply is refused for what it may not say
    told = [f'unknown field "{path}"' for path in unknown]
    if request.field_validation == "Strict":
        raise _refusal(request, f"strict decoding error: {', '.join(told)}", obj)
    request.warnings += told


def _validate(schema: Structural, part: Object, old: Object | None) -> list[FieldError]:
    if old is None or "apiVersion" in part:
        # Metadata has rules of its own for all kinds; a definition may only say more of the name.
        return [error for error in schema.validate(part, old) if not error.path.startswith("metadata.") or _is_named(error)]
    wrong: list[FieldError] = []
    for member, value in part.items():
        node = schema.child(member)
        found = node.validate(value, old.get(member), member) if node else []
        wrong += found if member != "metadata" else filter(_is_named, found)
    return wrong


def _is_named(error: FieldError) -> bool:
    return error.path in ("metadata.name", "metadata.generateName") or is_type_error(error)


def _scale_wrong(request: Request, part: Object) -> list[FieldError]:
    """What ``scale`` tells, where the definition says it is."""
    scale = ((request.kind.custom or {}).get("subresources") or {}).get("scale") or {}
    wrong: list[FieldError] = []
    for keyword, wanted in (("specReplicasPath", int), ("statusReplicasPath", int), ("labelSelectorPath", str)):
        path: str = scale.get(keyword, "")
        above, _, last = path.strip(".").rpartition(".")
        parent: Any = part
        for step in filter(None, above.split(".")):
            parent = parent.get(step) if isinstance(parent, dict) else parent
        if parent is None or not path:
            continue
        found = parent.get(last) if isinstance(parent, dict) else parent
        type = go_type(found)
        if not isinstance(parent, dict):
            told = f"{path} accessor error: {text(found)} is of the type {type}, expected map[string]interface{{}}"
            wrong.append(field_errors.invalid(path, wanted(), told))
        elif found is not None and type != go_type(wanted()):
            told = f"{path} accessor error: {text(found)} is of the type {type}, expected {go_type(wanted())}"
            wrong.append(field_errors.invalid(path, wanted(), told))
        elif wanted is int and found is not None and found < 0:
            wrong.append(field_errors.invalid(path, found, "should be a non-negative integer"))
        elif wanted is int and found is not None and found > _MOST_REPLICAS:
            wrong.append(field_errors.invalid(path, found, f"should be less than or equal to {_MOST_REPLICAS}"))
    return wrong


def _undecodable(request: Request, wrong: list[FieldError]) -> ApiError:
    error = _refusal(request, "; ".join(str(each) for each in wrong))
    request.warnings.clear()
    if request.difference is not None or request.kind.custom is not None:
        return error
    causes: list[dict[str, Any]] = [{"reason": each.type, "message": each.message, "field": each.path} for each in wrong]
    error.details = {"causes": causes}
    return error


def _refusal(request: Request, why: str, obj: Object | None = None) -> ApiError:
    """``obj``: a custom document, which says itself what it is."""
    if request.difference is not None:
        return refused(request.difference, why)
    kind, version = request.kind.resource.kind, request.kind.resource.version
    if obj is not None and request.kind.custom is not None:
        kind, version = obj.get("kind", kind), obj.get("apiVersion", version).rpartition("/")[2]
    return BadRequest(f'{kind} in version "{version}" cannot be handled as a {kind}: {why}')
