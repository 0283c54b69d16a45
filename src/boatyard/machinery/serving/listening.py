"""Sockets to listen on."""

from __future__ import annotations

import socket

BACKLOG = 1024
"""Connections that wait to be taken; a thousand clients come back at once after a restart."""
_FREEBIND = 15


def listening_socket(address: str, port: int, *, freebind: bool = True) -> socket.socket:
    """A listening TCP socket; with ``freebind`` on an address that may not exist yet (IP_FREEBIND, Linux). Raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if freebind and family == socket.AF_INET:
            listening.setsockopt(socket.IPPROTO_IP, _FREEBIND, 1)
        listening.bind((address, port))
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except BaseException:
        listening.close()
        raise
    return listening
