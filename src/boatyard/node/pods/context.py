"""What all pod workers of a node share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from boatyard.machinery.client.client import Client
from boatyard.machinery.runtime.world import World
from boatyard.node.announcer import Announcer
from boatyard.node.paths import NodePaths
from boatyard.node.probes.actions import Actions
from boatyard.node.runtime import NodeRuntime
from boatyard.node.volumes.host_path import HostPathPolicy
from boatyard.node.volumes.pod_volumes import PodVolumes


@dataclass(slots=True, kw_only=True)
class NodeContext:
    """The ports and facts of one node."""

    client: Client
    runtime: NodeRuntime
    world: World
    paths: NodePaths
    announcer: Announcer
    actions: Actions
    node_name: str
    host_ip: str
    sandbox: str
    services: Mapping[str, str] = field(default_factory=dict)
    """Variables every container gets: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT."""
    allocatable: Mapping[str, str] = field(default_factory=dict)
    policy: HostPathPolicy = field(default_factory=HostPathPolicy)
    cluster_domain: str = "cluster.local"

    def volumes(self) -> PodVolumes:
        return PodVolumes(self.client, self.world, self.paths, self.policy)
