"""Removing directory trees of any size without holding up everything else."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from boatyard.machinery.runtime.world import World

BATCH = 200


async def remove_tree(path: Path, world: World) -> None:
    """Remove ``path`` and all below it, a batch of entries at a time. Links are not followed; a missing path is no error.

    Raises OSError when something can't be removed.
    """
    done = 0
    try:
        if path.is_symlink() or not path.is_dir():
            path.unlink()
            return
    except FileNotFoundError:
        return
    pending = [path]
    while pending:
        directory = pending[-1]
        below = len(pending)
        _open_up(directory)
        try:
            with os.scandir(directory) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(Path(entry.path))
                    else:
                        os.unlink(entry.path)
                    done += 1
                    if done % BATCH == 0:
                        await world.sleep(0)
            if len(pending) == below:
                pending.pop()
                os.rmdir(directory)
        except FileNotFoundError:
            pending = pending[:below]
            if pending and pending[-1] == directory and not directory.exists():
                pending.pop()


def remove_small(path: Path) -> None:
    """Remove a tree that the agent itself has written, at once."""
    shutil.rmtree(path, ignore_errors=True)


def _open_up(directory: Path) -> None:
    """A build may have left directories that not even their owner can list."""
    mode = os.lstat(directory).st_mode
    if mode & stat.S_IRWXU != stat.S_IRWXU:
        os.chmod(directory, mode | stat.S_IRWXU)
