"""What is wrong with documents of Kubernetes' own kinds, beyond the types of their fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from boatyard.machinery.meta import core, names
from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import invalid, invalid_each, required
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry.core import access, data, services, storage
from boatyard.machinery.registry.core.label_selectors import validate_labels
from boatyard.machinery.registry.core.nodes import validate_node
from boatyard.machinery.registry.core.pods import validate_new_pod, validate_pod_spec, validate_pod_update
from boatyard.machinery.registry.core.profile_annotations import validate_kept, validate_profiles
from boatyard.machinery.registry.core.types import core_schema, is_type_error
from boatyard.machinery.schema.definition import validate_definition

Rules: TypeAlias = Callable[[Object, Object | None], Iterator[FieldError]]


def validate_metadata(resource: Resource, new: Object, old: Object) -> list[FieldError]:
    """What is wrong with a document of which metadata (or status) alone has changed, beyond the rules for all metadata."""
    if resource != core.PODS or new["metadata"].get("annotations") == old["metadata"].get("annotations"):
        return []
    return [*validate_profiles(new), *validate_kept(new, old)]


def validate(resource: Resource, new: Object, old: Object | None = None, *, accepted: bool = False) -> list[FieldError]:
    """Everything wrong with a defaulted document; with ``old``, also what of it may not change.

    Metadata and status are not looked at: metadata follows one rule for all kinds, and status is written by those who know.
    ``accepted``: the schema has been asked before there were defaults.
    """
    rules = _RULES.get(resource)
    found = list(rules(new, old)) if rules else []
    if accepted:
        return found
    told = {error.path for error in found}
    schema = core_schema(resource)
    looked_at = {key: value for key, value in new.items() if key not in ("metadata", "status")}
    if all((node := schema.child(key)) is not None and node.accepts(value) for key, value in looked_at.items()):
        present = (*looked_at, *_NOT_REQUIRED)
        if all(key in present for key in schema.schema.get("required") or ()):
            return found
    for error in schema.validate(looked_at):
        enum_of_nothing = error.type == "FieldValueNotSupported" and error.message.startswith('Unsupported value: ""')
        # Kubernetes keys its own lists for apply; where doubles are wrong the rules above say so (doubles in env are not).
        keyed_twice = error.type == "FieldValueDuplicate"
        known = error.path in told or error.path.rpartition("[")[0] in told or error.path.endswith(_LOOKED_AT_LAST)
        # Of pods the rules know all that is needed, and tell it where and as Kubernetes does.
        known = known or (resource in _OF_PODS and (error.type == "FieldValueRequired" or error.path.endswith(_TOLD_ELSEWHERE)))
        if known or is_type_error(error) or enum_of_nothing or keyed_twice or error.path in _NOT_REQUIRED:
            continue
        found.append(error)
    return found


_NOT_REQUIRED = ("metadata", "rules", "spec.resources", "spec.names", "involvedObject", "roleRef", "endpoints")
"""Required by the type, yet a server takes documents without."""

_OF_PODS = (core.PODS, core.POD_TEMPLATES)
_TOLD_ELSEWHERE = (".mountPropagation", ".image.pullPolicy")
"""Words that Kubernetes tells of without saying where, or doesn't look at."""

_LOOKED_AT_LAST = ".backend"
"""Required by the type of a path of an Ingress; the rules tell of it, if nothing else is wrong."""


def _pod(new: Object, old: Object | None) -> Iterator[FieldError]:
    yield from validate_pod_spec(new.get("spec") or {})
    yield from validate_profiles(new)
    if old is None:
        yield from validate_new_pod(new)
    else:
        yield from validate_kept(new, old)
        yield from validate_pod_update(new, old)


def _pod_template(new: Object, old: Object | None) -> Iterator[FieldError]:
    template = new.get("template") or {}
    yield from validate_labels((template.get("metadata") or {}).get("labels"), "template.labels")
    yield from validate_profiles(template, "template.annotations")
    yield from validate_pod_spec(template.get("spec") or {}, "template.spec")


def _event(new: Object, old: Object | None) -> Iterator[FieldError]:
    involved = (new.get("involvedObject") or {}).get("namespace", "")
    own = (new.get("metadata") or {}).get("namespace", "")
    if new.get("eventTime"):
        yield from _new_event(new, involved, own)
    elif involved != own and not (involved == "" and own == "default"):
        yield invalid("involvedObject.namespace", involved, "does not match event.namespace")


def _new_event(new: Object, involved: str, own: str) -> Iterator[FieldError]:
    """An event with a time of its own says who tells it (``legacyValidateEvent``)."""
    if not involved and own not in ("default", "kube-system"):
        yield invalid("involvedObject.namespace", involved, "does not match event.namespace")
    reporter = new.get("reportingComponent") or ""
    if not reporter:
        yield required("reportingComponent")
    yield from invalid_each("reportingComponent", reporter, names.qualified_name(reporter))
    for field in ("reportingInstance", "action", "reason"):
        told = new.get(field) or ""
        if not told:
            yield required(field)
        elif len(told) > _LONGEST_WORD:
            yield invalid(field, "", f"can have at most {_LONGEST_WORD} characters")
    if len(new.get("message") or "") > _LONGEST_NOTE:
        yield invalid("message", "", f"can have at most {_LONGEST_NOTE} characters")


_LONGEST_WORD, _LONGEST_NOTE = 128, 1024

_RULES: dict[Resource, Rules] = {
    core.PODS: _pod,
    core.POD_TEMPLATES: _pod_template,
    core.NODES: validate_node,
    core.EVENTS: _event,
    core.CONFIG_MAPS: data.validate_config_map,
    core.SECRETS: data.validate_secret,
    core.SERVICES: services.validate_service,
    core.ENDPOINT_SLICES: services.validate_endpoint_slice,
    core.INGRESSES: services.validate_ingress,
    core.PERSISTENT_VOLUME_CLAIMS: storage.validate_claim,
    core.PERSISTENT_VOLUMES: storage.validate_volume,
    core.ROLES: access.validate_role,
    core.CLUSTER_ROLES: access.validate_role,
    core.ROLE_BINDINGS: access.validate_role_binding,
    core.CLUSTER_ROLE_BINDINGS: access.validate_role_binding,
    core.CERTIFICATE_SIGNING_REQUESTS: access.validate_signing_request,
    core.LEASES: access.validate_lease,
    core.CUSTOM_RESOURCE_DEFINITIONS: validate_definition,
}
