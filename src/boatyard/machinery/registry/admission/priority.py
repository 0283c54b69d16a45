"""What a pod's priority class means (admission plugin Priority). There are the two classes that Kubernetes always has."""

from __future__ import annotations

from boatyard.machinery.meta.errors import Forbidden
from boatyard.machinery.meta.objects import Object

CLASSES = {"system-node-critical": 2_000_001_000, "system-cluster-critical": 2_000_000_000}

_PREEMPTION = "PreemptLowerPriority"
"""What pods of both classes, and of none, do to those of less priority."""


def prioritize(name: str, spec: Object) -> None:
    """Fill in ``priority``. Raises Forbidden for a class that isn't there, or a number that isn't the class's."""
    wanted = spec.get("priorityClassName")
    if wanted and wanted not in CLASSES:
        raise Forbidden(
            f'pods "{name}" is forbidden: no PriorityClass with name {wanted} was found', {"name": name, "kind": "pods"}
        )
    value = CLASSES[wanted] if wanted else 0
    if spec.get("priority") not in (None, value):
        told = f"the integer value of priority ({spec['priority']}) must not be provided in pod spec; priority admission controller"
        raise Forbidden(f'pods "{name}" is forbidden: {told} computed {value} from the given PriorityClass name')
    spec["priority"] = value
    if (policy := spec.setdefault("preemptionPolicy", _PREEMPTION)) != _PREEMPTION:
        told = f"the string value of PreemptionPolicy ({policy}) must not be provided in pod spec; priority admission controller"
        raise Forbidden(f'pods "{name}" is forbidden: {told} computed {_PREEMPTION} from the given PriorityClass name')
