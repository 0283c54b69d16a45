"""What a disk may hold after a power cut, worked out from the record of what a program asked of it (``powercut.c``).

What was synced is there. Of what wasn't, anything may be there or not, in any order: each sector of a file has some version between
the synced one and the latest, files are as long as at any moment since their sync, names are old or new unless their directory was
synced (a rename is one or the other). Sectors that a longer file has but that were never written are zeros or rubbish. No sector is
torn by itself: disks promise that.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

WRITE, TRUNCATE, SYNC, NAME, UNLINK, RENAME, SYNC_DIRECTORY, NOTE = range(1, 9)
_HEAD = struct.Struct("=IIQQ")


@dataclass
class Entry:
    """One call."""

    kind: int
    file: int
    offset: int
    data: bytes

    @property
    def text(self) -> str:
        return self.data.decode()


def read(record: Path) -> list[Entry]:
    """All calls, in order."""
    data = memoryview(record.read_bytes())
    told: list[Entry] = []
    at = 0
    while at + _HEAD.size <= len(data):
        kind, file, offset, length = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        told.append(Entry(kind, file, offset, bytes(data[at : at + length])))
        at += length
    return told


@dataclass
class _File:
    synced: bytes = b""
    pending: list[Entry] = field(default_factory=list)

    def sync(self) -> None:
        if self.pending:
            self.synced = bytes(_carried_out(bytearray(self.synced), self.pending))
            self.pending = []


def _carried_out(content: bytearray, entries: list[Entry]) -> bytearray:
    for entry in entries:
        if entry.kind == TRUNCATE:
            del content[entry.offset :]
            content.extend(bytes(entry.offset - len(content)))
        else:
            content.extend(bytes(max(0, entry.offset - len(content))))
            content[entry.offset : entry.offset + len(entry.data)] = entry.data
    return content


class Disk:
    """Follows a record; at any moment, tells what a cut could leave."""

    def __init__(self, directory: Path, before: Path) -> None:
        """``directory`` is where the program works; ``before`` holds a copy of what was there, and durable, when it began."""
        self._directory = str(directory)
        self._files: dict[int, _File] = {}
        self._names: dict[str, int] = {}
        self._changes: list[dict[str, int | None]] = []
        """Of names, since their directory was synced; those of one call together."""
        self._now: dict[str, int] = {}
        for number, path in enumerate(sorted(path for path in before.rglob("*") if path.is_file())):
            name = f"{directory}/{path.relative_to(before)}"
            self._names[name] = self._now[name] = -1 - number
            self._files[-1 - number] = _File(path.read_bytes())

    def follow(self, entry: Entry) -> None:
        """One more call was made."""
        if entry.kind in (WRITE, TRUNCATE):
            self._files[entry.file].pending.append(entry)
        elif entry.kind == SYNC:
            self._files[entry.file].sync()
        elif entry.kind == NAME:
            if entry.text in self._now and not entry.offset:
                self._files[entry.file] = self._files[self._now[entry.text]]
                if self._names.get(entry.text) == self._now[entry.text]:
                    self._names[entry.text] = entry.file
                for change in self._changes:
                    change.update({name: entry.file for name, file in change.items() if file == self._now[entry.text]})
                self._now[entry.text] = entry.file
            else:
                self._files[entry.file] = _File()
                self._change({entry.text: entry.file})
        elif entry.kind == UNLINK:
            self._change({entry.text: None})
        elif entry.kind == RENAME:
            old, new = entry.text.split("\0")
            self._change({old: None, new: self._now[old]})
        elif entry.kind == SYNC_DIRECTORY:
            self._sync_names(entry.text)

    def _change(self, change: dict[str, int | None]) -> None:
        self._changes.append(change)
        _apply(self._now, change)

    def _sync_names(self, directory: str) -> None:
        left = []
        for change in self._changes:
            if all(name.rpartition("/")[0] == directory for name in change):
                _apply(self._names, change)
            else:
                left.append(change)
        self._changes = left

    def cut(self, rng: random.Random, target: Path) -> None:
        """Write one possible outcome of a power cut at this moment to ``target``."""
        target.mkdir()
        names = dict(self._names)
        share = rng.choice((0.0, 0.5, 1.0, rng.random()))
        if rng.random() < 0.5:  # a journal keeps the order of names; nothing has to
            changes = self._changes[: rng.randint(0, len(self._changes))]
        else:
            changes = [change for change in self._changes if rng.random() < share]
        for change in changes:
            _apply(names, change)
        for name in sorted(names):
            path = target / name[len(self._directory) + 1 :]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)  # modes aren't recorded: programs make files private before there is something in them
            path.write_bytes(self._outcome(rng, self._files[names[name]], share))

    def _outcome(self, rng: random.Random, file: _File, share: float) -> bytes:
        if not file.pending:
            return file.synced
        sector = rng.choice((512, 4096))
        sizes = [len(file.synced)]
        versions: dict[int, list[Entry]] = {}
        for entry in file.pending:
            if entry.kind == TRUNCATE:
                first, last = min(entry.offset, sizes[-1]) // sector, max(entry.offset, sizes[-1]) // sector
                sizes.append(entry.offset)
            else:
                first, last = entry.offset // sector, (entry.offset + max(1, len(entry.data)) - 1) // sector
                sizes.append(max(sizes[-1], entry.offset + len(entry.data)))
            for number in range(first, last + 1):
                versions.setdefault(number, []).append(entry)
        size = rng.choice(sizes) if share < 1.0 else sizes[-1]
        rubbish = rng.random() < 0.3
        content = bytearray(file.synced)
        if len(content) < size:
            content.extend(rng.randbytes(size - len(content)) if rubbish else bytes(size - len(content)))
        content = content[:size]
        for number, entries in versions.items():
            kept = len(entries) if share == 1.0 else sum(1 for _ in entries if rng.random() < share)
            start = number * sector
            if not kept or start >= size:
                continue
            fresh = bytearray(file.synced[start : start + sector].ljust(sector, b"\0"))
            for entry in entries[:kept]:
                _on_sector(fresh, start, entry)
            content[start : start + sector] = fresh[: size - start]
        return bytes(content)


def _on_sector(sector: bytearray, start: int, entry: Entry) -> None:
    if entry.kind == TRUNCATE:
        keep = max(0, min(len(sector), entry.offset - start))
        sector[keep:] = bytes(len(sector) - keep)
        return
    first = max(0, entry.offset - start)
    skipped = max(0, start - entry.offset)
    piece = entry.data[skipped : skipped + len(sector) - first]
    sector[first : first + len(piece)] = piece


def _apply(names: dict[str, int], change: dict[str, int | None]) -> None:
    for name, file in change.items():
        if file is None:
            names.pop(name, None)
        else:
            names[name] = file


def cuts(entries: list[Entry], disk: Disk, moments: list[int]) -> Iterator[int]:
    """Follow the record, stopping at each moment (a number of calls, ascending)."""
    done = 0
    for moment in moments:
        for entry in entries[done:moment]:
            disk.follow(entry)
        done = moment
        yield moment
