"""What a container sees of the file system, as a list of steps; pure. A sandbox carries them out, each in its way.

`/usr`, `/bin`, `/lib*` and chosen files of `/etc` read-only, the declared mounts, everything else empty memory.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

HOME = "/home/boatyard"
"""Home directory of the pod's user: memory, gone with the container."""

SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr")
OWN_ETC = ("passwd", "group", "hosts", "resolv.conf", "hostname")
"""Files of /etc that every pod has of its own."""
ETC = (
    "alternatives", "bash.bashrc", "ca-certificates", "ca-certificates.conf", "crypto-policies", "debian_version", "default/locale",
    "fonts", "inputrc", "java-11-openjdk", "java-17-openjdk", "java-21-openjdk", "ld.so.cache", "ld.so.conf", "ld.so.conf.d",
    "locale.alias", "locale.conf", "localtime", "magic", "magic.mime", "maven", "mime.types", "networks", "nsswitch.conf",
    "os-release", "perl", "pki/ca-trust", "pki/java", "pki/tls/certs", "pki/tls/cert.pem", "profile", "profile.d", "protocols",
    "python3", "rpc", "services", "shells", "ssl/certs", "ssl/openssl.cnf", "terminfo", "timezone",
)  # fmt: skip
"""What tools need of `/etc`. Not here on purpose: keys, shadow files, service configuration, gitconfig."""


class Step:
    """One step, in order. Kinds: ro, rw (``source`` seen at ``target``), symlink (``source`` is its text), tmpfs, dir, proc, dev,
    seal (``target`` becomes read-only itself, not what is mounted below). ``volume``: pods may write to the source, and to what the
    target lies in, so neither may be trusted to hold no links (see :mod:`binding`).

    No dataclass: importing those costs a supervisor 18 ms at its start.
    """

    __slots__ = ("kind", "mode", "source", "target", "volume")

    def __init__(self, kind: str, target: str, source: str = "", mode: int = 0o755, volume: bool = False) -> None:
        self.kind, self.target, self.source, self.mode, self.volume = kind, target, source, mode, volume

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Step) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def __repr__(self) -> str:
        return f"Step({self.kind!r}, {self.target!r}, {self.source!r}, {self.mode:#o}, {self.volume})"


class HostFiles:
    """What the host has of :data:`SYSTEM` and :data:`ETC`."""

    def __init__(self, directories: tuple[str, ...], symlinks: tuple[tuple[str, str], ...], etc: tuple[str, ...]) -> None:
        """``symlinks``: (path, text), such as ("/bin", "usr/bin"); ``etc``: absolute paths that exist."""
        self.directories, self.symlinks, self.etc = directories, symlinks, etc


def host_files(root: str = "/") -> HostFiles:
    """Look once; ``root`` stands for / in tests."""
    directories: list[str] = []
    symlinks: list[tuple[str, str]] = []
    for name in SYSTEM:
        path = os.path.join(root, name)
        if os.path.islink(path):
            symlinks.append((f"/{name}", os.readlink(path)))
        elif os.path.isdir(path):
            directories.append(f"/{name}")
    etc = tuple(f"/etc/{name}" for name in ETC if os.path.exists(os.path.join(root, "etc", name)))
    return HostFiles(tuple(directories), tuple(symlinks), etc)


def compose(
    host: HostFiles, etc_directory: str, mounts: Iterable[tuple[str, str, bool]], *, read_only_root: bool = False
) -> list[Step]:
    """The steps for a container: ``etc_directory`` holds the pod's own passwd, group, hosts, resolv.conf and hostname;
    ``mounts`` are (source, target, read only), of which the outer ones come first whatever their order."""
    steps = [Step("ro", path, path) for path in host.directories]
    steps += [Step("symlink", path, text) for path, text in host.symlinks]
    steps += [Step("dir", "/etc")]
    steps += [Step("ro", path, path) for path in host.etc]
    steps += [Step("ro", f"/etc/{name}", f"{etc_directory}/{name}") for name in OWN_ETC]
    steps += [Step("proc", "/proc"), Step("dev", "/dev")]
    if read_only_root:
        steps += [Step("dir", path) for path in ("/tmp", "/run", "/var/tmp", HOME)]
    else:
        steps += [Step("tmpfs", path, mode=0o1777) for path in ("/tmp", "/run", "/var/tmp")] + [Step("tmpfs", HOME, mode=0o777)]
    ordered = sorted(mounts, key=lambda mount: (os.path.normpath(mount[1]).count("/"), mount[1]))
    steps += [
        Step("ro" if read_only else "rw", os.path.normpath(target), source, volume=True) for source, target, read_only in ordered
    ]
    return [*_with_parents(steps), Step("seal", "/")]


def _with_parents(steps: list[Step]) -> list[Step]:
    """Say the directories above every target that lie in the empty root: a sandbox left alone would make them for root only."""
    known = {"/"}
    result: list[Step] = []
    for step in steps:
        above: list[str] = []
        parent = os.path.dirname(step.target)
        while parent not in known:
            above.append(parent)
            known.add(parent)
            parent = os.path.dirname(parent)
        # What is bound brings its own directories; memory is empty.
        provided = any(made.kind not in ("dir", "symlink", "tmpfs") and _below(step.target, made.target) for made in result)
        if not provided:
            result += [Step("dir", path) for path in reversed(above)]
        known.add(step.target)
        result.append(step)
    return result


def _below(path: str, directory: str) -> bool:
    return path.startswith(directory.rstrip("/") + "/")


def problems(mounts: Sequence[tuple[str, str, bool]]) -> list[str]:
    """Why these mounts can't be: a target that isn't absolute or would hide the system itself, a source that is missing."""
    found: list[str] = []
    for source, target, _ in mounts:
        clean = os.path.normpath(target)
        if not target.startswith("/") or ".." in target.split("/"):
            found.append(f"mount target {target!r} is not an absolute path")
        elif clean.strip("/") in ("", "proc", "dev", "etc", *SYSTEM):
            found.append(f"mount target {target} would hide the system; use a directory below it or another one")
        elif not os.path.exists(source):
            found.append(f"the source of {target} is missing on this node")
    return found
