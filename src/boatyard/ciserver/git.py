"""Running git on a repository that others fill, in bounded time and with bounded output.

What protects from the repository is in :mod:`boatyard.ci.steps.git_settings`.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from boatyard.ci.steps import git_settings

_KEPT_OUTPUT_BYTES = 8192
_SETTINGS = {"fetch.writeCommitGraph": "false"}


class GitFailed(Exception):
    """git ended with an error. ``told`` is the end of what it said, without credentials."""

    def __init__(self, code: int, told: str) -> None:
        self.code, self.told = code, told
        super().__init__(told or f"git ended with {code}")


@dataclass(frozen=True, slots=True)
class Credential:
    """A name and a password or token for the repository."""

    username: str = ""
    password: str = field(default="", repr=False)


@dataclass(slots=True)
class Git:
    """git with settings of its own, kept in ``home``."""

    home: Path
    credential: Credential = Credential()
    host: str = ""
    """The only one that is shown the credential, with its port if it has one: a repository may redirect to others."""
    extra: Mapping[str, str] = field(default_factory=dict)

    def prepare(self) -> None:
        """Write the settings; cheap and harmless to repeat."""
        self.home.mkdir(parents=True, exist_ok=True)
        _write(self.home / "config", git_settings.config(git_settings.SETTINGS | _SETTINGS), 0o600)
        _write(self.home / "askpass", git_settings.ASKPASS, 0o700)

    def environment(self) -> dict[str, str]:
        """The environment every git runs in."""
        common = git_settings.environment(str(self.home), self.host, self.credential.username, self.credential.password)
        return {**common, "GIT_OPTIONAL_LOCKS": "0", **self.extra}

    async def run(self, *arguments: str, timeout_seconds: float, max_bytes: int = 1 << 20, codes: tuple[int, ...] = (0,)) -> bytes:
        """Standard output of ``git ARGUMENTS``, cut at ``max_bytes``. Raises GitFailed (code not in ``codes``), TimeoutError."""
        async with self.started(*arguments, timeout_seconds=timeout_seconds) as process:
            output = await _head(process.stdout, max_bytes)
            await process.finish(codes)
            return output

    def started(self, *arguments: str, timeout_seconds: float) -> Started:
        """A running git, as a context whose end is its end."""
        return Started(("git", *arguments), self.environment(), timeout_seconds, self.credential.password)


class Started:
    """One git process in a session of its own; leaving the context kills whatever is left of it."""

    def __init__(self, command: tuple[str, ...], environment: dict[str, str], timeout_seconds: float, secret: str) -> None:
        self._command, self._environment, self._secret = command, environment, secret
        self._timeout = asyncio.timeout(timeout_seconds)
        self._process: asyncio.subprocess.Process
        self._told: asyncio.Task[bytes]

    @property
    def stdin(self) -> asyncio.StreamWriter:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def stdout(self) -> asyncio.StreamReader:
        assert self._process.stdout is not None
        return self._process.stdout

    async def __aenter__(self) -> Started:
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            *self._command, stdin=pipe, stdout=pipe, stderr=pipe, env=self._environment, start_new_session=True, limit=1 << 16
        )
        assert self._process.stderr is not None
        self._told = asyncio.ensure_future(_tail(self._process.stderr, _KEPT_OUTPUT_BYTES))
        await self._timeout.__aenter__()
        return self

    async def finish(self, codes: tuple[int, ...] = (0,)) -> int:
        """Wait for its end. Raises GitFailed."""
        self.stdin.close()
        await _drain(self.stdout)
        told = await self._told
        code = await self._process.wait()
        if code not in codes:
            raise GitFailed(code, self._clean(told))
        return code

    async def __aexit__(self, *error: object) -> bool | None:
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._told.cancel()
        self.stdin.close()
        await asyncio.shield(self._process.wait())
        return await self._timeout.__aexit__(*error)  # type: ignore[arg-type]

    def _clean(self, told: bytes) -> str:
        text = told.decode("utf-8", "replace")
        if self._secret:
            text = text.replace(self._secret, "***")
        text = re.sub(r"(://)[^/@\s]+@", r"\1", text)
        lines = [line for line in text.splitlines() if line.strip() and not line.startswith("hint:")]
        return "\n".join(lines[-6:])[:1000]


def _write(path: Path, text: str, mode: int) -> None:
    if path.exists() and path.read_text() == text:
        return
    part = path.with_name(path.name + ".part")
    part.write_text(text)
    part.chmod(mode)
    part.replace(path)


async def _tail(stream: asyncio.StreamReader, kept_bytes: int) -> bytes:
    tail = b""
    while chunk := await stream.read(65536):
        tail = (tail + chunk)[-kept_bytes:]
    return tail


async def _head(stream: asyncio.StreamReader, max_bytes: int) -> bytes:
    parts, size = [], 0
    while size < max_bytes and (chunk := await stream.read(min(65536, max_bytes - size))):
        parts.append(chunk)
        size += len(chunk)
    return b"".join(parts)


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.read(65536):
        pass
