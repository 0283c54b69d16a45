"""What the store tells of itself on ``/metrics``: how long it takes to be durable, and how large it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from prometheus_client import Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import REGISTRY, Collector, CollectorRegistry

_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
SYNC_SECONDS = Histogram(
    "boatyard_store_sync_seconds", "Time to write a group of commits to the log and sync it, at times with a checkpoint.",
    buckets=_BUCKETS,
)  # fmt: skip
GROUP_COMMITS = Histogram(
    "boatyard_store_group_commits", "Commits that shared one sync.", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256)
)
FORGET_SECONDS = Histogram(
    "boatyard_store_forget_seconds", "Time of one bite of compaction, for which commits wait.", buckets=_BUCKETS
)


class Size(NamedTuple):
    """How large a store is, and what it remembers."""

    database_bytes: int
    log_bytes: int
    history_bytes: int
    revision: int
    compacted: int
    damaged: bool


class Sized(Protocol):
    """A store that tells its size."""

    def size(self) -> Size: ...


_TOLD = {
    "database_bytes": "Size of the database file.",
    "log_bytes": "Size of the write-ahead log.",
    "history_bytes": "What watches and pages of the past are told from.",
    "revision": "Revision of the last commit.",
    "compacted": "Revision up to which history is forgotten.",
    "damaged": "1 when the content of the database is known to be damaged; it takes no changes then.",
}


class StoreCollector(Collector):
    """Gauges of one store, asked when they are read."""

    def __init__(self, store: Sized) -> None:
        self._store = store

    def collect(self) -> Iterator[GaugeMetricFamily]:
        size = self._store.size()
        for name, told in _TOLD.items():
            yield GaugeMetricFamily(f"boatyard_store_{name}", told, value=float(getattr(size, name)))


def publish(store: Sized, registry: CollectorRegistry = REGISTRY) -> StoreCollector:
    """Tell of this store on the registry, until it is unregistered."""
    collector = StoreCollector(store)
    registry.register(collector)
    return collector


def bytes_of(path: Path) -> int:
    """A file's size, 0 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
