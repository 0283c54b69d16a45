"""The client program of the API bench: ``python -m bench.api.load`` takes its task as JSON on standard input, answers in JSON.

A process of its own, the same for every server. A task: ``port``, ``ca``, ``token``, ``verb`` (or ``mix``), ``clients``,
``seconds``, ``watchers``, ``run`` (what names begin with), ``count`` for an end after so many requests rather than after a time,
and ``hold`` to stay, watching, for so many seconds after the answer.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Iterator

from bench.api.connection import Connection, Loop, Server, received, request
from bench.api.work import NAMESPACE, Work


class Client:
    """Sends one request after the other and notes how long each answer took."""

    def __init__(self, loop: Loop, server: Server, steps: Iterator[tuple[str, bytes]], took: dict[str, list[float]]) -> None:
        self._loop, self._steps, self._took = loop, steps, took
        self._connection = Connection(server, server.tls(), self._answered)
        self._verb = ""
        self._sent = 0.0
        self._writing = False
        self.left = -1
        self.refused: list[str] = []
        loop.add(self._connection.socket, self._ready)

    def next(self) -> None:
        """Send the next request, if there is one left."""
        if self.left == 0:
            return
        self.left -= 1
        self._verb, data = next(self._steps)
        self._sent = time.perf_counter()
        self._connection.send(data)
        self._mind_writing()

    def _ready(self) -> None:
        self._connection.ready()
        self._mind_writing()

    def _mind_writing(self) -> None:
        if self._connection.wants_to_send != self._writing:
            self._writing = not self._writing
            self._loop.writing(self._connection.socket, self._writing)

    def _answered(self, status: int, length: int) -> None:
        self._took.setdefault(self._verb, []).append(time.perf_counter() - self._sent)
        if status >= 300:
            self.refused.append(f"{self._verb}: {status} {self._connection.sample.decode(errors='replace')[-300:]}")
        self.next()


def watch(loop: Loop, server: Server, count: int) -> list[int]:
    """Watchers of all pods that read and forget. The list has the bytes that came."""
    came = [0]
    tls = server.tls()
    for _ in range(count):
        connection = Connection(server, tls, lambda status, length: None)
        connection.send(request(server, "GET", f"/api/v1/namespaces/{NAMESPACE}/pods?watch=true&allowWatchBookmarks=true"))

        def ready(socket=connection.socket) -> None:
            came[0] += sum(map(len, received(socket)))

        loop.add(connection.socket, ready)
    return came


def percentile(values: list[float], share: float) -> float:
    """The value that ``share`` (0 to 1) of the values don't exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def run(task: dict) -> dict:
    """Carry out a task."""
    server = Server(task["port"], task["ca"], task["token"])
    loop = Loop()
    came = watch(loop, server, task.get("watchers", 0))
    took: dict[str, list[float]] = {}
    clients = [
        Client(loop, server, Work(server, task["verb"], number, task["run"]).steps(), took) for number in range(task["clients"])
    ]
    settled = time.perf_counter() + (1.0 if task.get("watchers") else 0.0)
    while time.perf_counter() < settled:
        loop.turn(0.1)
    count = task.get("count", 0)
    for client in clients:
        client.left = count // len(clients) if count else -1
    gc.freeze()
    begun, cpu = time.perf_counter(), time.process_time()
    before = came[0]
    for client in clients:
        client.next()
    end = begun + task.get("seconds", 600)
    while time.perf_counter() < end and not all(client.left == 0 for client in clients):
        loop.turn(0.05)
    for client in clients:
        client.left = 0
    seconds = time.perf_counter() - begun
    done = sum(map(len, took.values()))
    cpu = time.process_time() - cpu
    if count:
        # Those under way still come.
        late = time.perf_counter() + 10
        while sum(map(len, took.values())) < count // len(clients) * len(clients) and time.perf_counter() < late:
            loop.turn(0.05)
    refused = [told for client in clients for told in client.refused]
    return {
        "rate": done / seconds, "cpu": cpu / seconds, "watched": (came[0] - before) / seconds, "refused": len(refused),
        "example": refused[:1],
        "verbs": {
            verb: {"count": len(times), "p50": percentile(times, 0.5), "p99": percentile(times, 0.99)}
            for verb, times in took.items()
        },
    }  # fmt: skip


if __name__ == "__main__":
    task = json.load(sys.stdin)
    print(json.dumps(run(task)), flush=True)
    if task.get("hold"):
        sys.stdin.close()
        time.sleep(task["hold"])
