"""Bind mounts of what pods may write to: no link that a pod left there, or puts there meanwhile, leads a mount out of its volume.

A path is walked by descriptors, name by name, and a link on the way ends the walk. What was found is mounted by its descriptor, so
nothing that changes between the look and the mount matters; at worst the mount ends up in a directory that has been moved away.
Mounting by path would follow links with our rights: see CVE-2017-1002101 and CVE-2021-30465.
"""

from __future__ import annotations

import errno
import os
import stat

from boatyard.node.sandboxes.view import Step
from boatyard.node.supervisor import linux

TYPE_CHECKING = False  # typing itself would cost a supervisor 10 ms at its start
if TYPE_CHECKING:
    from collections.abc import Sequence

_LOCKED = linux.MS_NOSUID | linux.MS_NODEV


class Places:
    """Where the volumes of one sandbox are mounted: at first in ``root``, which nobody else sees; ``descriptors`` is the directory
    through which this process finds its own descriptors (``/proc/self/fd``, wherever that is now)."""

    def __init__(self, root: str, descriptors: str = "/proc/self/fd") -> None:
        self._root, self._descriptors = root, descriptors

    def bind(self, source: int, target: str, *, read_only: bool | None) -> None:
        """Mount what ``source`` describes at ``target`` below the root, making the directories that are missing.

        ``read_only``: None leaves the mount as it is, for whoever restricts it later. Raises OSError.
        """
        root = os.open(self._root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            place = made(root, target, directory=_is_directory(source))
            try:
                linux.mount(self._named(source), self._named(place), None, linux.MS_BIND | linux.MS_REC)
            finally:
                os.close(place)
            if read_only is not None:
                # The descriptor from before is of what lies under the mount.
                mounted = opened(target, root)
                try:
                    linux.restrict_mounts(self._named(mounted), read_only=read_only)
                finally:
                    os.close(mounted)
        finally:
            os.close(root)

    def _named(self, descriptor: int) -> str:
        return f"{self._descriptors}/{descriptor}"


def opened(path: str, root: int | None = None) -> int:
    """A descriptor (O_PATH) of ``path``, below the directory ``root``; without one, of the machine's. Raises OSError.

    ``path`` must be real: a link in it is one that came since.
    """
    found = os.dup(root) if root is not None else os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    for name in _names(path):
        found = _step(found, name, path)
    return found


def made(root: int, path: str, *, directory: bool) -> int:
    """As :func:`opened`, and what is missing is made: directories on the way, at the end a directory or an empty file."""
    names = _names(path)
    found = os.dup(root)
    for place, name in enumerate(names, 1):
        try:
            if directory or place < len(names):
                os.mkdir(name, 0o755, dir_fd=found)
            else:
                flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
                os.close(os.open(name, flags, 0o644, dir_fd=found))
        except FileExistsError:
            pass
        except OSError as error:
            # What is there already can be used, also where nothing could be made.
            if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM):
                os.close(found)
                raise
        found = _step(found, name, path)
    return found


def gathered(steps: Sequence[Step], scratch: str) -> tuple[Step, ...]:
    """Mount the volumes below the directory ``scratch``, those inside others where they belong, in a mount namespace of our own;
    the steps for a program that mounts by path, and so must not walk through a volume. Raises OSError."""
    linux.mount("tmpfs", scratch, "tmpfs", _LOCKED, "mode=0700")
    volumes = [step for step in steps if step.volume]
    outer = [step for step in volumes if _around(step, volumes) is None]
    result = [step for step in steps if not step.volume]
    seal = [step for step in result if step.kind == "seal"]
    for number, step in enumerate(outer):
        holds = any(_around(other, outer) is step for other in volumes)
        # Who mounts it restricts it, with all that is in it; one that holds others must not share its restriction with them.
        _bind(step, Places(scratch), f"{number}", read_only=(step.kind == "ro") if holds else None)
        result.append(Step("rw" if holds else step.kind, step.target, f"{scratch}/{number}"))
    for step in volumes:
        around = _around(step, outer)
        if around is not None:
            below = step.target.removeprefix(around.target)
            _bind(step, Places(f"{scratch}/{outer.index(around)}"), below, read_only=step.kind == "ro")
    return (*(step for step in result if step.kind != "seal"), *seal)


def prepared(steps: Sequence[Step]) -> None:
    """Look at the sources, and make the mount points that lie inside volumes, for a program that mounts by path with this user's
    rights: who is quick enough to change them afterwards gains no others. Raises OSError."""
    volumes = [step for step in steps if step.volume]
    for step in volumes:
        source, around = opened(step.source), _around(step, volumes)
        try:
            if around is not None:
                outside = opened(around.source)
                try:
                    os.close(made(outside, step.target.removeprefix(around.target), directory=_is_directory(source)))
                finally:
                    os.close(outside)
        finally:
            os.close(source)


def _bind(step: Step, places: Places, target: str, *, read_only: bool | None) -> None:
    source = opened(step.source)
    try:
        places.bind(source, target, read_only=read_only)
    finally:
        os.close(source)


def _around(step: Step, volumes: Sequence[Step]) -> Step | None:
    """The innermost other volume that the step's target lies in."""
    found = [other for other in volumes if step.target.startswith(f"{other.target.rstrip('/')}/")]
    return max(found, key=lambda other: len(other.target), default=None)


def _names(path: str) -> list[str]:
    names = [name for name in path.split("/") if name not in ("", ".")]
    if ".." in names:
        raise OSError(errno.EINVAL, f"{path} contains '..'")
    return names


def _step(above: int, name: str, path: str) -> int:
    """One name further; ``above`` is closed."""
    try:
        below = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror}: {path}") from None
    finally:
        os.close(above)
    if stat.S_ISLNK(os.fstat(below).st_mode):
        os.close(below)
        raise OSError(errno.ELOOP, f"{path} leads through the link {name!r}: a mount would leave its volume")
    return below


def _is_directory(descriptor: int) -> bool:
    return stat.S_ISDIR(os.fstat(descriptor).st_mode)
