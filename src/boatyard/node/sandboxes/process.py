"""Sandbox without any program beside this one: namespaces and mounts by system calls, always in the host's network.

As root with the pod's own user, otherwise in a user namespace, otherwise (the kernel refuses both) a mere process tree.
"""

from __future__ import annotations

import os
import select
import signal

from boatyard.node.sandboxes.mounting import make_root
from boatyard.node.sandboxes.sandbox import Cell, Holder, SandboxError, readable
from boatyard.node.sandboxes.view import Step
from boatyard.node.supervisor import linux

SECONDS = 30.0


def unavailable(root: bool) -> str:
    """Never: the last resort needs nothing."""
    return ""


def isolation(root: bool) -> tuple[str, str]:
    """What the kernel allows here, found by trying: root, user or none; and why none."""
    steps = [Step("ro", path, path) for path in ("/usr", "/bin", "/lib", "/lib64") if os.path.exists(path)]
    try:
        release(hold(Cell((*steps, Step("proc", "/proc"), Step("dev", "/dev"), Step("seal", "/")), "", 65534 if root else None)))
    except SandboxError as error:
        return "none", f"builds share this user's files and processes: the kernel refuses namespaces ({error}); bubblewrap may help"
    return "root" if root else "user", ""


def hold(cell: Cell) -> Holder:
    """Fork a first process that builds the view and then only reaps. Raises :class:`SandboxError`."""
    report, report_out = os.pipe2(os.O_CLOEXEC)
    birth, birth_out = os.pipe2(os.O_CLOEXEC)
    alive, keep = os.pipe2(os.O_CLOEXEC)
    helper = os.fork()
    if helper == 0:
        os.close(keep)
        _make(cell, report_out, birth_out, alive)
    for fd in (report_out, birth_out, alive):
        os.close(fd)
    os.waitpid(helper, 0)
    first = int(os.read(birth, 20) or 0)
    said = os.read(report, 4096) if readable(report, SECONDS) else b""
    os.close(report)
    os.close(birth)
    if first and said == b"ready":
        return Holder(first, first, (keep,))
    os.close(keep)
    if first:
        os.kill(first, signal.SIGKILL)
        os.waitpid(first, 0)
    raise SandboxError(said.decode(errors="replace") or f"the sandbox was not ready within {SECONDS:.0f} s")


def release(holder: Holder) -> None:
    """End a sandbox that was only tried."""
    os.kill(holder.pid, signal.SIGKILL)
    os.waitpid(holder.pid, 0)
    for fd in holder.fds:
        os.close(fd)


def _make(cell: Cell, report: int, birth: int, alive: int) -> None:
    """In the helper: it ends as soon as the first process of the new namespaces is born."""
    try:
        if cell.uid is None:
            _enter_user_namespace()
        linux.unshare(linux.CLONE_NEWNS | linux.CLONE_NEWPID | (linux.CLONE_NEWUTS | linux.CLONE_NEWIPC if cell.uid is None else 0))
        born = os.fork()
        if born:
            os.write(birth, b"%d" % born)
            os._exit(0)
        _first_process(cell, report, alive)
    except BaseException as error:
        os.write(report, f"{error}".encode())
    finally:
        os._exit(1)


def _enter_user_namespace() -> None:
    uid, gid = os.getuid(), os.getgid()
    linux.unshare(linux.CLONE_NEWUSER)
    for file, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{file}", "w") as target:
            target.write(text)


def _first_process(cell: Cell, report: int, alive: int) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.setsid()
    os.umask(0o022)
    if cell.hostname and cell.uid is None:
        import socket

        socket.sethostname(cell.hostname)
    make_root(cell.steps)
    linux.no_new_privileges()
    linux.drop_bounding_capabilities()
    linux.drop_capabilities()
    keep = {report, alive}
    limit = max(keep) + 1
    for fd in range(limit):
        if fd not in keep:
            try:
                os.close(fd)
            except OSError:
                pass
    os.closerange(limit, 65536)
    os.write(report, b"ready")
    os.close(report)
    _reap(alive)


def _reap(alive: int) -> None:
    """Until the supervisor is gone, whose end closes the pipe: then the kernel ends everything else in here."""
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    while True:
        ready = select.select([alive, reader], [], [])[0]
        if alive in ready:
            os._exit(0)
        os.read(reader, 512)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass
