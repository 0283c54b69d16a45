"""The port to the team's repository: what an event's commits are, and what ``boatyard.yaml`` says there.

:class:`boatyard.ciserver.mirror.Mirror` asks git; :class:`MemoryRepository` is told, for simulations and tests.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from boatyard.ci.scm.events import PullRequest, Push

PIPELINE_FILE = "boatyard.yaml"
MAX_PIPELINE_BYTES = 1024 * 1024


class RepositoryUnavailable(Exception):
    """The repository can't be reached now; trying again may help."""


class Unbuildable(Exception):
    """The repository has no tree to build for this event; trying again changes nothing."""


class CommitMissing(Unbuildable):
    """The repository is there and hasn't got the commit (it was overwritten or never pushed)."""


class MergeConflict(Unbuildable):
    """The pull request's head can't be merged into its target."""

    def __init__(self, head: str, target: str, paths: tuple[str, ...]) -> None:
        self.head, self.target, self.paths = head, target, paths
        some = ", ".join(paths[:5]) + (f" and {len(paths) - 5} more" if len(paths) > 5 else "")
        super().__init__(f"{head[:12]} can't be merged into {target[:12]}: conflicts in {some or 'unknown files'}")


@dataclass(frozen=True, slots=True)
class Source:
    """One exact tree to build."""

    revision: str
    """The commit that is built and reported on; for a pull request its head."""
    target: str = ""
    """The commit a pull request's head is merged with; empty for a push."""
    tree: str = ""
    """What git names the tree: the revision, or the merge's tree."""
    base: str = ""
    """What ``changed`` compares with; empty when there is nothing to compare with."""
    subject: str = ""
    author: str = ""
    pipeline: str | None = None
    """The text of ``boatyard.yaml``; None when there is none."""
    pipeline_problem: str = ""
    """Why the text could not be had although the file is there (too large, not text)."""


class Repository(Protocol):
    """One team's repository."""

    async def push(self, event: Push) -> Source:
        """The tree a push made. Raises RepositoryUnavailable, CommitMissing."""
        ...

    async def pull_request(self, event: PullRequest) -> Source:
        """The tree of head merged into target. Raises RepositoryUnavailable, CommitMissing, MergeConflict, Unbuildable."""
        ...

    async def changed(self, source: Source) -> tuple[str, ...] | None:
        """Paths that differ between ``source.base`` and the source; None when that can't be told (a new branch)."""
        ...


@dataclass
class MemoryRepository:
    """A repository without git: whoever tests says what each commit holds."""

    pipelines: dict[str, str | None] = field(default_factory=dict)
    """Text of ``boatyard.yaml`` by commit; a commit that isn't here is missing."""
    changes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    conflicts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Conflicting paths by head commit."""
    available: bool = True

    async def push(self, event: Push) -> Source:
        return self._source(event.after, base=event.before, subject=event.subject, author=event.author)

    async def pull_request(self, event: PullRequest) -> Source:
        target = event.target_sha
        source = self._source(event.head_sha, target=target, base=target, subject=event.title, author=event.author)
        if event.head_sha in self.conflicts:
            raise MergeConflict(event.head_sha, event.target_sha, self.conflicts[event.head_sha])
        return source

    async def changed(self, source: Source) -> tuple[str, ...] | None:
        return self.changes.get(source.revision)

    def _source(self, revision: str, *, target: str = "", base: str = "", subject: str = "", author: str = "") -> Source:
        if not self.available:
            raise RepositoryUnavailable("the repository is switched off")
        if revision not in self.pipelines:
            raise CommitMissing(f"no commit {revision}")
        pipeline = self.pipelines[revision]
        return Source(revision, target, revision, base, subject, author, pipeline)
