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

    A link that a container of the same pod puts there after this look is refused when the sandbox is made (``sandboxes/binding``).
    """
    pure = PurePosixPath(inner)
    if pure.is_absolute() or ".." in pure.parts:
        raise ConfigError(f"failed to prepare subPath for volumeMount {volume!r}: {inner!r} must be relative and contain no '..'")
    base = Path(os.path.realpath(root))
    real = Path(os.path.realpath(base / pure))
    if real != base and base not in real.parents:
        raise ConfigError(f"failed to prepare subPath for volumeMount {volume!r}: {inner!r} leads out of the volume")
    if not real.exists():
        try:
            _make_below(base, real.relative_to(base).parts)
        except OSError as error:
            raise ConfigError(f"failed to prepare subPath for volumeMount {volume!r}: {inner!r}: {error.strerror}") from None
    return str(real)


def _make_below(base: Path, parts: tuple[str, ...]) -> None:
    """Make the directories that are missing, for the volume's owner, never through a link: a pod may be quicker, and we root."""
    owner = base.stat()
    above = os.open(base, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in parts:
            try:
                os.mkdir(part, 0o750, dir_fd=above)
                made = True
            except FileExistsError:
                made = False
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=above)
            os.close(above)
            above = below
            if made and owner.st_uid != os.geteuid():
                os.fchown(above, owner.st_uid, owner.st_gid)
    finally:
        os.close(above)
