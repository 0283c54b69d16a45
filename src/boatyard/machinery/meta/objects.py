"""Reading the metadata of a JSON object: the few questions everybody asks."""

from typing import Any, TypeAlias

import msgspec

Object: TypeAlias = dict[str, Any]
"""A Kubernetes object as decoded JSON. Whoever holds one that came from a cache or a store must not change it."""


def copied(value: Any) -> Any:
    """A deep copy of decoded JSON; many times faster than ``copy.deepcopy``."""
    if isinstance(value, dict):
        return {key: copied(inner) if isinstance(inner, (dict, list)) else inner for key, inner in value.items()}
    if isinstance(value, list):
        return [copied(inner) if isinstance(inner, (dict, list)) else inner for inner in value]
    return value


def same(one: Any, other: Any) -> bool:
    """Whether two pieces of decoded JSON are equal, types and all: to Python ``1``, ``1.0`` and ``True`` are."""
    if type(one) is str:
        return one == other
    return one == other and (_encoded(one) == _encoded(other) or _alike(one, other))


_encoded = msgspec.json.Encoder().encode


def _alike(one: Any, other: Any) -> bool:
    """Of what is equal: whether the types are, too."""
    if isinstance(one, dict):
        return isinstance(other, dict) and all(_alike(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return isinstance(other, list) and all(map(_alike, one, other))
    return type(one) is type(other)


def name(obj: Object) -> str:
    """``metadata.name``, or empty."""
    return obj.get("metadata", {}).get("name", "")


def namespace(obj: Object) -> str:
    """``metadata.namespace``, or empty for an object of the whole cluster."""
    return obj.get("metadata", {}).get("namespace", "")


def uid(obj: Object) -> str:
    """``metadata.uid``, or empty for an object that was never stored."""
    return obj.get("metadata", {}).get("uid", "")


def revision(obj: Object) -> str:
    """``metadata.resourceVersion``, an opaque string."""
    return obj.get("metadata", {}).get("resourceVersion", "")


def labels(obj: Object) -> dict[str, str]:
    """``metadata.labels``, never None."""
    return obj.get("metadata", {}).get("labels") or {}


def annotations(obj: Object) -> dict[str, str]:
    """``metadata.annotations``, never None."""
    return obj.get("metadata", {}).get("annotations") or {}


def finalizers(obj: Object) -> list[str]:
    """``metadata.finalizers``, never None."""
    return obj.get("metadata", {}).get("finalizers") or []


def deleting(obj: Object) -> bool:
    """Whether deletion was asked for (``metadata.deletionTimestamp`` is set)."""
    return bool(obj.get("metadata", {}).get("deletionTimestamp"))


def owner_reference(owner: Object, *, controller: bool = True, block: bool = True) -> Object:
    """The entry for ``metadata.ownerReferences`` that makes ``owner`` the owner of another object."""
    return {
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": name(owner), "uid": uid(owner),
        "controller": controller, "blockOwnerDeletion": block,
    }  # fmt: skip


def controller_of(obj: Object) -> Object | None:
    """The owner reference with ``controller: true``, if there is one."""
    for reference in obj.get("metadata", {}).get("ownerReferences") or ():
        if reference.get("controller"):
            return reference
    return None


def owned_by(obj: Object, owner: Object) -> bool:
    """Whether ``owner``, by uid, is among the owners of ``obj``."""
    return any(r.get("uid") == uid(owner) for r in obj.get("metadata", {}).get("ownerReferences") or ())
