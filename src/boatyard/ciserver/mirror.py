"""The bare mirror on the claim: made on first use, holding what was fetched for events, never more than a cache.

A fetch takes one ref into one ref, so that a push costs one small pack. What git can't repair in the mirror is repaired by making
it anew. Nothing here is checked out and nothing from the repository is executed.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import shutil
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from boatyard.ci.scm.events import PullRequest, Push
from boatyard.ciserver.git import Git, GitFailed, Started
from boatyard.ciserver.repository import (
    MAX_PIPELINE_BYTES,
    PIPELINE_FILE,
    CommitMissing,
    MergeConflict,
    RepositoryUnavailable,
    Source,
    Unbuildable,
)

_LOG = logging.getLogger(__name__)
_LOCAL_SECONDS = 30
_MAX_CHANGED_BYTES = 4 << 20
_FETCHES_PER_CLEANING = 200
_KNOWN_COMMITS = 200
_BROKEN = re.compile(
    r"not a git repository|bad object|object file .* is empty|loose object .* is corrupt|bad index file|packfile .* (?:cannot|is)|"
    r"unable to read|inflate: data stream error|Unable to create .*\.lock|bad (?:signature|tree)|unable to resolve reference|"
    r"did not send all necessary objects",
    re.IGNORECASE,
)
_GIT_DIED = (GitFailed, TimeoutError, asyncio.IncompleteReadError, ConnectionError)
"""What a call shows when git gave up on the mirror: its error, or the end of its pipes."""
_NO_SUCH_REF = re.compile(r"couldn't find remote ref|not our ref|no such remote ref|unadvertised object", re.IGNORECASE)


class Commit(NamedTuple):
    """What one reading tells of a commit."""

    subject: str
    author: str
    pipeline: str | None
    problem: str
    """Why there is no pipeline although there is a file."""


class Mirror:
    """One repository's mirror in ``directory``. Calls are carried out one after the other."""

    def __init__(self, directory: Path, url: str, git: Git, *, fetch_seconds: float = 300) -> None:
        self._directory = directory
        self._url = url
        self._git = git
        self._fetch_seconds = fetch_seconds
        self._turn = asyncio.Lock()
        self._prepared = False
        self._fetches = 0
        self._known: dict[str, None] = {}
        """Commits that were read lately: they need no fetch."""

    async def push(self, event: Push) -> Source:
        async with self._turn:
            return await self._repaired(lambda: self._push(event))

    async def pull_request(self, event: PullRequest) -> Source:
        async with self._turn:
            return await self._repaired(lambda: self._pull_request(event))

    async def changed(self, source: Source) -> tuple[str, ...] | None:
        if not source.base:
            return None
        async with self._turn:
            try:
                command = ("diff-tree", "-r", "-z", "--name-only", "--no-renames", source.base, source.tree, "--")
                data = await self._run(*command, max_bytes=_MAX_CHANGED_BYTES)
            except (GitFailed, TimeoutError):
                # The commit before a forced push may be gone for good.
                return None
        if len(data) >= _MAX_CHANGED_BYTES:
            return None
        return tuple(path.decode("utf-8", "replace") for path in data.split(b"\0") if path)

    async def _push(self, event: Push) -> Source:
        subject, author, text, problem = await self._commit(event.ref, event.after)
        return Source(event.after, "", event.after, event.before, subject, author, text, problem)

    async def _pull_request(self, event: PullRequest) -> Source:
        head = await self._commit(event.head_ref, event.head_sha)
        target = await self._target(event)
        merged = await self._merge(target, event.head_sha)
        tree = merged.tree
        text, problem = await self._pipeline(tree)
        return Source(event.head_sha, target, tree, target, head.subject or event.title, head.author, text, problem)

    async def _target(self, event: PullRequest) -> str:
        """The commit of the target branch to merge with: the one the SCM named if the repository has it, else the branch's tip."""
        if event.target_sha and await self._read(event.target_sha) is not None:
            return event.target_sha
        await self._fetch(event.target_ref)
        if event.target_sha and await self._read(event.target_sha) is not None:
            return event.target_sha
        return (await self._run("rev-parse", "--verify", "--quiet", f"{_kept(event.target_ref)}^{{commit}}")).decode().strip()

    async def _merge(self, target: str, head: str) -> Source:
        try:
            command = ("merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", target, head)
            output = await self._run(*command, codes=(0, 1, 128))
        except GitFailed as error:
            if error.code == 129:
                raise Unbuildable("merging a pull request needs git 2.38 or newer beside the CI server") from error
            raise
        parts = output.split(b"\0")
        tree = parts[0].decode("ascii", "replace").strip()
        if not re.fullmatch(r"[0-9a-f]{40,64}", tree):
            raise MergeConflict(head, target, ("(the branches have no common history)",))
        paths = tuple(dict.fromkeys(part.decode("utf-8", "replace") for part in parts[1:] if part))
        if paths:
            raise MergeConflict(head, target, paths)
        return Source(head, target, tree)

    async def _commit(self, ref: str, commit: str) -> Commit:
        """Fetch the ref and read the commit; when the ref has moved on without it, ask for the commit itself (servers may refuse
        that). Raises CommitMissing."""
        found = await self._read(commit) if commit in self._known else None
        for wanted in (ref, commit):
            if found is None:
                with suppress(CommitMissing):
                    await self._fetch(wanted)
                found = await self._read(commit)
        if found is None:
            raise CommitMissing(f"the repository has no commit {commit} (any more)")
        self._known = {**dict(list(self._known.items())[-_KNOWN_COMMITS:]), commit: None}
        return found

    async def _read(self, commit: str) -> Commit | None:
        """A commit that the mirror has; None when it hasn't got it."""
        await self._prepare()
        async with self._started("cat-file", "--batch") as git:
            git.stdin.write(f"{commit}^{{commit}}\n{commit}:{PIPELINE_FILE}\n".encode())
            await git.stdin.drain()
            body = await _next_object(git, 1 << 20)
            if body is None:
                return None
            subject, author = _subject_and_author(body)
            text, problem = _as_text(await _next_object(git, MAX_PIPELINE_BYTES))
            return Commit(subject, author, text, problem)

    async def _pipeline(self, tree: str) -> tuple[str | None, str]:
        async with self._started("cat-file", "--batch") as git:
            git.stdin.write(f"{tree}:{PIPELINE_FILE}\n".encode())
            await git.stdin.drain()
            return _as_text(await _next_object(git, MAX_PIPELINE_BYTES))

    async def _fetch(self, ref: str) -> None:
        """Fetch one ref or commit into ``refs/boatyard/…``. Raises CommitMissing, RepositoryUnavailable."""
        await self._prepare()
        options = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-gc", "--no-recurse-submodules")
        try:
            await self._run("fetch", *options, "--", self._url, f"+{ref}:{_kept(ref)}", seconds=self._fetch_seconds)
        except GitFailed as error:
            if _NO_SUCH_REF.search(error.told):
                raise CommitMissing(f"the repository has no {ref}") from error
            if _BROKEN.search(error.told):
                raise
            raise RepositoryUnavailable(error.told) from error
        except TimeoutError:
            raise RepositoryUnavailable(f"git fetch took longer than {self._fetch_seconds:.0f} s") from None
        self._fetches += 1
        if self._fetches % _FETCHES_PER_CLEANING == 0:
            await self._run("gc", "--auto", "--quiet", seconds=self._fetch_seconds, codes=(0, 1, 128))

    async def _prepare(self) -> None:
        if self._prepared:
            return
        self._git.prepare()
        if not (self._directory / "HEAD").exists():
            shutil.rmtree(self._directory, ignore_errors=True)
            part = self._directory.with_name(self._directory.name + ".part")
            shutil.rmtree(part, ignore_errors=True)
            part.parent.mkdir(parents=True, exist_ok=True)
            await self._git.run("init", "--quiet", "--bare", "--template=", "--", str(part), timeout_seconds=_LOCAL_SECONDS)
            part.replace(self._directory)
        # Whoever held these locks died with the last CI server; the claim has one user.
        for lock in self._directory.rglob("*.lock"):
            lock.unlink(missing_ok=True)
        self._prepared = True

    async def _repaired(self, work: Callable[[], Awaitable[Source]]) -> Source:
        """Do it; when the mirror itself turns out broken, make it anew and do it once more. Raises RepositoryUnavailable."""
        try:
            return await work()
        except _GIT_DIED as error:
            _LOG.warning("the mirror is made anew: %s", error)
            shutil.rmtree(self._directory, ignore_errors=True)
            self._prepared = False
            self._known.clear()
        except OSError as error:
            raise RepositoryUnavailable(f"the mirror can't be written: {error.strerror or error}") from error
        try:
            return await work()
        except (*_GIT_DIED, OSError) as error:
            raise RepositoryUnavailable(f"git: {error}") from error

    async def _run(
        self, *arguments: str, seconds: float = _LOCAL_SECONDS, max_bytes: int = 1 << 20, codes: tuple[int, ...] = (0,)
    ) -> bytes:
        where = ("--git-dir", str(self._directory))
        return await self._git.run(*where, *arguments, timeout_seconds=seconds, max_bytes=max_bytes, codes=codes)

    def _started(self, *arguments: str) -> Started:
        return self._git.started("--git-dir", str(self._directory), *arguments, timeout_seconds=_LOCAL_SECONDS)


