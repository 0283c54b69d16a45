"""Many objects and many watchers: what a control plane with 100,000 objects of 2 KB answers, and how soon 1,000 watchers hear."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import Any

from bench.api.crowd import CHANGED
from bench.api.peers import Peer, ours, theirs
from bench.api.work import NAMESPACE
from bench.figure import Figure
from boatyard.app.layout import DataDirectory
from boatyard.machinery.meta.core import CONFIG_MAPS, NAMESPACES
from boatyard.machinery.registry import documents, keys
from boatyard.machinery.store.sqlite import SqliteStore
from boatyard.machinery.store.store import Put

OBJECTS, BYTES = 100_000, 2048
WATCHERS, EVENTS_PER_SECOND, SECONDS = 1000, 100, 8
AT_ONCE = 500


def fill(data: DataDirectory) -> None:
    """Put the objects into the store as if they had been made long ago."""
    asyncio.run(_fill(data))


async def _fill(data: DataDirectory) -> None:
    store = await SqliteStore.open(data.store)
    await store.commit([Put(keys.key(NAMESPACES, None, NAMESPACE), documents.encode(_document("Namespace", NAMESPACE, "")))])
    for first in range(0, OBJECTS, AT_ONCE):
        puts: list[Put] = []
        for number in range(first, first + AT_ONCE):
            document = _document("ConfigMap", f"object-{number:05}", NAMESPACE)
            document["data"] = {"text": ""}
            document["data"]["text"] = "x" * (BYTES - len(documents.encode(document)))
            puts.append(Put(keys.key(CONFIG_MAPS, NAMESPACE, document["metadata"]["name"]), documents.encode(document)))
        await store.commit(puts)
    await store.compact(store.revision)
    await store.close()


def _document(kind: str, name: str, namespace: str) -> dict[str, Any]:
    metadata = {"name": name, "uid": f"00000000-0000-4000-8000-{hash(name) & 0xFFFFFFFFFFFF:012x}"}
    metadata["creationTimestamp"] = "2024-01-01T00:00:00Z"
    if namespace:
        return {"apiVersion": "v1", "kind": kind, "metadata": {**metadata, "namespace": namespace}}
    spec, status = {"finalizers": ["kubernetes"]}, {"phase": "Active"}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": spec, "status": status}


def run() -> list[Figure]:
    """The rows of this part. The bounds are absolute; the peer, which can't be filled as fast, has few objects."""
    answered: list[float] = []
    with ours(fill, answered) as us:
        get, page = (_crowd(us, do=do, seconds=3) for do in ("get", "list"))
        memory = us.resident_bytes()
        told = _crowd(us, do="watch", watchers=WATCHERS, per_second=EVENTS_PER_SECOND, seconds=SECONDS)
    with theirs() as them:
        _crowd(them, do="make", objects=CHANGED, bytes=BYTES)
        peers = _crowd(them, do="watch", watchers=WATCHERS, per_second=EVENTS_PER_SECOND, seconds=SECONDS)
    objects = f"{OBJECTS:,} objects of 2 KB"
    ratio = f"{peers['p99'] / told['p99']:.1f}"
    heard = f"{_heard(told)} events, the peer's {_heard(peers)}; "
    heard += f"the client program took {told['cpu']:.0%} and {peers['cpu']:.0%} of a core"
    return [
        Figure(f"{objects}: first answer", f"{answered[0]:.2f} s", "", "", "< 3 s", answered[0] < 3, f"{memory / 1e6:.0f} MB"),
        Figure("  get", _times(get), "", "", "< 1 ms", get["p50"] < 0.001, "p50, p99; one client"),
        Figure("  list of 500", _times(page), "", "", "< 10 ms", page["p50"] < 0.010, "p50, p99; page after page"),
        Figure(
            f"  {WATCHERS:,} watchers, {EVENTS_PER_SECOND} events/s", _times(told), _times(peers), ratio, "p99 < 100 ms",
            told["p99"] < 0.1 and told["heard"] == told["sent"] * WATCHERS, heard,
        ),
    ]  # fmt: skip


def _times(told: dict[str, Any]) -> str:
    return f"{told['p50'] * 1000:.2f}, {told['p99'] * 1000:.2f} ms"


def _heard(told: dict[str, Any]) -> str:
    return f"{told['heard']:,} of {told['sent'] * WATCHERS:,}"


def _crowd(peer: Peer, **task: Any) -> dict[str, Any]:
    server = peer.server
    task = {"port": server.port, "ca": server.ca, "token": server.token, "objects": OBJECTS, **task}
    done = subprocess.run(
        [sys.executable, "-m", "bench.api.crowd"], input=json.dumps(task), capture_output=True, text=True, timeout=120
    )
    if done.returncode:
        raise RuntimeError(f"the client program failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout)
