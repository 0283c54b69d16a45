"""The Node object: what this machine is, what it has to give, and how it is doing. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.timestamps import rfc3339
from boatyard.node.registration.host import HostFacts, Pressure

PODS = 250
"""More than kubelet's 110: a pod here is a few processes, and CI servers that wait cost next to nothing."""
RESERVED_MEMORY_SHARE = 0.1
MEMORY_LOW, DISK_LOW, INODES_LOW, PIDS_LOW = 0.03, 0.05, 0.03, 0.05
"""Below these shares of what there is, the node is under pressure."""
PRESSURE_HOLDS_SECONDS = 60.0
"""A pressure that just went away stays told for so long: it must not flap."""


@dataclass(frozen=True, slots=True)
class NodeIdentity:
    """What the agent was started as."""

    name: str
    address: str
    kubelet_port: int = 0
    version: str = ""
    sandbox: str = ""
    """The one that pods get."""
    labels: Mapping[str, str] = field(default_factory=dict)
    volumes_directory: str = ""
    """Where claims of this node live."""
    network: tuple[bool, str] | None = None
    """Whether pods get addresses of their own, and why not; None: nothing is said about it."""
    taints: tuple[Object, ...] = ()


def allocatable(facts: HostFacts) -> dict[str, str]:
    """What pods may ask for: all but a reserve of memory for the machine itself."""
    return {
        "cpu": str(facts.cpus),
        "memory": f"{int(facts.memory_bytes * (1 - RESERVED_MEMORY_SHARE)) // 1024}Ki",
        "ephemeral-storage": str(int(facts.disk_bytes * 0.9)),
        "pods": str(PODS),
    }


def node_object(identity: NodeIdentity, facts: HostFacts) -> Object:
    """The declaration, for the first registration."""
    node: Object = {
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": identity.name, "labels": _labels(identity, facts), "annotations": _annotations(identity)},
        "spec": {"taints": list(identity.taints)} if identity.taints else {},
    }  # fmt: skip
    return node


def _labels(identity: NodeIdentity, facts: HostFacts) -> dict[str, str]:
    """Those that the node sets itself, and keeps set."""
    made = {
        "kubernetes.io/hostname": identity.name, "kubernetes.io/os": "linux", "kubernetes.io/arch": facts.architecture,
        **identity.labels,
    }  # fmt: skip
    if identity.sandbox:
        made["boatyard.dev/sandbox"] = identity.sandbox
    return made


def _annotations(identity: NodeIdentity) -> dict[str, str]:
    """Where claims of this node live, for whoever binds them."""
    return {"boatyard.dev/volumes-directory": identity.volumes_directory} if identity.volumes_directory else {}


def node_status(
    identity: NodeIdentity, facts: HostFacts, pressures: Mapping[str, bool], old: Object | None, now: float
) -> Object:
    """The status, for a merge patch. ``pressures`` says which of Memory, Disk and PID are short."""
    capacity = {**allocatable(facts), "memory": f"{facts.memory_bytes // 1024}Ki", "ephemeral-storage": str(facts.disk_bytes)}
    return {
        "capacity": capacity,
        "allocatable": allocatable(facts),
        "conditions": conditions(identity, pressures, (old or {}).get("conditions") or (), now),
        "addresses": [{"type": "InternalIP", "address": identity.address}, {"type": "Hostname", "address": identity.name}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": identity.kubelet_port}},
        "nodeInfo": {
            "machineID": facts.machine_id, "systemUUID": facts.machine_id, "bootID": facts.boot_id, "kernelVersion": facts.kernel,
            "osImage": facts.os_image, "containerRuntimeVersion": f"boatyard://{identity.version}",
            "kubeletVersion": f"v1.32.0+boatyard-{identity.version}", "kubeProxyVersion": "", "operatingSystem": "linux",
            "architecture": facts.architecture,
        },
    }  # fmt: skip


def conditions(identity: NodeIdentity, pressures: Mapping[str, bool], old: Iterable[Object], now: float) -> list[Object]:
    """Kubelet's four conditions, what pods can't have here, then the conditions of others."""
    before = {one["type"]: one for one in old}
    made = []
    for kind, what in (("Memory", "memory"), ("Disk", "disk"), ("PID", "PID")):
        short = pressures.get(kind, False)
        reason = f"KubeletHas{'Insufficient' if short else 'Sufficient'}{kind}" if kind != "Disk" else (
            "KubeletHasDiskPressure" if short else "KubeletHasNoDiskPressure")  # fmt: skip
        message = {
            "Disk": f"kubelet has {'' if short else 'no '}disk pressure",
        }.get(kind, f"kubelet has {'insufficient' if short else 'sufficient'} {what} available")
        made.append(_condition(f"{kind}Pressure", short, reason, message, before, now))
    made.append(_condition("Ready", True, "KubeletReady", "the node agent is posting ready status", before, now))
    if identity.network is not None:
        works, why = identity.network
        reason = "PodsHaveAddresses" if works else "PodsShareTheHostNetwork"
        told = "every pod has an address of its own" if works else why or "pods use the addresses and ports of this machine"
        made.append(_condition("PodNetwork", works, reason, told, before, now))
    own = {one["type"] for one in made}  # membership only
    return [*made, *(one for one in before.values() if one["type"] not in own)]


def short_of(left: Pressure) -> dict[str, bool]:
    """Which pressures there are."""
    return {
        "Memory": left.memory_available < MEMORY_LOW,
        "Disk": left.disk_available < DISK_LOW or left.inodes_available < INODES_LOW,
        "PID": left.pids_available < PIDS_LOW,
    }


def _condition(type: str, true: bool, reason: str, message: str, before: Mapping[str, Object], now: float) -> Object:
    status = "True" if true else "False"
    old = before.get(type)
    since = old.get("lastTransitionTime") if old is not None and old.get("status") == status else None
    return {
        "type": type, "status": status, "reason": reason, "message": message, "lastHeartbeatTime": rfc3339(now),
        "lastTransitionTime": since or rfc3339(now),
    }  # fmt: skip
