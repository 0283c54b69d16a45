"""A container's environment: literal values, references, whole ConfigMaps and Secrets."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from boatyard.machinery.meta.core import CONFIG_MAPS, SECRETS
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource
from boatyard.node.containers import downward
from boatyard.node.containers.errors import ConfigError
from boatyard.node.containers.expansion import expand

Reference: TypeAlias = tuple[Resource, str]
"""A ConfigMap or Secret of the pod's namespace, by name."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a container's declaration is resolved against."""

    pod: Object
    objects: Mapping[Reference, Object | None] = field(default_factory=dict)
    """Every object that :func:`references` named; None for one that doesn't exist."""
    addresses: Mapping[str, str] = field(default_factory=dict)
    """``status.podIP`` and ``status.hostIP``."""
    allocatable: Mapping[str, str] = field(default_factory=dict)
    """What the node has to give: stands in for limits that aren't set."""
    services: Mapping[str, str] = field(default_factory=dict)
    """Variables every container gets: where the API server is."""


def references(container: Object) -> list[Reference]:
    """The objects that a container's environment needs, each once, in order."""
    found: dict[Reference, None] = {}
    for source in container.get("envFrom") or ():
        found |= {_reference(source[key], key): None for key in ("configMapRef", "secretRef") if source.get(key)}
    for variable in container.get("env") or ():
        source = variable.get("valueFrom") or {}
        found |= {_reference(source[key], key): None for key in ("configMapKeyRef", "secretKeyRef") if source.get(key)}
    return list(found)


def environment(container: Object, around: Surroundings) -> dict[str, str]:
    """The variables, later ones over earlier ones: services, then ``envFrom``, then ``env``, in which ``$(NAME)`` sees what came
    before. Raises ConfigError when something it needs is missing."""
    result = dict(around.services)
    for source in container.get("envFrom") or ():
        result.update(_whole(source, around))
    for variable in container.get("env") or ():
        value = _value(container, variable, result, around)
        if value is not None:
            result[variable["name"]] = value
    return result


def data_of(obj: Object, resource: Resource) -> dict[str, bytes]:
    """The entries of a ConfigMap or Secret as bytes."""
    if resource is SECRETS or resource.kind == "Secret":
        return {key: _decoded(value) for key, value in (obj.get("data") or {}).items()}
    entries = {key: value.encode() for key, value in (obj.get("data") or {}).items()}
    return entries | {key: _decoded(value) for key, value in (obj.get("binaryData") or {}).items()}


def _decoded(value: str) -> bytes:
    try:
        return base64.b64decode(value)
    except (binascii.Error, ValueError):
        return b""


def _reference(selector: Object, key: str) -> Reference:
    return (CONFIG_MAPS if key.startswith("configMap") else SECRETS, selector.get("name", ""))


def _whole(source: Object, around: Surroundings) -> Iterator[tuple[str, str]]:
    prefix = source.get("prefix") or ""
    for key in ("configMapRef", "secretRef"):
        selector = source.get(key)
        if not selector:
            continue
        reference = _reference(selector, key)
        obj = around.objects.get(reference)
        if obj is None:
            if selector.get("optional"):
                continue
            raise ConfigError(f'{reference[0].kind.lower()} "{reference[1]}" not found')
        for name, value in data_of(obj, reference[0]).items():
            if "=" not in name and "\0" not in name:
                yield prefix + name, value.decode(errors="replace").replace("\0", "")


def _value(container: Object, variable: Object, known: Mapping[str, str], around: Surroundings) -> str | None:
    source: dict[str, Any] = variable.get("valueFrom") or {}
    if not source:
        return expand(variable.get("value") or "", known)
    if reference := source.get("fieldRef"):
        return downward.field(around.pod, reference.get("fieldPath", ""), around.addresses)
    if reference := source.get("resourceFieldRef"):
        of = container
        if reference.get("containerName") and reference["containerName"] != container["name"]:
            of = container_named(around.pod, reference["containerName"])
        return downward.resource(of, reference.get("resource", ""), reference.get("divisor") or "1", around.allocatable)
    for key in ("configMapKeyRef", "secretKeyRef"):
        if selector := source.get(key):
            return _entry(selector, key, around)
    raise ConfigError(f"env {variable['name']}: valueFrom has no source that is known here: {', '.join(source) or 'none'}")


def _entry(selector: Object, key: str, around: Surroundings) -> str | None:
    resource, name = _reference(selector, key)
    obj = around.objects.get((resource, name))
    entries = data_of(obj, resource) if obj is not None else {}
    if selector.get("key") in entries:
        return entries[selector["key"]].decode(errors="replace").replace("\0", "")
    if selector.get("optional"):
        return None
    if obj is None:
        raise ConfigError(f'{resource.kind.lower()} "{name}" not found')
    where = around.pod["metadata"].get("namespace", "")
    raise ConfigError(f"couldn't find key {selector.get('key')} in {resource.kind} {where}/{name}")


def container_named(pod: Object, name: str) -> Object:
    """The container or init container of that name. Raises ConfigError."""
    for container in (*(pod["spec"].get("containers") or ()), *(pod["spec"].get("initContainers") or ())):
        if container["name"] == name:
            return container
    raise ConfigError(f"container {name} is not in the pod")
