"""What placement decides from: nodes, what they offer, and the pods that are on them."""

from __future__ import annotations

from boatyard.machinery.meta.conditions import condition
from boatyard.machinery.meta.objects import Object, labels, name
from boatyard.machinery.placement.demand import Demand, Port, amount

POD_NETWORK = "PodNetwork"
"""The condition by which a node agent says whether pods have addresses of their own; False: they share the node's and its ports."""


class NodeState:
    """One node and the pods on it."""

    __slots__ = (
        "allocatable", "allocated", "labels", "name", "pods", "ports", "repelling", "shares_network", "taints", "unschedulable",
    )  # fmt: skip

    def __init__(self, node: Object) -> None:
        self.pods: dict[str, Demand] = {}
        self.allocated: dict[str, int] = {}
        self.ports: dict[Port, int] = {}
        self.repelling: dict[str, Demand] = {}  # the pods with an anti-affinity of their own
        self.describe(node)

    def describe(self, node: Object) -> None:
        """Take over what the node object says now; the pods stay."""
        spec, status = node.get("spec") or {}, node.get("status") or {}
        self.name = name(node)
        self.labels = labels(node)
        self.unschedulable = bool(spec.get("unschedulable"))
        self.taints = tuple(spec.get("taints") or ())
        offered = status.get("allocatable") or status.get("capacity") or {}
        self.allocatable = {key: amount(key, value) for key, value in offered.items()}
        network = condition(node, POD_NETWORK)
        self.shares_network = network is not None and network.get("status") == "False"
        # What the pods take of a node's ports depends on it.
        self.ports = {}
        for pod in self.pods.values():
            self._take_ports(pod)

    def copy(self) -> NodeState:
        """One's own, to try things on."""
        twin = object.__new__(NodeState)
        twin.name, twin.labels, twin.unschedulable, twin.taints = self.name, self.labels, self.unschedulable, self.taints
        twin.allocatable, twin.shares_network = self.allocatable, self.shares_network
        twin.pods, twin.allocated, twin.ports = dict(self.pods), dict(self.allocated), dict(self.ports)
        twin.repelling = dict(self.repelling)
        return twin

    def add(self, pod: Demand) -> None:
        """Put a pod here (again: replaces what was known of it)."""
        self.remove(pod.uid)
        self.pods[pod.uid] = pod
        if pod.pod_anti_affinity:
            self.repelling[pod.uid] = pod
        for key, value in pod.requests.items():
            self.allocated[key] = self.allocated.get(key, 0) + value
        self._take_ports(pod)

    def remove(self, pod_uid: str) -> None:
        """Take a pod away, if it is here."""
        pod = self.pods.pop(pod_uid, None)
        if pod is None:
            return
        self.repelling.pop(pod_uid, None)
        for key, value in pod.requests.items():
            self.allocated[key] -= value
        for port in self.ports_of(pod):
            self.ports[port] -= 1
            if not self.ports[port]:
                del self.ports[port]

    def ports_of(self, pod: Demand) -> tuple[Port, ...]:
        """What of this node's ports a pod takes, or would take."""
        return pod.declared_ports if self.shares_network else pod.host_ports

    def _take_ports(self, pod: Demand) -> None:
        for port in self.ports_of(pod):
            self.ports[port] = self.ports.get(port, 0) + 1


class Snapshot:
    """Nodes by name. Whoever keeps one changes it as the world changes; :func:`~.place.place` only reads it."""

    def __init__(self) -> None:
        self.nodes: dict[str, NodeState] = {}
        self._homeless: dict[str, dict[str, Demand]] = {}
        self._where: dict[str, str] = {}

    def set_node(self, node: Object) -> None:
        """A node came or changed."""
        known = self.nodes.get(name(node))
        if known is not None:
            known.describe(node)
            return
        state = self.nodes[name(node)] = NodeState(node)
        for pod in self._homeless.pop(name(node), {}).values():
            state.add(pod)

    def remove_node(self, node: str) -> None:
        """A node is gone; its pods are kept in mind, should it come again."""
        state = self.nodes.pop(node, None)
        if state is not None and state.pods:
            self._homeless[node] = dict(state.pods)

    def set_pod(self, pod: Demand, node: str) -> None:
        """A pod is on ``node``."""
        if self._where.get(pod.uid, node) != node:
            self.remove_pod(pod.uid)
        self._where[pod.uid] = node
        state = self.nodes.get(node)
        if state is not None:
            state.add(pod)
        else:
            self._homeless.setdefault(node, {})[pod.uid] = pod

    def remove_pod(self, pod_uid: str) -> None:
        """A pod ended or is gone: what it took is free."""
        node = self._where.pop(pod_uid, None)
        if node is None:
            return
        if node in self.nodes:
            self.nodes[node].remove(pod_uid)
        elif node in self._homeless:
            self._homeless[node].pop(pod_uid, None)
            if not self._homeless[node]:
                del self._homeless[node]
