"""The structure of Kubernetes' own types: ``types.json``, read when first asked for, decoded one definition at a time."""

from __future__ import annotations

from functools import cache
from importlib import resources

import msgspec

from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.schema.structural import Schema, Structural

_PREFIXES = {
    "": "",
    "apiextensions.k8s.io": "apiextensions.",
    "authentication.k8s.io": "authentication.",
    "authorization.k8s.io": "authorization.",
    "autoscaling": "autoscaling.",
    "certificates.k8s.io": "certificates.",
    "coordination.k8s.io": "coordination.",
    "discovery.k8s.io": "discovery.",
    "networking.k8s.io": "networking.",
    "policy": "policy.",
    "rbac.authorization.k8s.io": "rbac.",
}
"""API group -> how its types' short names begin."""


@cache
def _definitions() -> dict[str, msgspec.Raw]:
    data = resources.files("boatyard.machinery.registry.core").joinpath("types.json").read_bytes()
    return msgspec.json.decode(data, type=dict[str, msgspec.Raw])


def raw_type(name: str) -> Schema:
    """The definition as it is stored, with ``$ref`` to other names. Raises KeyError."""
    return msgspec.json.decode(_definitions()[name])


@cache
def core_type(name: str) -> Structural:
    """A type by its short name (``v1.PodTemplateSpec``, ``networking.v1.Ingress``), with what it refers to. Raises KeyError."""
    return Structural(raw_type(name), core_type, ranged=True)


def type_name(resource: Resource) -> str:
    """The short name of a resource's type. Raises KeyError for a group that isn't Kubernetes' own."""
    return f"{_PREFIXES[resource.group]}{resource.version}.{resource.kind}"


def core_schema(resource: Resource) -> Structural:
    """The type of one of Kubernetes' own resources. Raises KeyError when there is none."""
    return core_type(type_name(resource))


def type_errors(resource: Resource, obj: Object) -> list[FieldError]:
    """Values of the wrong JSON type, or beyond its range: what a kube-apiserver can't even decode (and answers with 400)."""
    return [error for error in core_schema(resource).validate(obj) if is_type_error(error)]


def is_type_error(error: FieldError) -> bool:
    """Whether the value isn't of its type at all, or out of its range."""
    return error.type == "FieldValueTypeInvalid"
