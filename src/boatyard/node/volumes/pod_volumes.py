"""The volumes of one pod on this machine: made before its supervisor starts, filled once its address is known, then kept fresh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES
from boatyard.machinery.meta.errors import NotFound
from boatyard.machinery.meta.objects import Object, namespace, uid
from boatyard.machinery.meta.quantity import parse_quantity
from boatyard.machinery.runtime.world import World
from boatyard.node.containers.environment import Reference, Surroundings
from boatyard.node.containers.mounts import MountableVolume
from boatyard.node.paths import NodePaths
from boatyard.node.volumes.errors import VolumeError
from boatyard.node.volumes.host_path import HostPathPolicy, host_path
from boatyard.node.volumes.payload import TokenWish, files, is_payload, references, tokens
from boatyard.node.volumes.removal import remove_tree
from boatyard.node.volumes.writer import write_files

MEMORY_ROOT = Path("/dev/shm").resolve()
"""Where ``medium: Memory`` volumes live: memory-backed on every Linux, nothing to mount and nothing to leave mounted."""


@dataclass(slots=True)
class PodVolumes:
    """Makes, fills and removes the volumes of pods."""

    client: Client
    world: World
    paths: NodePaths
    policy: HostPathPolicy = field(default_factory=HostPathPolicy)

    async def claims(self, pod: Object) -> dict[str, MountableVolume]:
        """Where the pod's claims are, by volume name. Raises VolumeError for one that isn't bound to this machine, ApiError."""
        found: dict[str, MountableVolume] = {}
        for volume in pod["spec"].get("volumes") or ():
            source = volume.get("persistentVolumeClaim")
            if source is not None:
                path = await self._claim(namespace(pod), source["claimName"])
                found[volume["name"]] = MountableVolume(path, bool(source.get("readOnly")))
        return found

    def make(self, pod: Object, claims: Mapping[str, MountableVolume]) -> tuple[dict[str, MountableVolume], tuple[str, ...]]:
        """Make the directories. Returns every volume by name, and the directories that belong to the pod's user.

        Raises VolumeError, OSError.
        """
        mountable: dict[str, MountableVolume] = dict(claims)
        owned = [volume.path for volume in claims.values() if self._is_ours(Path(volume.path))]
        for volume in pod["spec"].get("volumes") or ():
            name = volume["name"]
            if volume.get("hostPath") is not None:
                mountable[name] = MountableVolume(*host_path(volume["hostPath"], self.policy))
            elif name not in mountable:
                directory = self._directory(pod, volume)
                made = not directory.is_dir()
                directory.mkdir(0o755, parents=True, exist_ok=True)
                if made and not is_payload(volume):
                    directory.chmod(0o777)
                mountable[name] = MountableVolume(str(directory), is_payload(volume))
                owned.append(str(directory))
        return mountable, tuple(owned)

    def references(self, pod: Object) -> list[Reference]:
        """The ConfigMaps and Secrets that the pod's volumes show."""
        return [reference for volume in pod["spec"].get("volumes") or () for reference in references(volume)]

    def tokens(self, pod: Object) -> list[TokenWish]:
        """The service-account tokens that the pod's volumes show."""
        return [wish for volume in pod["spec"].get("volumes") or () for wish in tokens(volume)]

    def fill(self, around: Surroundings, issued: Mapping[TokenWish, str]) -> None:
        """Write the files that changed. Raises VolumeError, ConfigError, OSError."""
        for volume in around.pod["spec"].get("volumes") or ():
            if is_payload(volume):
                try:
                    made = files(volume, around, issued)
                except VolumeError as error:
                    raise VolumeError(f'MountVolume.SetUp failed for volume "{volume["name"]}" : {error}') from None
                write_files(self._directory(around.pod, volume), made, self.world.token(10))

    async def remove(self, pod_uid: str) -> None:
        """Remove what the pod kept in its volumes; claims and the machine's own paths stay. Idempotent."""
        if not pod_uid or "/" in pod_uid:
            raise ValueError(f"not a pod's uid: {pod_uid!r}")
        await remove_tree(self.paths.pod(pod_uid).volumes, self.world)
        await remove_tree(_memory(pod_uid), self.world)

    def limited(self, pod: Object) -> list[tuple[str, Path, int]]:
        """(name, directory, limit in bytes) of every emptyDir that has one."""
        return [
            (volume["name"], self._directory(pod, volume), int(parse_quantity(volume["emptyDir"]["sizeLimit"])))
            for volume in pod["spec"].get("volumes") or ()
            if (volume.get("emptyDir") or {}).get("sizeLimit")
        ]

    def _directory(self, pod: Object, volume: Object) -> Path:
        if (volume.get("emptyDir") or {}).get("medium") == "Memory":
            return _memory(uid(pod)) / volume["name"]
        return self.paths.pod(uid(pod)).volume(volume["name"])

    async def _claim(self, namespace: str, claim: str) -> str:
        try:
            bound = await self.client.get(PERSISTENT_VOLUME_CLAIMS, claim, namespace)
            name = bound["spec"].get("volumeName")
            if not name or (bound.get("status") or {}).get("phase") != "Bound":
                raise VolumeError(f'persistentvolumeclaim "{claim}" is not bound yet')
            volume = await self.client.get(PERSISTENT_VOLUMES, name)
        except NotFound as error:
            raise VolumeError(str(error)) from None
        source = volume["spec"].get("local") or volume["spec"].get("hostPath")
        if not source:
            raise VolumeError(f'persistentvolume "{name}" is neither local nor hostPath; this node mounts nothing else')
        path = Path(source["path"])
        if self._is_ours(path):
            path.mkdir(0o700, parents=True, exist_ok=True)
        elif not path.is_dir():
            raise VolumeError(f'persistentvolume "{name}": {path} is not a directory of this machine')
        else:
            # An administrator named it; mounts are made of real paths only.
            path = path.resolve()
        return str(path)

    def _is_ours(self, path: Path) -> bool:
        return self.paths.claims in path.parents and ".." not in path.parts


def _memory(pod_uid: str) -> Path:
    return MEMORY_ROOT / f"boatyard-{pod_uid}"
