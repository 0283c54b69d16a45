"""Finding pods by the node they are bound to."""

from __future__ import annotations

from collections.abc import Iterable

from boatyard.machinery.meta.objects import Object

BY_NODE = "node"


def node_of_pod(pod: Object) -> Iterable[str]:
    """For an index of pods named :data:`BY_NODE`."""
    node = pod["spec"].get("nodeName")
    return (node,) if node else ()
