"""Taking artifacts from builds' pods: the door that the gateway opens at ``/-/artifacts/``."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import AsyncIterator, Mapping
from urllib.parse import unquote

from boatyard.ci import object_keys
from boatyard.ci.steps.upload import TOKEN_SECONDS, signed_until
from boatyard.machinery.runtime.settings import Settings
from boatyard.machinery.runtime.world import World

PREFIX = "/-/artifacts/"
MAX_BYTES = 64 * 1024 * 1024
"""Of one file. It is held in memory until it is whole: the gateway bounds how many come at once."""
MAX_ATTEMPT_BYTES = 640 * 1024 * 1024
MAX_ATTEMPT_FILES = 1100
"""Of one attempt of a build: some more than ``collect`` hands over."""
MAX_PATH_BYTES = 600
LEEWAY_SECONDS = 300
"""For clocks that differ."""
REMEMBERED = 256
"""Attempts whose files are counted without asking the object store again."""
_PATH = re.compile(r"([a-z0-9][-a-z0-9]{0,62})/([a-z]([-a-z0-9]{0,39}))-([1-9][0-9]{0,8})/([1-9][0-9]{0,3})/(.+)", re.DOTALL)


class Artifacts:
    """Takes files into the object store."""

    def __init__(self, settings: Settings, world: World) -> None:
        self._settings, self._world = settings, world
        self._kept: dict[str, dict[str, int]] = {}
        """Where an attempt's files lie -> key -> bytes, of those that came lately."""

    async def receive(
        self, method: str, path: str, headers: Mapping[str, str], body: AsyncIterator[bytes]
    ) -> tuple[int, str]:  # fmt: skip
        """Answer a request below :data:`PREFIX`: HTTP status and a line of text. ``headers`` have lower-case names, ``path`` is the
        raw path, still quoted.

        A PUT with the attempt's token stores the file. It is idempotent: a repeated one writes the same bytes under the same key.
        """
        if method != "PUT":
            return 405, "only PUT is possible here"
        match = _PATH.fullmatch(path.removeprefix(PREFIX))
        name = unquote(match[6], errors="replace") if match else ""
        if match is None or not _is_safe(name):
            return 404, "not the path of an artifact: <namespace>/<build>/<attempt>/<path>"
        place = match[1], match[2], int(match[4]), int(match[5])
        if refused := self._refused(headers.get("authorization", ""), *place):
            return 401, refused
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > MAX_BYTES:
            return 413, f"a file may have {MAX_BYTES} bytes"
        digest, data = hashlib.sha256(), bytearray()
        async for block in body:
            data += block
            if len(data) > MAX_BYTES:
                return 413, f"a file may have {MAX_BYTES} bytes"
            digest.update(block)
        if length.isdigit() and len(data) != int(length):
            return 400, f"{len(data)} bytes came, {length} were announced"
        announced = headers.get("x-boatyard-sha256", "")
        if announced and not hmac.compare_digest(announced.lower(), digest.hexdigest()):
            return 400, "what came is not what was sent: the SHA-256 differs"
        try:
            return await self._store(object_keys.artifact(*place, ""), name, bytes(data))
        except ValueError:
            return 404, "the path has parts that no object may have"
        except OSError as error:
            return 503, f"the object store doesn't take it now: {error.strerror or error}"

    async def _store(self, below: str, name: str, data: bytes) -> tuple[int, str]:
        """Raises OSError; ValueError for a key that can't be."""
        kept = self._kept.get(below)
        if kept is None:
            found = {info.key: info.size_bytes async for info in self._settings.object_store.list(below)}
            while len(self._kept) >= REMEMBERED:
                self._kept.pop(next(iter(self._kept)))
            kept = self._kept.setdefault(below, found)
        key = below + name
        before = kept.get(key)
        too_many = before is None and len(kept) >= MAX_ATTEMPT_FILES
        if too_many or sum(kept.values()) - (before or 0) + len(data) > MAX_ATTEMPT_BYTES:
            return 413, f"an attempt may keep {MAX_ATTEMPT_BYTES} bytes in {MAX_ATTEMPT_FILES} files"
        # Counted before it is there: others come meanwhile.
        kept[key] = max(len(data), before or 0)
        try:
            await self._settings.object_store.put(key, data)
        except BaseException:
            # What is there now is asked for again.
            self._kept.pop(below, None)
            raise
        kept[key] = len(data)
        return 201, "stored"

    def _refused(self, authorization: str, namespace: str, ciconfig: str, number: int, attempt: int) -> str:
        """Why the token isn't good for this attempt; empty when it is."""
        scheme, _, token = authorization.partition(" ")
        until = token.strip().partition(".")[0]
        if not self._settings.secrets_key or scheme.lower() != "bearer" or not re.fullmatch("[0-9]{1,12}", until, re.ASCII):
            return "the token doesn't allow this"
        key = object_keys.uploads_key(self._settings.secrets_key, namespace, ciconfig)
        expected = signed_until(key, namespace, f"{ciconfig}-{number}", attempt, int(until))
        if not hmac.compare_digest(token.strip().encode(), expected.encode()):
            return "the token doesn't allow this"
        now = self._world.now()
        if int(until) > now + TOKEN_SECONDS + LEEWAY_SECONDS:
            return "the token is good for longer than any may be"
        return "the token has expired" if int(until) < now - LEEWAY_SECONDS else ""


def _is_safe(path: str) -> bool:
    parts = path.split("/")
    return (
        0 < len(path.encode("utf-8", "replace")) <= MAX_PATH_BYTES
        and path.isprintable()
        and "\\" not in path
        and not any(part in ("", ".", "..") for part in parts)
    )
