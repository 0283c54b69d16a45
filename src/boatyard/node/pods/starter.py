"""Bringing a pod onto the machine: volumes, supervisor, containers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from boatyard.machinery.meta.errors import NotFound
from boatyard.machinery.meta.objects import Object, name, namespace, uid
from boatyard.machinery.runtime.tasks import TaskGroup
from boatyard.node.containers.config import container_config
from boatyard.node.containers.environment import Reference, Surroundings, references
from boatyard.node.containers.limits import pod_memory_bytes
from boatyard.node.containers.mounts import MountableVolume
from boatyard.node.pods.context import NodeContext
from boatyard.node.runtime import ContainerConfig, PodConfig, PodState
from boatyard.node.volumes.payload import TokenWish
from boatyard.node.volumes.tokens import PodTokens

REFRESH_SECONDS = 60.0


@dataclass(slots=True)
class Starter:
    """Starts one pod and its containers; keeps what its volumes show fresh. Everything may be done again after a crash."""

    context: NodeContext
    tokens: PodTokens
    mountable: dict[str, MountableVolume] | None = None
    """The pod's volumes once they are made and filled."""
    refresh_at: float | None = None
    _objects: dict[Reference, Object | None] = field(default_factory=dict)

    async def start_pod(self, pod: Object) -> PodState:
        """Make the volumes, start the supervisor, fill the volumes.

        Raises VolumeError, ConfigError, MachineError, ApiError, OSError; a group of them when several went wrong.
        """
        volumes = self.context.volumes()
        claims = await volumes.claims(pod)
        mountable, owned = volumes.make(pod, claims)
        wanted = [*volumes.references(pod), *(ref for c in _containers(pod) for ref in references(c))]
        async with TaskGroup() as group:
            fetching = group.start(self._fetch(pod, wanted), "references") if wanted else None
            issuing = group.start(self._issue(pod, volumes.tokens(pod)), "tokens")
            state = await self.context.runtime.start_pod(self.pod_config(pod, owned))
        self._objects = fetching.result() if fetching is not None else {}
        volumes.fill(self._around(pod, state), issuing.result())
        self.mountable = mountable
        self._plan_refresh(pod, bool(volumes.references(pod)))
        return state

    async def start_container(self, pod: Object, state: PodState, container: Object, attempt: int) -> None:
        """Start a container, reading what it refers to anew for a restart. Raises as :meth:`start_pod`."""
        if self.mountable is None:
            await self.start_pod(pod)
        elif attempt > 0 and (wanted := references(container)):
            self._objects |= await self._fetch(pod, wanted)
        config = self._container_config(pod, state, container, attempt)
        log = self.context.paths.pod(uid(pod)).log(container["name"], attempt)
        log.parent.mkdir(0o755, parents=True, exist_ok=True)
        await self.context.runtime.start_container(uid(pod), config)

    async def refresh(self, pod: Object, state: PodState) -> None:
        """Bring ConfigMaps, Secrets, tokens and labels in volumes up to date. Raises as :meth:`start_pod`."""
        volumes = self.context.volumes()
        objects = await self._fetch(pod, volumes.references(pod))
        self._objects |= objects
        volumes.fill(self._around(pod, state), await self._issue(pod, volumes.tokens(pod)))
        self._plan_refresh(pod, bool(objects))

    def pod_config(self, pod: Object, owned: tuple[str, ...]) -> PodConfig:
        """What the supervisor is told."""
        spec = pod["spec"]
        host_network = bool(spec.get("hostNetwork"))
        search: tuple[str, ...] = ()
        policy = spec.get("dnsPolicy") or "ClusterFirst"
        if policy == "ClusterFirstWithHostNet" or (policy == "ClusterFirst" and not host_network):
            domain = self.context.cluster_domain
            search = (f"{namespace(pod)}.svc.{domain}", f"svc.{domain}", domain)
        search += tuple((spec.get("dnsConfig") or {}).get("searches") or ())
        return PodConfig(
            uid=uid(pod), name=name(pod), namespace=namespace(pod), hostname=(spec.get("hostname") or name(pod))[:63].rstrip("-."),
            host_network=host_network, sandbox=self.context.sandbox, memory_bytes=pod_memory_bytes(pod), volumes=owned,
            dns_search=search,
        )  # fmt: skip

    def _container_config(self, pod: Object, state: PodState, container: Object, attempt: int) -> ContainerConfig:
        log = str(self.context.paths.pod(uid(pod)).log(container["name"], attempt))
        return container_config(container, self._around(pod, state), self.mountable or {}, attempt=attempt, log_path=log)

    def _around(self, pod: Object, state: PodState) -> Surroundings:
        own = state.ip or (self.context.host_ip if state.host_network else "")
        addresses = {"status.podIP": own, "status.hostIP": self.context.host_ip}
        return Surroundings(pod, self._objects, addresses, self.context.allocatable, self.context.services)

    async def _fetch(self, pod: Object, wanted: list[Reference]) -> dict[Reference, Object | None]:
        async with TaskGroup() as group:
            tasks = {ref: group.start(self._get(ref, namespace(pod)), ref[1]) for ref in dict.fromkeys(wanted)}
        return {reference: task.result() for reference, task in tasks.items()}

    async def _get(self, reference: Reference, namespace: str) -> Object | None:
        try:
            return await self.context.client.get(reference[0], reference[1], namespace)
        except NotFound:
            return None

    async def _issue(self, pod: Object, wishes: list[TokenWish]) -> Mapping[TokenWish, str]:
        return {wish: await self.tokens.token(pod, wish) for wish in dict.fromkeys(wishes)}

    def _plan_refresh(self, pod: Object, has_references: bool) -> None:
        now = self.context.world.now()
        dues = [now + REFRESH_SECONDS] if has_references or _shows_fields(pod) else []
        if (renewal := self.tokens.renew_at()) is not None:
            dues.append(renewal)
        self.refresh_at = min(dues) if dues else None


def _containers(pod: Object) -> list[Object]:
    return [*(pod["spec"].get("initContainers") or ()), *pod["spec"]["containers"]]


def _shows_fields(pod: Object) -> bool:
    return any(
        volume.get("downwardAPI") or any("downwardAPI" in s for s in (volume.get("projected") or {}).get("sources") or ())
        for volume in pod["spec"].get("volumes") or ()
    )
