"""What a review asks, as Kubernetes reads it: unknown fields dropped, wrong types refused, all that is wrong told at once.

Rules and wording follow ``pkg/apis/authorization/validation``.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from boatyard.machinery.meta.errors import BadRequest, FieldError, Invalid, invalid
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource


class _Spec(msgspec.Struct, omit_defaults=True, rename="camel"):
    """An unset field is the empty one, as in Go."""


class ResourceAttributes(_Spec):
    """A verb on a resource. ``*`` and emptiness stand for themselves."""

    namespace: str = ""
    verb: str = ""
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    name: str = ""
    field_selector: dict[str, Any] | None = None
    label_selector: dict[str, Any] | None = None


class PathAttributes(_Spec):
    """A verb on an address that is no resource."""

    path: str = ""
    verb: str = ""


class SelfAccess(_Spec):
    """SelfSubjectAccessReview's spec."""

    resource_attributes: ResourceAttributes | None = None
    non_resource_attributes: PathAttributes | None = None


class Access(SelfAccess):
    """SubjectAccessReview's spec, and LocalSubjectAccessReview's."""

    user: str = ""
    groups: list[str] = []
    uid: str = ""
    extra: dict[str, list[str]] = {}


class Rules(_Spec):
    """SelfSubjectRulesReview's spec."""

    namespace: str = ""


class Token(_Spec):
    """TokenReview's spec."""

    token: str = ""
    audiences: list[str] = []


S = TypeVar("S", bound=_Spec)


def read(resource: Resource, spec: Any, type: type[S]) -> S:
    """Raises BadRequest when a field has another type than it should."""
    try:
        return msgspec.convert(_without_nulls({} if spec is None else spec), type)
    except msgspec.ValidationError as error:
        told = f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: spec: {error}'
        raise BadRequest(told) from error


def check(resource: Resource, metadata: Object, spec: SelfAccess, namespace: str | None = None) -> None:
    """Raises Invalid with everything that is wrong with a question. ``namespace`` is that of a local review."""
    wrong: list[FieldError] = []

    def refuse(path: str, value: str, told: str) -> None:
        wrong.append(FieldError(path, "FieldValueInvalid", f"Invalid value: {value}: {told}"))

    attributes, address = spec.resource_attributes, spec.non_resource_attributes
    shown = f'{{"Path":"{address.path}","Verb":"{address.verb}"}}' if address else ""
    if attributes is not None and address is not None:
        refuse("spec.nonResourceAttributes", shown, "cannot be specified in combination with resourceAttributes")
    if attributes is None and address is None:
        told = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        refuse("spec.resourceAttributes", "null", told)
    selectors = (("fieldSelector", attributes.field_selector), ("labelSelector", attributes.label_selector)) if attributes else ()
    for field, selector in selectors:
        if selector and selector.get("rawSelector") and selector.get("requirements"):
            told = "may not specified at the same time as requirements"
            refuse(f"spec.resourceAttributes.{field}.rawSelector", f'"{selector["rawSelector"]}"', told)
    if isinstance(spec, Access) and not spec.user and not spec.groups:
        refuse("spec.user", '""', "at least one of user or group must be specified")
    if given := {key: value for key, value in metadata.items() if key not in ("managedFields", "namespace") and value}:
        except_for = "" if namespace is None else " except for namespace"
        refuse("metadata", msgspec.json.encode(given).decode(), f"must be empty{except_for}")
    if namespace is not None and attributes is not None and attributes.namespace != namespace:
        refuse("spec.resourceAttributes.namespace", f'"{attributes.namespace}"', "must match metadata.namespace")
    if namespace is not None and address is not None:
        refuse("spec.nonResourceAttributes", shown, "disallowed on this kind of request")
    if wrong:
        error = invalid("", resource.group, "", wrong)
        raise Invalid(error.message, {key: value for key, value in error.details.items() if value})


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return value
