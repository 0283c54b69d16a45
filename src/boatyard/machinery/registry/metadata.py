"""Object metadata: what the server sets, what a caller may not change, what is well formed.

Rules and wording follow apimachinery's ``validation/objectmeta.go`` and apiserver's ``registry/rest``.
"""

from __future__ import annotations

import json
import re
from typing import Any

from boatyard.machinery.meta import field_errors, names
from boatyard.machinery.meta.core import CUSTOM_RESOURCE_DEFINITIONS, EVENTS, LEASES, POD_TEMPLATES, SERVICES
from boatyard.machinery.meta.errors import ApiError, BadRequest, FieldError, conflict, invalid
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.timestamps import rfc3339
from boatyard.machinery.registry.core import normal
from boatyard.machinery.registry.core.types import core_type, is_type_error
from boatyard.machinery.registry.go_text import refused
from boatyard.machinery.registry.request import Request
from boatyard.machinery.runtime.world import World
from boatyard.machinery.schema.validation import NOT_KEYED

LONGEST_GENERATED_PREFIX = 58
ANNOTATIONS_BYTES = 256 * 1024
_LIFE = ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds")
_SERVER_SET = (*_LIFE, "selfLink", "resourceVersion")
_EMPTY: dict[str, Any] = {"labels": {}, "annotations": {}, "finalizers": [], "ownerReferences": []}
STANDARD_FINALIZERS = ("kubernetes", "orphan", "foregroundDeletion")
"""Kubernetes' own, which have no domain."""
_OWNERS_TWICE = (
    ".metadata.ownerReferences contains duplicate entries{when}; API server dedups owner references in 1.20+, and may reject such "
    "requests as early as 1.24; please fix your requests; duplicate UID(s) observed: {uids}"
)
_NAMESPACE = re.compile("[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_invalid = field_errors.invalid


class Unread(BadRequest):
    """A document can't be read as what its address says."""

    look_on = False
    """Whether the rest is to be looked at, too, before that is said."""


def frame(request: Request, obj: Object) -> None:
    """Check that a document is what its address says, and fill in what it leaves out."""
    resource, mismatch = request.kind.resource, ""
    if not isinstance(obj, dict):
        raise BadRequest(f"the body of the request must be an object of kind {resource.kind}")
    for member, expected in (("apiVersion", resource.api_version), ("kind", resource.kind)):
        if obj.get(member) in (None, ""):
            obj[member] = expected
        if obj[member] != expected and not _of_another_kind(request, member, obj[member]):
            called = "API version" if member == "apiVersion" else member
            mismatch = f"the {called} in the data ({obj[member]}) does not match the expected {called} ({expected})"
            if not isinstance(obj[member], str):
                raise _malformed(request, f"{member} must be a text")
            if request.kind.custom is None or request.difference is not None or obj[member].count("/") > 1:
                raise _malformed(request, mismatch)
    metadata = obj.setdefault("metadata", {})
    if metadata is None and request.kind.custom is None:
        metadata = obj["metadata"] = {}
    if not isinstance(metadata, dict):
        raise _malformed(request, "metadata: expected map", look_on=request.kind.custom is None)
    types = core_type("v1.ObjectMeta")
    for field in [field for field, value in metadata.items() if value is None or value == _EMPTY.get(field)]:
        if field in types.properties:  # of others it is told that nobody knows them
            del metadata[field]
    if metadata.get("resourceVersion") == "0":
        # Nobody's revision: as if none were named.
        del metadata["resourceVersion"]
    for field in ("labels", "annotations"):
        texts = metadata.get(field)
        if isinstance(texts, dict) and None in texts.values():
            # A null in a map of strings is the empty string to whoever reads it into Go's types.
            metadata[field] = {key: "" if value is None else value for key, value in texts.items()}
    if not types.accepts(metadata):
        normal.tidy(types, metadata)
        if wrong := [error for error in types.validate(metadata) if is_type_error(error)]:
            told = "; ".join(f"metadata.{error}" for error in wrong)
            raise _malformed(request, told, look_on=request.kind.custom is None)
    if mismatch:
        # A custom document is read as what it says that it is.
        raise _malformed(request, mismatch, look_on=True)
    _each_owner_once(request, metadata)
    if not resource.namespaced:
        metadata.pop("namespace", None)
        return
    metadata["namespace"] = metadata.get("namespace") or request.namespace
    if metadata["namespace"] != request.namespace:
        raise BadRequest(
            f"the namespace of the provided object does not match the namespace sent on the request: "
            f"{metadata['namespace']} is not {request.namespace}"
        )


def revision_said(obj: Object) -> str:
    """The revision that a document names, before :func:`frame` takes nobody's away; empty where none is."""
    found = obj.get("metadata") if isinstance(obj, dict) else None
    named = found.get("resourceVersion") if isinstance(found, dict) else None
    return named if isinstance(named, str) else ""


def _each_owner_once(request: Request, metadata: Object) -> None:
    owners = metadata.get("ownerReferences")
    if not owners or len(owners) == 1:
        return
    kept: list[Object] = []
    twice: list[str] = []
    for owner in owners:
        if owner not in kept:
            kept.append(owner)
        elif owner.get("uid", "") not in twice:
            twice.append(owner.get("uid", ""))
    if twice:
        metadata["ownerReferences"] = kept
        when = "" if request.difference is None else " after mutating admission happens"
        request.warnings.append(_OWNERS_TWICE.format(when=when, uids=", ".join(twice)))


def _of_another_kind(request: Request, member: str, value: Any) -> bool:
    """Whether that is left to :func:`check_kind`: a custom document can be read as one of any kind of its group, and patched to be
    one of any version. Where only a status is written it doesn't matter."""
    if request.kind.custom is None or request.applying or request.subresource not in ("", "status") or not isinstance(value, str):
        return False
    return member == "kind" or request.difference is not None


def check_name(metadata: Object, name: str) -> None:
    """Raises BadRequest for the metadata of an object that doesn't have the name of its address."""
    told = metadata.get("name")
    if not told:
        raise BadRequest(f"the name of the object ({name} based on URL) was undeterminable: name must be provided")
    if told != name:
        raise BadRequest(f"the name of the object ({told}) does not match the name on the URL ({name})")


def check_kind(request: Request, obj: Object, found: list[FieldError], changed: list[FieldError] | None = None) -> None:
    """Raises Invalid for a custom document of another kind than the address. Of what was ``found`` wrong with it only that is told
    which Kubernetes looks for apart from the schema: items of lists that aren't apart from each other; and of an update what is
    wrong with the metadata (``changed``: what can't be; None for a new object)."""
    resource, kind = request.kind.resource, obj["kind"]
    wrong: list[FieldError] = []
    for member, expected in (("kind", resource.kind), ("apiVersion", resource.api_version)):
        if obj[member] != expected:
            wrong.append(field_errors.invalid(member, obj[member], f"must be {expected}"))
    if wrong:
        if changed is not None:
            wrong = changed + validate(request, obj, new=False) + wrong
        wrong += [error for error in found if error.type == "FieldValueDuplicate" or error.message.endswith(NOT_KEYED)]
        raise invalid(kind, obj["apiVersion"].rpartition("/")[0], obj["metadata"].get("name") or request.name, wrong)


def known(obj: Object) -> Object:
    """The metadata that an object may have: a new one, which shares its values."""
    fields = core_type("v1.ObjectMeta").properties
    return {field: value for field, value in obj["metadata"].items() if field in fields}


def _malformed(request: Request, why: str, *, look_on: bool = False) -> ApiError:
    """What was sent can't be read; what a patch made of an object is no such object."""
    error = Unread(why) if request.difference is None else refused(request.difference, why)
    error.look_on = look_on
    return error


def create(request: Request, obj: Object, world: World) -> None:
    """Give a new object what only the server gives."""
    metadata = obj["metadata"]
    for field in _SERVER_SET:
        if field != "generation" or request.kind.generation:
            metadata.pop(field, None)
    metadata["creationTimestamp"] = rfc3339(world.now())
    metadata["uid"] = world.uid()
    if request.kind.generation:
        metadata["generation"] = 1


def generated_name(prefix: str, world: World) -> str:
    """A name that begins with (at most 58 characters of) the prefix."""
    return prefix[:LONGEST_GENERATED_PREFIX] + world.token(5)


def update(request: Request, obj: Object, old: Object) -> list[FieldError]:
    """Keep what a caller can't change; what of it he tried to. Raises Conflict when he means another revision."""
    metadata, before = obj["metadata"], old["metadata"]
    name = before["name"]
    metadata.setdefault("name", name)
    check_name(metadata, name)
    wrong: list[FieldError] = []
    if metadata.get("uid") and metadata["uid"] != before["uid"]:
        wrong.append(_invalid("metadata.uid", metadata["uid"], "field is immutable"))
    if metadata.get("resourceVersion") and metadata["resourceVersion"] != before["resourceVersion"]:
        raise modified(request)
    wrong += _changed(metadata, before)
    metadata.pop("selfLink", None)
    for field in _LIFE:
        if field in before:
            metadata[field] = before[field]
        else:
            metadata.pop(field, None)
    metadata["resourceVersion"] = before["resourceVersion"]
    return wrong


def _changed(metadata: Object, before: Object) -> list[FieldError]:
    """An update may leave the times of a deletion out, which keeps them, but not set them to others."""
    times = ("deletionTimestamp", "deletionGracePeriodSeconds")
    changed = [field for field in times if metadata.get(field) not in (None, before.get(field))]
    if "deletionTimestamp" in before:
        changed = [field for field in changed if field != "deletionTimestamp"]
    return [_invalid(f"metadata.{field}", metadata[field], "field is immutable") for field in changed]


def conditional(request: Request, obj: Object) -> None:
    """Check that a replacement says what it replaces, where the kind wants to know. Raises Invalid."""
    named = obj["metadata"].get("resourceVersion") not in (None, "", "0")
    if request.subresource not in ("", "status") or named or not request.kind.conditional:
        return
    resource = request.kind.resource
    error = FieldError("metadata.resourceVersion", "FieldValueInvalid", "Invalid value: 0: must be specified for an update")
    raise invalid(resource.plural, resource.group, request.name, [error])


def modified(request: Request) -> Exception:
    """The 409 that tells a caller to read again."""
    why = "the object has been modified; please apply your changes to the latest version and try again"
    return conflict(request.kind.resource.group_resource, request.name, why)


def validate(request: Request, obj: Object, *, new: bool = True) -> list[FieldError]:
    """What is malformed. ``new``: it is about to be made."""
    metadata = obj["metadata"]
    wrong: list[FieldError] = []
    name = metadata.get("name")
    if not name:
        wrong.append(FieldError("metadata.name", "FieldValueRequired", "Required value: name or generateName is required"))
    elif not isinstance(name, str):
        wrong.append(_invalid("metadata.name", name, "must be a string"))
    else:
        wrong += [_invalid("metadata.name", name, told) for told in request.kind.check_name(name)]
    if (generation := metadata.get("generation")) is not None and generation < 0:
        wrong.append(_invalid("metadata.generation", generation, "must be greater than or equal to 0"))
    any_prefix = request.kind.custom is not None or request.kind.resource in _PREFIX_OF_NEW
    looked_at = new or not (request.subresource or any_prefix)
    if looked_at and (prefix := metadata.get("generateName")):
        # A name that begins so ends in something else.
        begun = prefix[:-2] + "a" if len(prefix) > 1 and prefix.endswith("-") else prefix
        wrong[:0] = [_invalid("metadata.generateName", prefix, told) for told in request.kind.check_name(begun)]
    if request.kind.resource.namespaced and not _NAMESPACE.fullmatch(metadata.get("namespace", "")):
        wrong.append(FieldError("metadata.namespace", "FieldValueRequired", "Required value"))
    only_known = request.kind.custom is None and request.kind.resource not in _ANY_FINALIZER
    return wrong + _well_formed(metadata, only_known, "metadata")


_PREFIX_OF_NEW = (EVENTS, LEASES, POD_TEMPLATES, SERVICES)
"""Kinds, beside custom ones, whose objects may be given any ``generateName`` once they are there."""


def embedded(metadata: Object, at: str) -> list[FieldError]:
    """What is malformed in the metadata of an object that stands in another one, at ``at``."""
    wrong: list[FieldError] = []
    if name := metadata.get("name"):
        wrong += [_invalid(f"{at}.name", name, told) for told in names.path_segment(name)]
    if (where := metadata.get("namespace")) and (told := names.dns1123_label(where)):
        wrong += [_invalid(f"{at}.namespace", where, each) for each in told]
    return wrong + _well_formed(metadata, False, at)


def _well_formed(metadata: Object, only_known: bool, at: str) -> list[FieldError]:
    return _maps(metadata, at) + _finalizers(metadata, only_known, at) + _owners(metadata, at)


def validate_update(obj: Object, old: Object) -> list[FieldError]:
    """What may not change any more."""
    if not old["metadata"].get("deletionTimestamp"):
        return []
    before = old["metadata"].get("finalizers") or []
    added = [finalizer for finalizer in obj["metadata"].get("finalizers") or () if finalizer not in before]
    if not added:
        return []
    told = ", ".join(f'"{finalizer}"' for finalizer in added)
    return [
        FieldError(
            "metadata.finalizers", "FieldValueForbidden",
            f"Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{{{told}}}",
        )
    ]  # fmt: skip


def _maps(metadata: Object, at: str) -> list[FieldError]:
    wrong: list[FieldError] = []
    for field in ("labels", "annotations"):
        found = metadata.get(field)
        if found is None:
            continue
        if not isinstance(found, dict):
            wrong.append(_invalid(f"{at}.{field}", found, "must be a map of strings"))
            continue
        for key, value in found.items():
            checked = key if field == "labels" else key.lower()
            wrong += [_invalid(f"{at}.{field}", key, told) for told in names.qualified_name(checked)]
            if not isinstance(value, str):
                wrong.append(_invalid(f"{at}.{field}[{key}]", value, "must be a string"))
            elif field == "labels":
                wrong += [_invalid(f"{at}.labels", value, told) for told in names.label_value(value)]
        if field == "annotations" and sum(len(key) + len(str(value)) for key, value in found.items()) > ANNOTATIONS_BYTES:
            told = f"Too long: may not be more than {ANNOTATIONS_BYTES} bytes"
            wrong.append(FieldError(f"{at}.annotations", "FieldValueTooLong", told))
    return wrong


_ANY_FINALIZER = (CUSTOM_RESOURCE_DEFINITIONS, EVENTS, LEASES)
"""Of Kubernetes' own kinds those that take finalizers without a domain, whosever they are."""


def _finalizers(metadata: Object, only_known: bool, at: str) -> list[FieldError]:
    """``only_known``: without a domain only those of Kubernetes."""
    wrong: list[FieldError] = []
    for index, finalizer in enumerate(metadata.get("finalizers") or ()):
        if not isinstance(finalizer, str):
            wrong.append(_invalid(f"{at}.finalizers", finalizer, "must be a string"))
            continue
        wrong += [_invalid(f"{at}.finalizers", finalizer, told) for told in names.qualified_name(finalizer)]
        wrong += _unqualified(f"{at}.finalizers[{index}]", finalizer) if only_known else []
    return wrong


def _unqualified(path: str, finalizer: str) -> list[FieldError]:
    if "/" in finalizer or finalizer in STANDARD_FINALIZERS:
        return []
    return [_invalid(path, finalizer, "name is neither a standard finalizer name nor is it fully qualified")]


def namespace_finalizers_wrong(finalizers: list[str], *, new: bool = False) -> list[FieldError]:
    """What is wrong with what keeps a namespace from going (``spec.finalizers``). Of a ``new`` one it isn't told which."""
    wrong: list[FieldError] = []
    for index, finalizer in enumerate(finalizers):
        path = "spec.finalizers" if new else f"spec.finalizers[{index}]"
        wrong += [_invalid(path, finalizer, told) for told in names.qualified_name(finalizer)] + _unqualified(path, finalizer)
    return wrong


def _owners(metadata: Object, at: str) -> list[FieldError]:
    wrong: list[FieldError] = []
    controllers: list[str] = []
    for owner in metadata.get("ownerReferences") or ():
        # As Kubernetes has it: without telling which one.
        path = f"{at}.ownerReferences"
        version, kind = owner.get("apiVersion") or "", owner.get("kind") or ""
        if not version or version.count("/") > 1:
            wrong.append(_invalid(f"{path}.apiVersion", version, "version must not be empty"))
        for field in ("kind", "name", "uid"):
            if not owner.get(field):
                wrong.append(_invalid(f"{path}.{field}", owner.get(field) or "", "must not be empty"))
        if (version, kind) == ("v1", "Event"):
            wrong.append(_invalid_owners(path, owner, "/v1, Kind=Event is disallowed from being an owner"))
        if owner.get("controller"):
            controllers.append(f"{kind}/{owner.get('name') or ''}")
    for other in controllers[1:]:
        told = f'Only one reference can have Controller set to true. Found "true" in references for {controllers[0]} and {other}'
        wrong.append(_invalid_owners(f"{at}.ownerReferences", metadata["ownerReferences"], told))
    return wrong


def _invalid_owners(path: str, owners: Any, told: str) -> FieldError:
    """With the members in the order in which Kubernetes writes them."""

    def written(owner: Object) -> Object:
        always = {field: owner.get(field) or "" for field in _OWNER[:4]}
        return {**always, **{field: owner[field] for field in _OWNER[4:] if owner.get(field) is not None}}

    shown = [written(owner) for owner in owners] if isinstance(owners, list) else written(owners)
    text = json.dumps(shown, separators=(",", ":"), ensure_ascii=False)
    return FieldError(path, "FieldValueInvalid", f"Invalid value: {text}: {told}")


_OWNER = ("apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion")
