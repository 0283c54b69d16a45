"""The port of this folder: what a sandbox is given, and what it gives back. Found by file: ``find("bubblewrap")``."""

from __future__ import annotations

import importlib
import os
import select

from boatyard.node.sandboxes.view import Step

TYPE_CHECKING = False  # typing itself would cost a supervisor 10 ms at its start
if TYPE_CHECKING:
    from types import ModuleType


class SandboxError(Exception):
    """The sandbox could not be made; the message says what the kernel or the program said."""


class Cell:
    """What a sandbox is made of: a view of files, and whose it is."""

    def __init__(self, steps: tuple[Step, ...], hostname: str, uid: int | None, scratch: str = "/tmp") -> None:
        """``hostname``: empty: the host's. ``uid``: as root the pod's own user (and group), None: the supervisor's. ``scratch``: a
        directory of the supervisor's, to put mounts into that nobody else sees."""
        self.steps, self.hostname, self.uid, self.scratch = steps, hostname, uid, scratch


class Holder:
    """The process that holds a sandbox's namespaces open: it dies with its supervisor, and everything inside dies with it."""

    def __init__(self, pid: int, init: int, fds: tuple[int, ...]) -> None:
        """``pid``: a child of the supervisor, whose end is the sandbox's end. ``init``: the first process inside; killing it ends
        all others. ``fds``: to be closed after the end; the holder lives no longer than they are open."""
        self.pid, self.init, self.fds = pid, init, fds


def readable(fd: int, seconds: float) -> bool:
    """Wait until something can be read, or the end; False when nothing came in time."""
    poll = select.poll()
    poll.register(fd, select.POLLIN | select.POLLHUP)
    return bool(poll.poll(seconds * 1000))


def find(name: str) -> ModuleType:
    """The module of a sandbox: ``unavailable(root) -> str`` (why it doesn't work here, or empty) and ``hold(cell) -> Holder``
    (raises :class:`SandboxError`). Raises :class:`SandboxError` for a name that isn't there."""
    if name not in names():
        raise SandboxError(f"there is no sandbox {name!r}; there are {', '.join(names())}")
    return importlib.import_module(f"boatyard.node.sandboxes.{name}")


def names() -> list[str]:
    """All sandboxes there are: the modules of this folder that hold something."""
    folder = os.path.dirname(__file__)
    files = (name.removesuffix(".py") for name in os.listdir(folder) if name.endswith(".py"))
    return sorted(name for name in files if name not in ("__init__", "binding", "mounting", "sandbox", "view"))
