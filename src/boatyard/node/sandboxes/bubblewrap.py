"""Sandbox made by bubblewrap: as root with real users, otherwise in a user namespace.

Bubblewrap only makes the namespaces and holds them with `cat`; the container's process enters them afterwards. So bubblewrap never
sees the container's environment (LD_PRELOAD would run as root), and its first process reaps whatever is orphaned inside.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Sequence

from boatyard.node.sandboxes import binding
from boatyard.node.sandboxes.sandbox import Cell, Holder, SandboxError, readable
from boatyard.node.sandboxes.view import Step
from boatyard.node.supervisor import linux

SECONDS = 30.0
"""Longest time bubblewrap may take; a mount of a file server that hangs would take for ever."""

_OPTION = {"ro": "--ro-bind", "rw": "--bind", "symlink": "--symlink", "dir": "--dir", "proc": "--proc", "dev": "--dev"}


def unavailable(root: bool) -> str:
    """Why it doesn't work here, or empty."""
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed (Debian and Fedora call the package `bubblewrap`)"
    try:
        steps = [Step("ro", path, path) for path in ("/usr", "/bin", "/lib", "/lib64") if os.path.exists(path)]
        holder = hold(Cell((*steps, Step("proc", "/proc"), Step("dev", "/dev")), "", 65534 if root else None))
    except SandboxError as error:
        return f"bubblewrap is not allowed to work here: {error}"
    release(holder)
    return ""


def arguments(cell: Cell, status_fd: int, steps: tuple[Step, ...] | None = None) -> list[str]:
    """Bubblewrap's command line without the program itself; ``steps`` in place of the cell's own."""
    words = ["--die-with-parent", "--unshare-pid", "--json-status-fd", str(status_fd)]
    if cell.uid is None:
        words += ["--unshare-user", "--unshare-ipc", "--unshare-uts"]
        words += ["--hostname", cell.hostname] if cell.hostname else []
    words += ["--cap-drop", "ALL", "--chdir", "/"]
    for step in cell.steps if steps is None else steps:
        words += _words(step)
    return [*words, "--", "cat"]


def _words(step: Step) -> Sequence[str]:
    match step.kind:
        case "ro" | "rw" | "symlink":
            return _OPTION[step.kind], step.source, step.target
        case "tmpfs":
            return "--perms", f"{step.mode:04o}", "--tmpfs", step.target
        case "seal":
            return "--remount-ro", step.target
        case _:
            return _OPTION[step.kind], step.target


def hold(cell: Cell) -> Holder:
    """Start it and wait until `cat` answers: then every mount is made. Takes about 12 ms."""
    program = shutil.which("bwrap")
    if program is None:
        raise SandboxError("bubblewrap is not installed")
    held_in, held = os.pipe2(os.O_CLOEXEC)
    echo, echo_out = os.pipe2(os.O_CLOEXEC)
    errors, errors_out = os.pipe2(os.O_CLOEXEC)
    status, status_out = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        try:
            os.umask(0o022)
            steps = _volumes(cell)
            os.dup2(held_in, 0)
            os.dup2(echo_out, 1)
            os.dup2(errors_out, 2)
            os.set_inheritable(status_out, True)
            os.execve(program, ["bwrap", *arguments(cell, status_out, steps)], {"PATH": "/usr/bin:/bin"})
        except OSError as error:
            os.write(errors_out, (error.strerror or str(error)).encode())
        finally:
            os._exit(127)
    for fd in (held_in, echo_out, errors_out, status_out):
        os.close(fd)
    with contextlib.suppress(BrokenPipeError):  # it ended already, and has said why
        os.write(held, b"!")
    answered = readable(echo, SECONDS) and os.read(echo, 1) == b"!"
    os.close(echo)
    init = 0
    if answered:
        init = json.loads(os.read(status, 65536).split(b"\n", 1)[0])["child-pid"]
    os.close(status)
    if answered:
        os.close(errors)
        return Holder(pid, init, (held,))
    os.close(held)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    message = os.read(errors, 4096).decode(errors="replace").strip()
    os.close(errors)
    raise SandboxError(message or f"bubblewrap did not answer within {SECONDS:.0f} s")


def _volumes(cell: Cell) -> tuple[Step, ...]:
    """Bubblewrap follows the links it finds on the way to a mount point, out into the machine if they lead there, and makes there
    what is missing. So it never gets to walk through a volume: as root those are mounted into each other before. Otherwise it has
    no more rights than the pods themselves, and finds its mount points made. Raises OSError."""
    if cell.uid is None:
        binding.prepared(cell.steps)
        return cell.steps
    linux.unshare(linux.CLONE_NEWNS)
    linux.mount(None, "/", None, linux.MS_REC | linux.MS_PRIVATE)
    return binding.gathered(cell.steps, cell.scratch)


def release(holder: Holder) -> None:
    """End a sandbox that was only tried."""
    os.kill(holder.init, 9)
    os.waitpid(holder.pid, 0)
    for fd in holder.fds:
        os.close(fd)
