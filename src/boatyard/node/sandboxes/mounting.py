"""Carry out the steps of a view with mount(2), in a mount namespace of our own; for sandboxes without a helper program."""

from __future__ import annotations

import os

from boatyard.node.sandboxes.binding import Places, opened
from boatyard.node.sandboxes.view import Step
from boatyard.node.supervisor import linux

DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_LOCKED = linux.MS_NOSUID | linux.MS_NODEV


def make_root(steps: tuple[Step, ...], scratch: str = "/tmp") -> None:
    """Build the new root on ``scratch`` and make it the root of this process's mount namespace. Raises OSError."""
    # Links in sources count from the root they were written for.
    sources = [os.path.realpath(step.source) if step.kind in ("ro", "rw") and not step.volume else step.source for step in steps]
    linux.mount(None, "/", None, linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", scratch, "tmpfs", _LOCKED, "mode=0755")
    root, old = f"{scratch}/new", f"{scratch}/old"
    os.mkdir(root)
    os.mkdir(old)
    linux.mount("tmpfs", root, "tmpfs", _LOCKED, "mode=0755")
    # The old root moves aside first: sources are found below it even where `scratch` hides them.
    linux.pivot_root(scratch, old)
    root, old = "/new", "/old"
    for step, source in zip(steps, sources, strict=True):
        _do(step, source, root, old)
    os.chdir(root)
    linux.pivot_root(".", ".")
    linux.unmount(".", linux.MNT_DETACH)
    os.chdir("/")


def _do(step: Step, source: str, root: str, old: str) -> None:
    target = root + step.target
    if step.volume:
        _bind_volume(step, root, old)
        return
    match step.kind:
        case "dir":
            os.makedirs(target, exist_ok=True)
        case "symlink":
            os.symlink(step.source, target)
        case "tmpfs":
            os.makedirs(target, exist_ok=True)
            linux.mount("tmpfs", target, "tmpfs", _LOCKED, f"mode={step.mode:04o}")
        case "ro" | "rw":
            _bind(old + source, target, read_only=step.kind == "ro")
        case "proc":
            os.makedirs(target, exist_ok=True)
            _proc(target)
        case "dev":
            _dev(target, old)
        case "seal":
            flags = linux.MS_REMOUNT | linux.MS_BIND | linux.MS_RDONLY | _LOCKED
            linux.mount(None, target, None, flags)


def _bind(source: str, target: str, *, read_only: bool) -> None:
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if not os.path.lexists(target):
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    linux.mount(source, target, None, linux.MS_BIND | linux.MS_REC)
    linux.restrict_mounts(target, read_only=read_only)


def _bind_volume(step: Step, root: str, old: str) -> None:
    machine = os.open(old, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    source = opened(step.source, machine)
    try:
        Places(root, f"{old}/proc/self/fd").bind(source, step.target, read_only=step.kind == "ro")
    finally:
        os.close(source)
        os.close(machine)


def _proc(target: str) -> None:
    flags = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
    linux.mount("proc", target, "proc", flags)


def _dev(target: str, old: str) -> None:
    os.makedirs(target, exist_ok=True)
    linux.mount("tmpfs", target, "tmpfs", linux.MS_NOSUID, "mode=0755")
    for name in DEVICES:
        os.close(os.open(f"{target}/{name}", os.O_CREAT | os.O_WRONLY, 0o666))
        linux.mount(f"{old}/dev/{name}", f"{target}/{name}", None, linux.MS_BIND)
    os.symlink("/proc/self/fd", f"{target}/fd")
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        os.symlink(f"/proc/self/fd/{number}", f"{target}/{name}")
    os.mkdir(f"{target}/shm")
    linux.mount("tmpfs", f"{target}/shm", "tmpfs", _LOCKED, "mode=1777")
    os.mkdir(f"{target}/pts")
    linux.mount("devpts", f"{target}/pts", "devpts", linux.MS_NOSUID | linux.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620")
    os.symlink("pts/ptmx", f"{target}/ptmx")
