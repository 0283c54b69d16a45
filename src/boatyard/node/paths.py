"""Where the agent keeps what it owns, below the node's directory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from boatyard.node.lifecycle.verdict import Verdict


@dataclass(frozen=True, slots=True)
class PodPaths:
    """One pod's files: volumes, logs, and why the node ended it."""

    root: Path

    def volume(self, name: str) -> Path:
        return self.root / "volumes" / name

    @property
    def volumes(self) -> Path:
        return self.root / "volumes"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    def log(self, container: str, attempt: int) -> Path:
        return self.root / "logs" / f"{container}.{attempt}.log"

    def attempts(self, container: str) -> list[int]:
        """The starts of a container whose logs are here, oldest first."""
        if not self.logs.is_dir():
            return []
        names = [path.name.split(".") for path in self.logs.iterdir()]
        return sorted(int(parts[1]) for parts in names if len(parts) == 3 and parts[0] == container and parts[1].isdigit())

    def read_verdict(self) -> Verdict | None:
        try:
            return msgspec.json.decode((self.root / "verdict.json").read_bytes(), type=Verdict)
        except FileNotFoundError:
            return None

    def write_verdict(self, verdict: Verdict) -> None:
        self.root.mkdir(0o755, parents=True, exist_ok=True)
        fresh = self.root / "verdict.json.new"
        fresh.write_bytes(msgspec.json.encode(verdict))
        fresh.replace(self.root / "verdict.json")


@dataclass(frozen=True, slots=True)
class NodePaths:
    """The node's directory."""

    root: Path

    def pod(self, uid: str) -> PodPaths:
        return PodPaths(self.root / "pods" / uid)

    @property
    def claims(self) -> Path:
        """Directories of local persistent volumes, one per volume name."""
        return self.root / "volumes"

    def pod_uids(self) -> Iterator[str]:
        """Every pod that has files here, in order."""
        pods = self.root / "pods"
        if pods.is_dir():
            yield from sorted(path.name for path in pods.iterdir() if path.is_dir())
