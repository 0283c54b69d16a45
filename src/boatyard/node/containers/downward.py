"""The downward API: fields of the pod and resources of its containers as text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal

from boatyard.machinery.meta.objects import Object, annotations, labels
from boatyard.machinery.meta.quantity import parse_quantity
from boatyard.node.containers.errors import ConfigError

_KEYED = re.compile(r"metadata\.(labels|annotations)\['(.*)'\]")


def field(pod: Object, path: str, addresses: Mapping[str, str]) -> str:
    """The value of a ``fieldRef.fieldPath``. ``addresses`` holds what only the node knows: ``status.podIP``, ``status.hostIP``.

    Raises ConfigError for a path that Kubernetes doesn't offer.
    """
    metadata, spec = pod["metadata"], pod["spec"]
    if keyed := _KEYED.fullmatch(path):
        return (labels(pod) if keyed.group(1) == "labels" else annotations(pod)).get(keyed.group(2), "")
    if path in ("metadata.name", "metadata.namespace", "metadata.uid"):
        return metadata.get(path.removeprefix("metadata."), "")
    if path in ("metadata.labels", "metadata.annotations"):
        return format_map(metadata.get(path.removeprefix("metadata.")) or {})
    if path == "spec.nodeName":
        return spec.get("nodeName", "")
    if path == "spec.serviceAccountName":
        return spec.get("serviceAccountName") or "default"
    if path in ("status.podIP", "status.podIPs"):
        return addresses.get("status.podIP", "")
    if path in ("status.hostIP", "status.hostIPs"):
        return addresses.get("status.hostIP", "")
    raise ConfigError(f"unsupported fieldPath: {path}")


def format_map(values: Mapping[str, str]) -> str:
    """``key="escaped value"`` lines in key order, as files of labels and annotations have them."""
    return "\n".join(f"{key}={_quote(values[key])}" for key in sorted(values))


def resource(container: Object, name: str, divisor: str, allocatable: Mapping[str, str]) -> str:
    """The value of a ``resourceFieldRef`` such as ``limits.memory``, in units of ``divisor``, rounded up. A limit that isn't set is
    what the node can give.

    Raises ConfigError for an unknown resource.
    """
    section, _, which = name.partition(".")
    if section not in ("limits", "requests") or not which:
        raise ConfigError(f"unsupported container resource: {name}")
    declared = (container.get("resources") or {}).get(section) or {}
    if section == "requests":
        declared = {**((container.get("resources") or {}).get("limits") or {}), **declared}
    text = declared.get(which)
    if text is None and section == "limits":
        text = allocatable.get(which)
    amount = parse_quantity(text) if text is not None else Decimal(0)
    unit = parse_quantity(divisor) if divisor not in ("", "0", 0) else Decimal(1)
    return str(int((amount / unit).to_integral_value(ROUND_CEILING)))


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    return f'"{escaped}"'
