"""hostPath volumes: parts of the machine's own file system, where the node lets pods see them."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from boatyard.machinery.meta.objects import Object
from boatyard.node.volumes.errors import VolumeError


@dataclass(frozen=True, slots=True)
class HostPathPolicy:
    """What of the machine pods may see."""

    hidden: tuple[Path, ...] = ()
    """Directories that no pod sees: the installation's data, whose keys would open everything."""
    shown: tuple[Path, ...] = ()
    """Directories inside hidden ones that pods may see, read-only."""

    def check(self, path: Path) -> bool:
        """Whether the path must be mounted read-only. Raises VolumeError when it may not be seen at all."""
        for shown in self.shown:
            if path == shown or shown in path.parents:
                return True
        for hidden in self.hidden:
            if path == hidden or hidden in path.parents or path in hidden.parents:
                raise VolumeError(f"hostPath {path} is refused: it holds, or lies in, this installation's own data")
        return False


def host_path(source: Object, policy: HostPathPolicy) -> tuple[str, bool]:
    """(the path to mount, whether read-only). Makes what ``type`` asks to be made. Raises VolumeError."""
    declared, kind = source.get("path", ""), source.get("type") or ""
    path = Path(os.path.realpath(declared))
    if not Path(declared).is_absolute():
        raise VolumeError(f"hostPath {declared!r} must be absolute")
    if ".." in Path(declared).parts:
        raise VolumeError(f"hostPath {declared!r} must not contain '..'")
    if link := _strangers_link(declared):
        raise VolumeError(f"hostPath {declared} is refused: {link} is a link that a pod may have made; name the directory itself")
    read_only = policy.check(path)
    if kind == "DirectoryOrCreate" and not path.exists():
        path.mkdir(0o755, parents=True)
    elif kind == "FileOrCreate" and not path.exists():
        path.touch(0o644)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise VolumeError(f"hostPath type check failed: {declared} does not exist") from None
    except OSError as error:
        raise VolumeError(f"hostPath {declared}: {error.strerror}") from error
    wanted = {
        "Directory": stat.S_ISDIR, "DirectoryOrCreate": stat.S_ISDIR, "File": stat.S_ISREG, "FileOrCreate": stat.S_ISREG,
        "Socket": stat.S_ISSOCK, "CharDevice": stat.S_ISCHR, "BlockDevice": stat.S_ISBLK,
    }.get(kind)  # fmt: skip
    if wanted is not None and not wanted(mode):
        raise VolumeError(f"hostPath type check failed: {declared} is not a {kind.removesuffix('OrCreate')}")
    return str(path), read_only


def _strangers_link(declared: str) -> str:
    """The first link on the way that isn't root's; empty when there is none. Whoever may write below an allowed directory could put
    a link there, to be led anywhere by the next pod's hostPath."""
    path = Path(os.path.abspath(declared))
    for part in (*reversed(path.parents), path):
        try:
            found = os.lstat(part)
        except OSError:
            return ""
        if stat.S_ISLNK(found.st_mode) and found.st_uid != 0:
            return str(part)
    return ""
