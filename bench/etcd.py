"""etcd as a peer: a real server on loopback, and just enough of its gRPC API to put a key."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc

PUT = "/etcdserverpb.KV/Put"


def put_request(key: bytes, value: bytes) -> bytes:
    """``etcdserverpb.PutRequest{key = 1, value = 2}`` in protobuf's wire format."""
    return b"\x0a" + _varint(len(key)) + key + b"\x12" + _varint(len(value)) + value


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def putter(channel: grpc.aio.Channel) -> grpc.aio.UnaryUnaryMultiCallable:
    """The call; it takes :func:`put_request` and gives the raw answer."""
    return channel.unary_unary(PUT)


@contextmanager
def etcd() -> Iterator[str]:
    """A server with a data directory of its own; gives ``host:port``. Raises FileNotFoundError where etcd isn't installed."""
    program = shutil.which("etcd")
    if program is None:
        raise FileNotFoundError("etcd isn't installed (Debian: etcd-server)")
    with TemporaryDirectory(prefix="boatyard-bench-") as directory:
        client, peer = free_port(), free_port()
        urls = [f"http://127.0.0.1:{port}" for port in (client, peer)]
        log = open(Path(directory) / "log", "wb")
        process = subprocess.Popen(
            [program, "--data-dir", f"{directory}/data", "--listen-client-urls", urls[0], "--advertise-client-urls", urls[0],
             "--listen-peer-urls", urls[1], "--initial-advertise-peer-urls", urls[1], "--initial-cluster", f"default={urls[1]}"],
            stdout=log, stderr=log,
        )  # fmt: skip
        try:
            _wait(client, process)
            yield f"127.0.0.1:{client}"
        finally:
            process.terminate()
            process.wait()
            log.close()


def version() -> str:
    """``etcd 3.4.23``."""
    told = subprocess.run(["etcd", "--version"], capture_output=True, text=True).stdout
    return "etcd " + told.split("\n")[0].rpartition(" ")[2]


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if process.poll() is not None:
            raise RuntimeError("etcd ended")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                time.sleep(1.0)
                return
        time.sleep(0.05)
    raise RuntimeError("etcd did not start")


def free_port() -> int:
    """A TCP port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
