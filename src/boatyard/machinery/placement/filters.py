"""Why a pod can't be on a node: one function per reason, worded as Kubernetes' scheduler does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.selectors import LabelSelector
from boatyard.machinery.placement.demand import Demand
from boatyard.machinery.placement.nodeselector import matches_node_selector, untolerated
from boatyard.machinery.placement.snapshot import NodeState

UNSCHEDULABLE_TAINT = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def reasons_against(pod: Demand, node: NodeState, nodes: Mapping[str, NodeState]) -> list[str]:
    """Empty when the pod fits; else what the first filter that objects says."""
    for rule in FILTERS:
        if told := rule(pod, node, nodes):
            return told
    return []


def _unschedulable(pod: Demand, node: NodeState, nodes: Mapping[str, NodeState]) -> list[str]:
    if node.unschedulable and untolerated((UNSCHEDULABLE_TAINT,), pod.tolerations, ("NoSchedule",)):
        return ["node(s) were unschedulable"]
    return []


def _taints(pod: Demand, node: NodeState, nodes: Mapping[str, NodeState]) -> list[str]:
    taint = untolerated(node.taints, pod.tolerations, ("NoSchedule", "NoExecute"))
    return [f"node(s) had untolerated taint {{{taint.get('key')}: {taint.get('value') or ''}}}"] if taint else []


def _node_affinity(pod: Demand, node: NodeState, nodes: Mapping[str, NodeState]) -> list[str]:
    required = pod.node_affinity.get(REQUIRED)
    fits = all(node.labels.get(key) == value for key, value in pod.node_selector.items()) and (
        required is None or matches_node_selector(required, node.name, node.labels)
    )
    return [] if fits else ["node(s) didn't match Pod's node affinity/selector"]


def _host_ports(pod: Demand, node: NodeState, nodes: Mapping[str, NodeState]) -> list[str]:
    for protocol, address, number in node.ports_of(pod):
        for taken_protocol, taken_address, taken_number in node.ports:
            if (taken_protocol, taken_number) == (protocol, number) and (
                not address or not taken_address or address == taken_address
            ):
                return ["node(s) didn't have free ports for the requested pod ports"]
    return []


def _resources(pod: Demand, node: NodeState, nodes: Mapping[str, NodeState]) -> list[str]:
    told: list[str] = []
    for key, wanted in pod.requests.items():
        if node.allocated.get(key, 0) + wanted > node.allocatable.get(key, 0):
            told.append("Too many pods" if key == "pods" else f"Insufficient {key}")
    return told


def _volumes(pod: Demand, node: NodeState, nodes: Mapping[str, NodeState]) -> list[str]:
    if all(matches_node_selector(selector, node.name, node.labels) for selector in pod.volume_affinities):
        return []
    return ["node(s) had volume node affinity conflict"]


def _pod_affinity(pod: Demand, node: NodeState, nodes: Mapping[str, NodeState]) -> list[str]:
    for term in pod.pod_affinity.get(REQUIRED) or ():
        if not any(_concerns(term, pod, other) for other in _in_domain(term, node, nodes)):
            # The first of a group that wants to be together may go anywhere.
            alone = _concerns(term, pod, pod) and not any(
                _concerns(term, pod, other) for state in nodes.values() for other in state.pods.values()
            )
            if not alone or term.get("topologyKey", "") not in node.labels:
                return ["node(s) didn't match pod affinity rules"]
    for term in pod.pod_anti_affinity.get(REQUIRED) or ():
        if any(_concerns(term, pod, other) for other in _in_domain(term, node, nodes)):
            return ["node(s) didn't match pod anti-affinity rules"]
    for state in nodes.values():
        for other in state.repelling.values():
            for term in other.pod_anti_affinity.get(REQUIRED) or ():
                key = term.get("topologyKey", "")
                same_domain = key in node.labels and node.labels[key] == state.labels.get(key)
                if same_domain and _concerns(term, other, pod):
                    return ["node(s) didn't satisfy existing pods anti-affinity rules"]
    return []


def _in_domain(term: Object, node: NodeState, nodes: Mapping[str, NodeState]) -> Iterable[Demand]:
    key = term.get("topologyKey", "")
    if key not in node.labels:
        return
    for state in nodes.values():
        if state.labels.get(key) == node.labels[key]:
            yield from state.pods.values()


def _concerns(term: Object, holder: Demand, other: Demand) -> bool:
    """Whether a pod affinity term of ``holder`` speaks of ``other``. Of a namespace selector only "all" is known here."""
    namespaces = term.get("namespaces") or (() if term.get("namespaceSelector") == {} else (holder.namespace,))
    if namespaces and other.namespace not in namespaces:
        return False
    return LabelSelector.from_object(term.get("labelSelector")).matches(other.labels)


Filter = Callable[[Demand, NodeState, Mapping[str, NodeState]], list[str]]

FILTERS: tuple[Filter, ...] = (_unschedulable, _taints, _node_affinity, _host_ports, _resources, _volumes, _pod_affinity)
