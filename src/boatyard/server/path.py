"""What an address of the Kubernetes API is about."""

from __future__ import annotations

from typing import NamedTuple

# Children of a namespace's address that belong to the namespace itself rather than being types in it.
_OF_NAMESPACE = ("status", "finalize")


class ResourcePath(NamedTuple):
    """``/api/v1/…`` or ``/apis/<group>/<version>/…``, taken apart. Empty parts weren't there."""

    group: str
    version: str
    plural: str = ""
    """Empty for the address of a group version itself (its list of types)."""
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    rest: str = ""
    """What follows the subresource (``proxy/…``)."""


def parse(path: str) -> ResourcePath | None:
    """The resource address, or None for anything else (``/version``, ``/apis``, ``/apis/<group>``, …)."""
    parts = path.removeprefix("/").removesuffix("/").split("/")
    if "" in parts:
        return None
    if len(parts) >= 2 and parts[0] == "api":
        group, version, parts = "", parts[1], parts[2:]
    elif len(parts) >= 3 and parts[0] == "apis":
        group, version, parts = parts[1], parts[2], parts[3:]
    else:
        return None
    namespace = ""
    if len(parts) >= 3 and parts[0] == "namespaces" and not (parts[2] in _OF_NAMESPACE and len(parts) == 3 and not group):
        namespace, parts = parts[1], parts[2:]
    plural, name, subresource, *rest = (*parts, "", "", "")
    return ResourcePath(group, version, plural, namespace, name, subresource, "/".join(part for part in rest if part))
