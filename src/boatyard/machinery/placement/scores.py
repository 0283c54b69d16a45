"""Which of the nodes that fit is best: bin packing, then what pod and node prefer."""

from __future__ import annotations

from boatyard.machinery.placement.demand import Demand
from boatyard.machinery.placement.nodeselector import matches_term, tolerates
from boatyard.machinery.placement.snapshot import NodeState

PACKED = ("cpu", "memory")
LEAST = {"cpu": 100, "memory": 200 * 1024 * 1024}
"""What a pod that asks for nothing is taken to use, as Kubernetes' scheduler assumes: 0.1 cores, 200 MiB."""


def score(pod: Demand, node: NodeState) -> float:
    """Higher is better. Packing counts 0 to 100; a preferred node affinity counts its weight (1 to 100); a PreferNoSchedule taint
    that isn't tolerated costs 100."""
    total = packing(pod, node)
    for preference in pod.node_affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or ():
        if matches_term(preference.get("preference") or {}, node.name, node.labels):
            total += preference.get("weight", 0)
    for taint in node.taints:
        if taint.get("effect") == "PreferNoSchedule" and not any(tolerates(t, taint) for t in pod.tolerations):
            total -= 100
    return total


def packing(pod: Demand, node: NodeState) -> float:
    """How full the node would be, in percent, averaged over cpu and memory: full nodes are filled first, so that others stay free
    for large pods or can be given back."""
    used = 0.0
    for key in PACKED:
        offered = node.allocatable.get(key, 0)
        if offered:
            wanted = node.allocated.get(key, 0) + (pod.requests.get(key) or LEAST[key])
            used += min(wanted / offered, 1.0)
    return 100 * used / len(PACKED)
