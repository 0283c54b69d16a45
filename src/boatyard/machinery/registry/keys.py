"""Where an object lies in the store: ``/registry/<group or core>/<plural>/<namespace or _>/<name>``."""

from __future__ import annotations

from boatyard.machinery.meta.resource import Resource

_NO_NAMESPACE = "_"


def prefix(resource: Resource, namespace: str | None = None) -> str:
    """What the keys of a type, or of a type in one namespace, begin with."""
    head = f"/registry/{resource.group or 'core'}/{resource.plural}/"
    return f"{head}{namespace}/" if namespace and resource.namespaced else head


def key(resource: Resource, namespace: str | None, name: str) -> str:
    """One object's key."""
    where = (namespace or _NO_NAMESPACE) if resource.namespaced else _NO_NAMESPACE
    return f"/registry/{resource.group or 'core'}/{resource.plural}/{where}/{name}"


def place(key: str) -> tuple[str, str]:
    """The namespace (empty for none) and the name in a key."""
    namespace, _, name = key.rpartition("/")
    namespace = namespace.rpartition("/")[2]
    return ("" if namespace == _NO_NAMESPACE else namespace), name
