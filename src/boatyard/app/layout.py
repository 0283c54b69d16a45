"""Where everything lies in the data directory of ``boatyard up``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from boatyard.machinery.store.hold import sync_directory
from boatyard.server.auth.files import write_private

FORMAT = "1"
"""Version of this layout, kept in the file ``FORMAT``."""


class LayoutError(Exception):
    """The directory can't be used; the message says why and what to do."""


@dataclass(frozen=True)
class DataDirectory:
    """Paths below the data directory. Nothing here touches the disk but :meth:`prepare`."""

    root: Path

    @property
    def store(self) -> Path:
        """The control plane's database."""
        return self.root / "control" / "store.db"

    @property
    def pki(self) -> Path:
        """Keys and certificates."""
        return self.root / "control" / "pki"

    @property
    def keys(self) -> Path:
        """Secrets of the control plane that aren't certificates."""
        return self.root / "control" / "keys"

    @property
    def limits(self) -> Path:
        """What the API server takes on at once, where it isn't the default."""
        return self.root / "control" / "limits.json"

    @property
    def audit_policy(self) -> Path:
        """Which calls are told in the audit log, where that was decided."""
        return self.root / "control" / "audit-policy.yaml"

    @property
    def audit_log(self) -> Path:
        """Who asked what of the API; older files lie beside it."""
        return self.root / "run" / "audit.log"

    @property
    def node(self) -> Path:
        """The node agent's pods and volumes."""
        return self.root / "node"

    @property
    def objects(self) -> Path:
        """Logs, artifacts and archived builds."""
        return self.root / "objects"

    @property
    def run(self) -> Path:
        """What describes the running processes: pids, addresses, logs of the control plane and the agent."""
        return self.root / "run"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.root / "kubeconfig"

    def prepare(self) -> None:
        """Make the directories, private to the user. Raises LayoutError."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            mark = self.root / "FORMAT"
            if mark.exists():
                found = mark.read_text().strip()
                if found != FORMAT:
                    raise LayoutError(f"{self.root} has layout {found}; this program knows layout {FORMAT}. Use a newer boatyard.")
            elif any(entry.name not in ("lost+found", ".FORMAT.new") for entry in self.root.iterdir()):
                raise LayoutError(f"{self.root} isn't empty and isn't Boatyard's: choose another directory with --data")
            else:
                write_private(mark, f"{FORMAT}\n".encode())
            directories = (self.store.parent, self.pki, self.keys, self.node, self.objects, self.run)
            missing = [directory for directory in directories if not directory.exists()]
            for directory in missing:
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if missing:
                # What is durable in a directory is lost with it, if a power cut takes its name.
                for above in (self.store.parent, self.root, self.root.absolute().parent):
                    sync_directory(above)
            # Pods run as users of their own: they pass through here to their volumes, and see nothing on the way.
            for passage in (self.root, self.node, self.objects):
                passage.chmod(0o711)
        except OSError as error:
            raise LayoutError(f"can't use {self.root}: {error.strerror or error}") from error


def default_root() -> Path:
    """``$BOATYARD_DATA``, or ``boatyard`` below the user's data directory (XDG base directory specification)."""
    named = os.environ.get("BOATYARD_DATA")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "boatyard"
