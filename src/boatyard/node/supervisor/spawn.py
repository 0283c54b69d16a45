"""Start one program, inside the namespaces of a sandbox or beside the supervisor. Blocks a few milliseconds, until exec has worked.

The child joins its cgroup before anything else, gives up user and privileges, and only then becomes the program with the
container's environment. A program inside namespaces is born by a helper that ends at once: the supervisor inherits it (subreaper).
"""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import signal
import sys
import termios
from collections.abc import Callable

from boatyard.node.supervisor import linux

TYPE_CHECKING = False  # typing itself would cost a supervisor 10 ms at its start
if TYPE_CHECKING:
    from typing import NoReturn

_GET_USER_NAMESPACE = 0xB701
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class SpawnError(Exception):
    """The program could not be started; the message says why, as the kernel words it."""


class Program:
    """What to start."""

    def __init__(
        self,
        argv: list[str],
        env: dict[str, str],
        cwd: str,
        streams: tuple[int, int, int],
        *,
        tty: bool,
        uid: int | None,
        inside: int,
        join: Callable[[], None],
    ) -> None:
        """``streams``: stdin, stdout, stderr; with ``tty`` all the same terminal. ``uid``: as root the user and group to become.
        ``inside``: a process whose namespaces to enter; 0: stay in the supervisor's. ``join`` moves the caller into its cgroup."""
        self.argv, self.env, self.cwd, self.streams = argv, env, cwd, streams
        self.tty, self.uid, self.inside, self.join = tty, uid, inside, join


def spawn(program: Program) -> int:
    """The pid of the started program, a child of this process. Raises :class:`SpawnError`."""
    report, report_out = os.pipe2(os.O_CLOEXEC)
    birth, birth_out = os.pipe2(os.O_CLOEXEC)
    supervisor = os.getpid()
    pid = os.fork()
    if pid == 0:
        _child(program, report_out, birth_out, supervisor)
    os.close(report_out)
    os.close(birth_out)
    if program.inside:
        os.waitpid(pid, 0)
        pid = int(os.read(birth, 20) or 0)
    failure = b""
    while chunk := os.read(report, 4096):
        failure += chunk
    os.close(report)
    os.close(birth)
    if failure or not pid:
        if pid:
            os.waitpid(pid, 0)
        raise SpawnError(failure.decode(errors="replace") or "the helper that enters the sandbox was killed")
    return pid


def _child(program: Program, report: int, birth: int, supervisor: int) -> NoReturn:
    step = "prepare"
    try:
        step = "join the cgroup"
        program.join()
        if program.inside:
            step = "enter the sandbox"
            _enter(program.inside)
            born = os.fork()
            if born:
                os.write(birth, b"%d" % born)
                os._exit(0)
        step = "prepare"
        _become(program, supervisor)
        step = f"change to directory {program.cwd}"
        os.chdir(program.cwd or "/")
        step = f"execute {program.argv[0]}"
        os.execvpe(program.argv[0], program.argv, program.env)
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno == errno.ENOEXEC:
            reason += " (a script needs a first line such as #!/bin/sh)"
        os.write(report, f"cannot {step}: {reason}".encode())
    except BaseException as error:
        os.write(report, f"cannot {step}: {type(error).__name__}: {error}".encode())
    finally:
        os._exit(127)


def _enter(pid: int) -> None:
    """Every namespace of that process that isn't ours.

    The user namespace that owns the others comes first, for it gives the right to them. The process's own comes last: bubblewrap
    makes the namespaces in one and runs in another below it.
    """
    others = {name: os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC) for name in ("ipc", "uts", "net", "pid", "mnt")}
    user = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    owner = fcntl.ioctl(others["mnt"], _GET_USER_NAMESPACE)
    if not _same(owner, "user"):
        linux.setns(owner, linux.CLONE_NEWUSER)
    for name, fd in others.items():
        if not _same(fd, name):
            linux.setns(fd, linux.NAMESPACES[name])
    if os.fstat(user).st_ino != os.fstat(owner).st_ino:
        linux.setns(user, linux.CLONE_NEWUSER)


def _same(fd: int, name: str) -> bool:
    return os.fstat(fd).st_ino == os.stat(f"/proc/self/ns/{name}").st_ino


def _become(program: Program, supervisor: int) -> None:
    for number in (signal.SIGPIPE, signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGCHLD, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    os.setsid()
    # Copies above the standard three first: a source may itself be one of them.
    copies = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3) for fd in program.streams]
    if program.tty:
        fcntl.ioctl(copies[0], termios.TIOCSCTTY, 0)
    for target, fd in enumerate(copies):
        os.dup2(fd, target)
    os.umask(0o022)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    linux.drop_bounding_capabilities()
    if program.uid is not None:
        os.setgroups([])
        os.setresgid(program.uid, program.uid, program.uid)
        os.setresuid(program.uid, program.uid, program.uid)
    linux.no_new_privileges()
    linux.drop_capabilities()
    if not program.inside:
        linux.die_with_parent()
        if os.getppid() != supervisor:
            os._exit(137)
    sys.stdout = sys.stderr = None
