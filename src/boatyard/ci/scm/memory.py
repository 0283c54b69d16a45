"""A Gitea in memory, for simulations and tests."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from boatyard.ci.scm.http import Answer, Unreachable


class MemoryGitea:
    """An :class:`~boatyard.ci.scm.http.Http` that answers as a Gitea's statuses API does: what was posted is listed."""

    def __init__(self) -> None:
        self.statuses: dict[str, list[dict[str, Any]]] = {}
        """By commit, the oldest first."""
        self.down = False
        """Nobody answers."""
        self.loses_answers = False
        """What is posted arrives, and the answer to it doesn't."""
        self.calls: list[tuple[str, str]] = []
        """Method and address of every call, also of those that failed."""

    async def request(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        self.calls.append((method, url))
        if self.down:
            raise Unreachable("refused")
        sha = re.search(r"/([0-9a-f]{40,64})(?:/|$)", url)
        if sha is None:
            return Answer(404, b"{}")
        known = self.statuses.setdefault(sha[1], [])
        if method == "GET":
            return Answer(200, json.dumps(known if "page=1&" in url else []).encode())
        posted = json.loads(body)
        known.append({**posted, "status": posted["state"]})
        if self.loses_answers:
            raise Unreachable("reset while the answer was awaited")
        return Answer(201, b"{}")

    def told(self, sha: str) -> list[str]:
        """The states posted on a commit, in their order."""
        return [status["state"] for status in self.statuses.get(sha, [])]
