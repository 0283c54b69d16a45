"""The mirror that fits what is declared now: made again when the repository's address or its credential changes."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from urllib.parse import urlsplit

from boatyard.ciserver.git import Git
from boatyard.ciserver.mirror import Mirror
from boatyard.ciserver.repository import Repository
from boatyard.ciserver.team import GitAccess, Team


class Mirrors:
    """Holds one mirror on the claim, in ``data``."""

    def __init__(self, data: Path, team: Team) -> None:
        self._data, self._team = data, team
        self._held: tuple[GitAccess, Mirror] | None = None

    async def repository(self) -> Repository:
        """The team's repository. Raises NotReady."""
        access = await self._team.git()
        if self._held is None or self._held[0] != access:
            git = Git(self._data / "git", access.credential, urlsplit(access.url).netloc, _ssh(self._data / "git", access))
            self._held = access, Mirror(self._data / "mirror.git", access.url, git)
        return self._held[1]


def _ssh(home: Path, access: GitAccess) -> dict[str, str]:
    """How git shall call ssh: with this key and these hosts only, and never with a question."""
    if not access.ssh_key:
        return {}
    home.mkdir(parents=True, exist_ok=True)
    key, hosts = home / "ssh-key", home / "known-hosts"
    for file, text in ((key, access.ssh_key.rstrip("\n") + "\n"), (hosts, access.known_hosts)):
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(text)
    options = ("-F", "none", "-i", str(key), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "ConnectTimeout=15",
               "-o", f"UserKnownHostsFile={hosts}", "-o", "StrictHostKeyChecking=yes")  # fmt: skip
    return {"GIT_SSH_COMMAND": shlex.join(("ssh", *options))}
