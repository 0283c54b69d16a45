"""Finding files in a workspace that a build left: never outside of it, never more than a bound. Standard library only."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from boatyard.ci.steps.glob import path_pattern

MAX_VISITED = 200_000
"""Directory entries looked at for all patterns."""


class TooManyFiles(Exception):
    """The workspace has more files than are looked at; the message says how many."""


def files(root: str, globs: list[str]) -> Iterator[tuple[int, str]]:
    """(index of the first pattern that fits, path below root) of regular files, in order of paths. Links are never followed.

    A pattern that names a directory means everything in it. Raises TooManyFiles.
    """
    patterns = [(path_pattern(glob), path_pattern(glob.rstrip("/") + "/**")) for glob in globs]
    for path in _walk(root):
        for index, (whole, below) in enumerate(patterns):
            if whole.fullmatch(path) or below.fullmatch(path):
                yield index, path
                break


def _walk(root: str) -> Iterator[str]:
    visited = 0
    waiting = [""]
    while waiting:
        directory = waiting.pop()
        try:
            with os.scandir(os.path.join(root, directory)) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError:
            continue
        below: list[str] = []
        for entry in entries:
            visited += 1
            if visited > MAX_VISITED:
                raise TooManyFiles(f"only the first {MAX_VISITED} files of the workspace were looked at")
            path = f"{directory}/{entry.name}" if directory else entry.name
            if entry.is_dir(follow_symlinks=False):
                if path != ".git":
                    below.append(path)
            elif entry.is_file(follow_symlinks=False):
                yield path
        waiting += reversed(below)


def open_inside(root: str, path: str) -> int:
    """A descriptor of the regular file ``path`` below ``root``, no component of which is a link. Raises OSError."""
    at = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    parts = path.split("/")
    try:
        for part in parts[:-1]:
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
            os.close(at)
            at = below
        descriptor = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=at)
    finally:
        os.close(at)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path} is not a regular file")
    return descriptor
