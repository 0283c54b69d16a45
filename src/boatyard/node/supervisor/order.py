"""What the agent puts into a pod's machine directory before the supervisor starts: the order and the pod's files of /etc."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import msgspec

from boatyard.node.runtime import PodConfig
from boatyard.node.sandboxes.view import HOME
from boatyard.node.supervisor import records


class Order(msgspec.Struct, frozen=True):
    """`pod.json`: the pod's configuration and what this machine decided for it."""

    config: PodConfig
    isolation: str
    uid: int | None
    network: dict[str, Any] | None
    cgroups: dict[str, Any]
    group: str
    log_limit_bytes: int

    @property
    def address(self) -> str:
        return self.network["address"] if self.network else ""


def write(directory: Path, order: Order, nameserver: str) -> None:
    """All files; `pod.json` comes last and durably, so that whoever finds it finds everything."""
    etc, scratch = directory / "etc", directory / "mounts"
    etc.mkdir(parents=True, exist_ok=True)
    scratch.mkdir(mode=0o700, exist_ok=True)
    for path in (directory, etc):
        path.chmod(0o711 if path is directory else 0o755)
    user = order.uid if order.uid is not None else os.getuid()
    group = order.uid if order.uid is not None else os.getgid()
    hostname = order.config.hostname
    address = order.address or "127.0.1.1"
    name = "root" if user == 0 else "boatyard"
    files = {
        "passwd": ("" if user == 0 else "root:x:0:0:root:/root:/usr/sbin/nologin\n")
        + f"{name}:x:{user}:{group}:Boatyard pod:{HOME}:/bin/sh\n"
        + ("" if 65534 in (user, group) else "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"),
        "group": ("" if group == 0 else "root:x:0:\n") + f"{name}:x:{group}:\n" + ("" if group == 65534 else "nogroup:x:65534:\n"),
        "hostname": (hostname or socket.gethostname()) + "\n",
        "hosts": f"127.0.0.1 localhost\n::1 localhost ip6-localhost\n{address} {hostname or socket.gethostname()}\n",
        "resolv.conf": _resolv_conf(nameserver, order.config.dns_search) if nameserver else _host("/etc/resolv.conf"),
    }
    if order.network is None:
        files["hosts"] = _host("/etc/hosts") + f"127.0.1.1 {hostname}\n" if hostname else _host("/etc/hosts")
    for file, text in files.items():
        path = etc / file
        path.write_text(text)
        path.chmod(0o644)
    records.write(str(directory / "pod.json"), msgspec.to_builtins(order), durable=True)


def read(directory: Path) -> Order | None:
    """The order of a machine directory, or None. Raises ``records.FormatError``."""
    record = records.read(str(directory / "pod.json"))
    return msgspec.convert(record, Order) if record else None


def _resolv_conf(nameserver: str, search: tuple[str, ...]) -> str:
    return f"nameserver {nameserver}\n" + (f"search {' '.join(search)}\n" if search else "") + "options ndots:5\n"


def _host(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
