"""How much the API server takes on at once. Every limit can be set: ``boatyard up --limit NAME=NUMBER``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path


class LimitError(Exception):
    """A limit that isn't one, or has no sensible value; the message says which and what to write instead."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Defaults are for one machine with some thousand objects of a kind and some hundred clients."""

    reading: int = 16
    """Seats for reading requests at work at the same time. A list takes as many as it is long: one for each 128 KiB."""
    writing: int = 32
    """Seats for writing requests at work at the same time. What a node agent writes needs none."""
    queue: int = 128
    """Requests of one user that wait for a seat; more are refused with 429."""
    queues: int = 1024
    """Requests that wait in all. When they are too many, who has the most waiting loses the latest."""
    watches_per_user: int = 2000
    """Watches and other streams (logs, exec, port forwards) that one user has open."""
    watches: int = 5000
    """Watches and other streams open in all."""
    connections: int = 8000
    """Connections open in all; more are closed at once."""
    body_bytes: int = 3 * 1024 * 1024
    """The longest body of a request; 413 above (Kubernetes' own limit)."""
    queue_seconds: int = 15
    """How long a request waits for a seat before it is refused with 429."""
    body_seconds: int = 30
    """How long the body of a request may take to come, and a client may take nothing of its answer."""

    audit_file_bytes: int = 64 * 1024 * 1024
    """How long the audit log gets before it is put aside; it is put aside every day, too."""
    audit_files: int = 10
    """Files of the audit log that are kept beside the one that is written."""
    audit_days: int = 30
    """How long they are kept."""

    def share(self, seats: int) -> int:
        """How many of some seats one user may have: some are always left to the others."""
        return max(1, seats * 3 // 4)


def changed(limits: Limits, asked: Iterable[str]) -> Limits:
    """``limits`` with changes such as ``reading=32``. Raises LimitError."""
    known = [field.name for field in fields(Limits)]
    for text in asked:
        name, _, number = text.partition("=")
        name = name.strip().replace("-", "_")
        if name not in known:
            told = ", ".join(known).replace("_", "-")
            raise LimitError(f"--limit {text}: {name.replace('_', '-')} is no limit; known are {told}")
        if not number.isascii() or not number.isdigit() or not 0 < int(number) < 1 << 40:
            raise LimitError(f"--limit {text}: write {name.replace('_', '-')}=NUMBER, a whole number of at least 1")
        limits = replace(limits, **{name: int(number)})
    return limits


def load(file: Path) -> Limits:
    """What was set before; the defaults where nothing was. Raises LimitError when the file can't be read."""
    try:
        told = json.loads(file.read_text())
        return changed(Limits(), [f"{name}={number}" for name, number in told.items()])
    except FileNotFoundError:
        return Limits()
    except (ValueError, AttributeError, LimitError) as error:
        raise LimitError(f"{file} can't be read ({error}): mend or delete it") from error


def save(file: Path, limits: Limits) -> None:
    """Keep what differs from the defaults, whole or not at all."""
    default = asdict(Limits())
    part = file.with_suffix(".part")
    part.write_text(json.dumps({name: value for name, value in asdict(limits).items() if value != default[name]}, indent=2) + "\n")
    part.replace(file)
