"""Which container of a pod a request means."""

from __future__ import annotations

from boatyard.machinery.meta import objects
from boatyard.machinery.meta.errors import BadRequest
from boatyard.machinery.meta.objects import Object

DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"


def chosen(pod: Object, container: str) -> str:
    """The name of ``container``, or of the only one. Raises BadRequest, worded as Kubernetes does."""
    name, spec = pod["metadata"]["name"], pod.get("spec") or {}
    regular = [c["name"] for c in spec.get("containers") or ()]
    initial = [c["name"] for c in spec.get("initContainers") or ()]
    ephemeral = [c["name"] for c in spec.get("ephemeralContainers") or ()]
    if container:
        if container not in (*regular, *initial, *ephemeral):
            raise BadRequest(f"container {container} is not valid for pod {name}")
        return container
    default = objects.annotations(pod).get(DEFAULT_CONTAINER, "")
    if default in (*regular, *initial):
        return default
    if len(regular) == 1:
        return regular[0]
    told = f"a container name must be specified for pod {name}, choose one of: [{' '.join(regular)}]"
    if initial:
        told += f" or one of the init containers: [{' '.join(initial)}]"
    raise BadRequest(told)
