"""Terminals: of the sandbox's own, so that the program inside finds its name in /dev/pts."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import termios

_GET_PEER, _UNLOCK = 0x5441, 0x40045431


def open_terminal(init: int, owner: int | None) -> tuple[int, int]:
    """(our side, the program's side). ``init``: a process of the sandbox, or 0; ``owner``: the user the terminal will belong to."""
    try:
        ours = os.open(f"/proc/{init or 'self'}/root/dev/pts/ptmx", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        fcntl.ioctl(ours, _UNLOCK, struct.pack("i", 0))
        theirs = fcntl.ioctl(ours, _GET_PEER, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        # A sandbox we can't look into, or a /dev without that file: then a terminal of the host, nameless inside.
        ours, theirs = pty.openpty()
    if owner is not None:
        os.fchown(theirs, owner, -1)
    return ours, theirs


def resize(terminal: int, columns: int, rows: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