def _kept(ref: str) -> str:
    """Where a ref is kept. Under its own name a branch ``a`` could not live beside a branch ``a/b`` that came after it."""
    return f"refs/boatyard/{hashlib.sha256(ref.encode()).hexdigest()[:40]}"


async def _next_object(git: Started, max_bytes: int) -> bytes | None:
    """The next answer of ``git cat-file --batch``: the object's bytes, at most ``max_bytes`` + 1; None when it is missing."""
    header = await git.stdout.readuntil(b"\n")
    fields = header.split()
    if len(fields) != 3 or not fields[2].isdigit():
        if header.rstrip().endswith((b"missing", b"ambiguous")):
            return None
        raise GitFailed(128, "cat-file: " + header.decode("utf-8", "replace").strip()[:200])
    if fields[1] not in (b"blob", b"commit"):
        return None
    size = int(fields[2])
    body = await git.stdout.readexactly(min(size, max_bytes + 1))
    if size <= max_bytes:
        await git.stdout.readexactly(1)
    return body


def _as_text(body: bytes | None) -> tuple[str | None, str]:
    if body is None:
        return None, ""
    if len(body) > MAX_PIPELINE_BYTES:
        return None, f"{PIPELINE_FILE} is larger than {MAX_PIPELINE_BYTES >> 20} MiB"
    try:
        return body.decode("utf-8-sig"), ""
    except UnicodeDecodeError as error:
        line = body[: error.start].count(b"\n") + 1
        return None, f"{PIPELINE_FILE} is not UTF-8 text (line {line})"


def _subject_and_author(commit: bytes) -> tuple[str, str]:
    header, _, message = commit[: 1 << 16].partition(b"\n\n")
    author = re.search(rb"^author (.*?) <", header, re.MULTILINE)
    subject = message.lstrip().split(b"\n", 1)[0]
    return _line(subject, 500), _line(author[1] if author else b"", 100)


def _line(value: bytes, limit: int) -> str:
    return "".join(c for c in value.decode("utf-8", "replace") if c.isprintable())[:limit]
