"""The plan: which pod goes to which node, and why the others can't."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from boatyard.machinery.placement.demand import Demand
from boatyard.machinery.placement.filters import reasons_against
from boatyard.machinery.placement.scores import score
from boatyard.machinery.placement.snapshot import NodeState, Snapshot


class Placed(NamedTuple):
    """A pod and its node."""

    pod: Demand
    node: str


class Refused(NamedTuple):
    """A pod that fits nowhere, and why: ``0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.``"""

    pod: Demand
    message: str


class Plan(NamedTuple):
    """What :func:`place` decided, in the order the pods were handed in."""

    placed: list[Placed]
    refused: list[Refused]


def place(snapshot: Snapshot, pods: Iterable[Demand]) -> Plan:
    """Decide for each pod in turn, each on top of those before it. The snapshot stays as it is."""
    nodes: dict[str, NodeState] = {name: snapshot.nodes[name] for name in sorted(snapshot.nodes)}
    own: set[str] = set()  # nodes copied so far; membership only
    hopeless: dict[str, str] = {}
    plan = Plan([], [])
    for pod in pods:
        shape = pod.shape
        if shape and shape in hopeless:
            # Within one plan nodes only get fuller: what fitted nowhere before fits nowhere now.
            plan.refused.append(Refused(pod, hopeless[shape]))
            continue
        chosen, message = _choose(pod, nodes)
        if chosen is None:
            plan.refused.append(Refused(pod, message))
            if shape:
                hopeless[shape] = message
            continue
        if chosen not in own:
            own.add(chosen)
            nodes[chosen] = nodes[chosen].copy()
        nodes[chosen].add(pod)
        plan.placed.append(Placed(pod, chosen))
    return plan


def _choose(pod: Demand, nodes: dict[str, NodeState]) -> tuple[str | None, str]:
    best: str | None = None
    best_score = 0.0
    against: dict[str, int] = {}
    for name, node in nodes.items():
        reasons = reasons_against(pod, node, nodes)
        if reasons:
            for reason in reasons:
                against[reason] = against.get(reason, 0) + 1
            continue
        points = score(pod, node)
        if best is None or points > best_score:
            best, best_score = name, points
    return best, "" if best is not None else explain(len(nodes), against)


def explain(nodes: int, against: dict[str, int]) -> str:
    """The sentence that ``kubectl describe pod`` shows, as Kubernetes words it."""
    if not nodes:
        return "no nodes available to schedule pods"
    told = sorted(f"{count} {reason}" for reason, count in against.items())
    return f"0/{nodes} nodes are available: {', '.join(told)}."
