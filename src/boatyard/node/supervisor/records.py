"""Files of a pod's machine directory: JSON documents with a format version, replaced atomically.

``pod.json`` (the agent's order, written once), ``supervisor.json`` (who carries it out), ``containers/NAME-ATTEMPT.json`` (each
start of a container). Nothing secret is in them: a container's environment stays in memory.
"""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False  # typing itself would cost a supervisor 10 ms at its start
if TYPE_CHECKING:
    from typing import Any

FORMAT = 1


class FormatError(Exception):
    """A record written by a program this one can't follow; the message says by which."""


def write(path: str, document: dict[str, Any], *, durable: bool = False) -> None:
    """Replace ``path``; with ``durable`` it is on the disk when this returns. Raises OSError (a full disk); the old one stays."""
    temporary = f"{path}.new"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        data = json.dumps({"format": FORMAT, **document}).encode()
        while data:
            data = data[os.write(fd, data) :]
        if durable:
            os.fdatasync(fd)
    finally:
        os.close(fd)
    os.rename(temporary, path)


def read(path: str) -> dict[str, Any] | None:
    """The record, or None where there is none or a crash of the machine left it empty. Raises :class:`FormatError`."""
    try:
        with open(path, "rb") as file:
            document = json.loads(file.read() or b"null")
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    if not isinstance(document, dict):
        return None
    if document.get("format") != FORMAT:
        raise FormatError(f"{path} has format {document.get('format')}, this program knows {FORMAT}")
    return document
