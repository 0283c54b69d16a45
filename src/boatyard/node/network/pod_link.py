"""Gives the calling process a network namespace with one link to the node's bridge. Runs in the supervisor: about 3 ms.

The pod's address stands alone (/32) and everything goes by the gateway, also from pod to pod: so the host sees, and can translate,
both directions of a connection to a service.
"""

from __future__ import annotations

import errno
import os
import socket

from boatyard.node.network.netlink import Netlink
from boatyard.node.supervisor import linux

TYPE_CHECKING = False  # typing itself would cost a supervisor 10 ms at its start
if TYPE_CHECKING:
    from typing import Any


def attach(allocation: dict[str, Any]) -> None:
    """``link``: name of the host's end; ``bridge``; ``address`` of the pod; ``gateway``. Raises OSError.

    The namespace lives as long as a process is in it, and the link as long as the namespace: nothing is left when they end.
    """
    try:
        bridge = socket.if_nametoindex(allocation["bridge"])
    except OSError as error:
        raise OSError(errno.ENODEV, f"bridge {allocation['bridge']} is gone; restart the node agent") from error
    with Netlink() as host:
        linux.unshare(linux.CLONE_NEWNET)
        try:
            host.make_pair(allocation["link"], bridge, "eth0", os.getpid())
        except FileExistsError:
            # Of a supervisor that died while it started.
            host.remove(allocation["link"])
            host.make_pair(allocation["link"], bridge, "eth0", os.getpid())
        host.send_back(allocation["link"])
    with Netlink() as pod:
        pod.set_up(socket.if_nametoindex("lo"))
        index = socket.if_nametoindex("eth0")
        pod.add_address(index, allocation["address"], 32)
        pod.set_up(index)
        pod.add_route(index, allocation["gateway"], 32)
        pod.add_route(index, "", 0, allocation["gateway"])
