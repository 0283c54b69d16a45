"""Writing a volume's files so that a container sees the old ones or the new ones, never a mixture.

The layout is that of Kubernetes' AtomicWriter, which programs rely on: files are links into ``..data``, which is a link to a
directory that is replaced as a whole.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from boatyard.node.volumes.payload import File

DATA = "..data"


def write_files(target: Path, files: Mapping[str, File], version: str) -> bool:
    """Make ``target`` show exactly ``files``. ``version`` names the new directory; it must be fresh. Whether something changed.

    New files belong to the owner of ``target``. Raises OSError.
    """
    if _current(target) == dict(files):
        return False
    owner = target.stat()
    fresh = target / f"..{version}"
    fresh.mkdir(0o755)
    _own(fresh, owner)
    for path in sorted(files):
        file = fresh / path
        for parent in reversed([p for p in file.parents if fresh in p.parents]):
            if not parent.exists():
                parent.mkdir(0o755)
                _own(parent, owner)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(files[path].content)
            os.fchmod(stream.fileno(), files[path].mode)
        _own(file, owner)
    old = os.readlink(target / DATA) if (target / DATA).is_symlink() else None
    _link(target, DATA, fresh.name)
    names = {PurePosixPath(path).parts[0]: None for path in files}
    for name in names:
        if not (target / name).is_symlink():
            _link(target, name, f"{DATA}/{name}")
    for entry in sorted(target.iterdir()):
        if entry.name not in names and not entry.name.startswith("..") and entry.is_symlink():
            entry.unlink()
        elif entry.name.startswith("..") and entry.name not in (DATA, fresh.name) and (entry.name == old or not entry.is_symlink()):
            shutil.rmtree(entry, ignore_errors=True)
    return True


def _current(target: Path) -> dict[str, File] | None:
    data = target / DATA
    if not data.is_symlink():
        return None
    found: dict[str, File] = {}
    try:
        for directory, _, names in os.walk(data.resolve(strict=True)):
            for name in names:
                path = Path(directory) / name
                found[str(path.relative_to(data.resolve()))] = File(path.read_bytes(), path.stat().st_mode & 0o7777)
    except OSError:
        return None
    return found


def _link(target: Path, name: str, to: str) -> None:
    temporary = target / f"..{name.strip('.')}.tmp"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(to)
    temporary.replace(target / name)


def _own(path: Path, owner: os.stat_result) -> None:
    if owner.st_uid != os.geteuid():
        os.chown(path, owner.st_uid, owner.st_gid)
