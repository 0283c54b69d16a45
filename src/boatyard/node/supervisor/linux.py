"""System calls Python 3.11 has no name for: namespaces, mounts, capabilities, process attributes.

Every function raises OSError with the kernel's reason. Constants are of ``linux/sched.h``, ``linux/mount.h``, ``linux/prctl.h``.
"""

from __future__ import annotations

import ctypes
import os
import signal

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
NAMESPACES = {"ipc": CLONE_NEWIPC, "uts": CLONE_NEWUTS, "net": CLONE_NEWNET, "pid": CLONE_NEWPID, "mnt": CLONE_NEWNS}
"""All but the user namespace, by their names in /proc/PID/ns."""

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
MNT_DETACH = 2

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_CAPBSET_DROP, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 1, 4, 24, 36, 38
_CAPABILITY_VERSION_3 = 0x20080522
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41, "ppc64le": 203, "s390x": 217, "armv7l": 218, "i686": 217}

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else os.fsencode(text)


def unshare(flags: int) -> None:
    _check(_libc.unshare(flags), "unshare")


def setns(fd: int, flags: int) -> None:
    _check(_libc.setns(fd, flags), "setns")


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    """mount(2); the error names source and target."""
    result = _libc.mount(_bytes(source), _bytes(target), _bytes(kind), ctypes.c_ulong(flags), _bytes(data))
    _check(result, f"mount {source or kind} on {target}")


def restrict_mounts(target: str, *, read_only: bool) -> None:
    """No setuid programs and no devices on the mount at ``target`` and all below it, and nothing writable either, if so wished.

    mount_setattr(2), since Linux 5.12; the same number on every processor but alpha.
    """
    attributes = (ctypes.c_uint64 * 4)((1 if read_only else 0) | 2 | 4, 0, 0, 0)
    recursive = ctypes.c_uint(0x8000)
    here = ctypes.c_int(-100)
    result = _libc.syscall(ctypes.c_long(442), here, _bytes(target), recursive, ctypes.byref(attributes), ctypes.c_size_t(32))
    _check(result, f"restrict the mount at {target} (needs Linux 5.12)")


def unmount(target: str, flags: int = 0) -> None:
    _check(_libc.umount2(_bytes(target), flags), f"unmount {target}")


def pivot_root(new: str, old: str) -> None:
    """pivot_root(2), which the C library doesn't wrap: its number differs from one processor to the next."""
    machine = os.uname().machine
    if machine not in _PIVOT_ROOT:
        raise OSError(38, f"pivot_root: its number on {machine} is not known")
    _check(_libc.syscall(ctypes.c_long(_PIVOT_ROOT[machine]), _bytes(new), _bytes(old)), "pivot_root")


def _prctl(option: int, argument: int, what: str) -> None:
    zero = ctypes.c_ulong(0)
    _check(_libc.prctl(option, ctypes.c_ulong(argument), zero, zero, zero), what)


def die_with_parent() -> None:
    """Be killed when the parent ends. Forgotten by the kernel whenever the process changes its user: set it after that."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, "prctl PDEATHSIG")


def rename_process(text: str) -> None:
    """Show ``text`` in place of this process's last argument to `ps` and to whoever looks for it, as far as there is room."""
    with open("/proc/self/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    start, end = int(fields[45]), int(fields[46])
    with open("/proc/self/cmdline", "rb") as file:
        last = file.read().rstrip(b"\0").rpartition(b"\0")[2]
    if start and len(last) < end - start:
        ctypes.memmove(end - 1 - len(last), os.fsencode(text)[: len(last)].ljust(len(last)), len(last))


def adopt_orphans() -> None:
    """Orphans below this process become its children."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1, "prctl CHILD_SUBREAPER")


def no_new_privileges() -> None:
    """No program started from here gains anything by setuid bits or file capabilities."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1, "prctl NO_NEW_PRIVS")


def drop_bounding_capabilities() -> None:
    """No program started from here ever gets a capability. Those of the process itself stay; do this before changing user."""
    for capability in range(64):
        if _libc.prctl(_PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0) != 0:
            break


def drop_capabilities() -> None:
    """Those of this process."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    _check(_libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")
