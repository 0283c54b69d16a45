"""The client program for many objects: ``python -m bench.api.crowd`` takes its task as JSON on standard input.

``do`` is ``get``, ``list`` (page after page), ``make`` (so many ``objects``) or ``watch``: so many ``watchers``, and ``per_second``
changes of one kind.
"""

from __future__ import annotations

import gc
import json
import re
import sys
import time

from bench.api.connection import Connection, Loop, Server, received, request
from bench.api.load import percentile
from bench.api.work import NAMESPACE

_MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
WRITERS = 16
CHANGED = 1000
"""Objects that are changed, one after the other, while others watch."""
_SENT = b'/sent":"'
_EARLY = 600
"""Bytes of an event within which it stands: the rest, which is long, isn't searched."""


class Asker:
    """One client that asks, waits and measures."""

    def __init__(self, server: Server) -> None:
        self._loop = Loop()
        self._connection = Connection(server, server.tls(), self._answered)
        self._loop.add(self._connection.socket, self._connection.ready)
        self._status = 0

    def _answered(self, status: int, length: int) -> None:
        self._status = status

    @property
    def sample(self) -> bytes:
        """The end of the last answer."""
        return self._connection.sample

    @property
    def beginning(self) -> bytes:
        """How the last answer began."""
        return self._connection.beginning

    def ask(self, data: bytes) -> float:
        """Seconds to the end of the answer. Raises RuntimeError when it is a refusal."""
        self._status = 0
        begun = time.perf_counter()
        self._connection.send(data)
        while not self._status:
            self._loop.turn(1.0)
        took = time.perf_counter() - begun
        if self._status >= 300:
            raise RuntimeError(f"{self._status}: {self.sample!r}")
        return took


def gets(server: Server, task: dict) -> dict:
    """Objects in no order."""
    asker, times = Asker(server), []
    end = time.perf_counter() + task["seconds"]
    while time.perf_counter() < end:
        number = len(times) * 7919 % task["objects"]
        times.append(asker.ask(request(server, "GET", f"{_MAPS}/object-{number:05}")))
    return {"p50": percentile(times, 0.5), "p99": percentile(times, 0.99), "count": len(times)}


def pages(server: Server, task: dict) -> dict:
    """Pages of 500, one after the other, from the first on."""
    asker, times = Asker(server), []
    end = time.perf_counter() + task["seconds"]
    while time.perf_counter() < end:
        next_page = re.search(rb'"continue":"([^"]+)"', asker.beginning)
        path = f"{_MAPS}?limit=500" + (f"&continue={next_page.group(1).decode()}" if next_page else "")
        times.append(asker.ask(request(server, "GET", path)))
    return {"p50": percentile(times, 0.5), "p99": percentile(times, 0.99), "count": len(times)}


def make(server: Server, task: dict) -> dict:
    """Objects of 2 KB, as those that a store may be filled with."""
    asker = Asker(server)
    for number in range(task["objects"]):
        obj = {"metadata": {"name": f"object-{number:05}"}, "data": {"text": "x" * (task["bytes"] - 200)}}
        asker.ask(request(server, "POST", _MAPS, json.dumps(obj).encode()))
    return {}


class Crowd:
    """Watchers of one kind, who note when each change came to them."""

    def __init__(self, loop: Loop, server: Server, count: int, revision: str) -> None:
        self.times: list[float] = []
        tls = server.tls()
        ask = request(server, "GET", f"{_MAPS}?watch=true&resourceVersion={revision}&allowWatchBookmarks=true")
        for _ in range(count):
            connection = Connection(server, tls, lambda status, length: None)
            connection.send(ask)
            loop.add(connection.socket, _Reader(connection, self.times).ready)


class _Reader:
    def __init__(self, connection: Connection, times: list[float]) -> None:
        self._socket, self._times, self._rest = connection.socket, times, b""

    def ready(self) -> None:
        data = self._rest + b"".join(received(self._socket))
        now = time.monotonic()
        begin = 0
        while (end := data.find(b"\n", begin)) >= 0:
            at = data.find(_SENT, begin, min(end, begin + _EARLY))
            if at >= 0:
                at += len(_SENT)
                self._times.append(now - float(data[at : data.index(b'"', at)]))
            begin = end + 1
        self._rest = data[begin:]


def watch(server: Server, task: dict) -> dict:
    """Changes at an even rate, seen by all."""
    loop = Loop()
    crowd = Crowd(loop, server, task["watchers"], str(task["revision"]))
    settled = time.monotonic() + 3
    while time.monotonic() < settled:
        loop.turn(0.1)
    idle: list[Connection] = []
    for _ in range(WRITERS):
        connection = Connection(server, server.tls(), lambda status, length: None)
        connection.answered = lambda status, length, connection=connection: idle.append(connection)
        loop.add(connection.socket, connection.ready)
        idle.append(connection)
    gc.freeze()
    begun, cpu, sent = time.monotonic(), time.process_time(), 0
    total = task["seconds"] * task["per_second"]
    expected = total * task["watchers"]
    late = begun + task["seconds"] + 10
    while len(crowd.times) < expected and time.monotonic() < late:
        now = time.monotonic()
        while idle and sent < total and begun + sent / task["per_second"] <= now:
            body = b'{"metadata":{"annotations":{"example.org/sent":"%.6f"}}}' % time.monotonic()
            path = f"{_MAPS}/object-{sent % CHANGED:05}"
            idle.pop().send(request(server, "PATCH", path, body, "application/merge-patch+json"))
            sent += 1
        loop.turn(0.005)
    cpu = (time.process_time() - cpu) / (time.monotonic() - begun)
    middle, slowest = percentile(crowd.times, 0.5), percentile(crowd.times, 0.99)
    return {"p50": middle, "p99": slowest, "heard": len(crowd.times), "sent": sent, "cpu": cpu}


def revision_of(server: Server) -> int:
    """The server's revision now."""
    asker = Asker(server)
    asker.ask(request(server, "GET", f"{_MAPS}?limit=1"))
    found = re.search(rb'"resourceVersion":"(\d+)"', asker.sample)
    assert found
    return int(found.group(1))


if __name__ == "__main__":
    task = json.load(sys.stdin)
    server = Server(task["port"], task["ca"], task["token"])
    task["revision"] = revision_of(server)
    print(json.dumps({"get": gets, "list": pages, "make": make, "watch": watch}[task["do"]](server, task)))
