"""``volumeMounts`` as mounts of the machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from boatyard.machinery.meta.objects import Object
from boatyard.node.containers.errors import ConfigError
from boatyard.node.containers.expansion import expand
from boatyard.node.runtime import Mount


class MountableVolume(NamedTuple):
    """A volume that is ready on this machine."""

    path: str
    read_only: bool = False


def mounts(container: Object, volumes: Mapping[str, MountableVolume], environment: Mapping[str, str]) -> tuple[Mount, ...]:
    """The container's mounts, outer targets first. Makes sub-paths that aren't there yet.

    Raises ConfigError when a sub-path leads out of its volume.
    """
    made: list[Mount] = []
    for declared in container.get("volumeMounts") or ():
        volume = volumes.get(declared["name"])
        if volume is None:
            raise ConfigError(f"volume {declared['name']} is not ready")
        inner = declared.get("subPath") or expand(declared.get("subPathExpr") or "", environment)
        source = sub_path(volume.path, inner, declared["name"]) if inner else volume.path
        made.append(Mount(source, str(PurePosixPath(declared["mountPath"])), bool(declared.get("readOnly")) or volume.read_only))
    return tuple(sorted(made, key=lambda mount: (mount.target.count("/"), mount.target)))


def sub_path(root: str, inner: str, volume: str) -> str:
    """The real path of ``inner`` below ``root``; a directory is made of what doesn't exist.

    A container of the same pod could swap a link after this check; it would still see files with the pod's own rights only.
    """
    pure = PurePosixPath(inner)
    if pure.is_absolute() or ".." in pure.parts:
        raise ConfigError(f"failed to prepare subPath for volumeMount {volume!r}: {inner!r} must be relative and contain no '..'")
    base = Path(os.path.realpath(root))
    real = Path(os.path.realpath(base / pure))
    if real != base and base not in real.parents:
        raise ConfigError(f"failed to prepare subPath for volumeMount {volume!r}: {inner!r} leads out of the volume")
    if not real.exists():
        owner = base.stat()
        for part in [p for p in reversed([real, *real.parents]) if base in p.parents and not p.exists()]:
            part.mkdir(0o750, exist_ok=True)
            if owner.st_uid != os.geteuid():
                os.chown(part, owner.st_uid, owner.st_gid)
    return str(real)
