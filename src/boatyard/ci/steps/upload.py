"""Handing files over to the gateway: HTTPS PUT with the attempt's token, again with back-off while the gateway is away."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import os
import ssl
import time
from typing import IO
from urllib.parse import quote, urlsplit

WAITS_SECONDS = (0.5, 1, 2, 4, 8, 15, 30)
TIMEOUT_SECONDS = 60.0
TOKEN_SECONDS = 1800
"""How long a token counts: longer than a pod tries to hand its files over."""
_BLOCK = 256 * 1024


class NotTaken(Exception):
    """The gateway doesn't take this file; the message says why. Trying again changes nothing."""


class Uploader:
    """One attempt's way to the gateway. ``deadline`` is when it gives up, in seconds of the monotonic clock."""

    def __init__(self, url: str, token: str, ca_pem: str, deadline: float) -> None:
        parts = urlsplit(url)
        self._secure, self._host, self._base = parts.scheme == "https", parts.netloc, parts.path.rstrip("/")
        self._token, self._deadline = token, deadline
        self._context = ssl.create_default_context(cadata=ca_pem or None) if self._secure else None

    def put(self, path: str, file: IO[bytes], size: int) -> str:
        """Hand over ``size`` bytes under ``path``; their SHA-256. Raises NotTaken, OSError when the gateway stays away."""
        digest = hashlib.sha256()
        left = size
        while left > 0 and (block := file.read(min(_BLOCK, left))):
            digest.update(block)
            left -= len(block)
        if left:
            raise NotTaken("it became shorter while it was read")
        waits = list(WAITS_SECONDS)
        while True:
            file.seek(0)
            try:
                status, told = self._send(path, file, size, digest.hexdigest())
            except (OSError, http.client.HTTPException) as error:
                status, told = 0, str(error) or type(error).__name__
            if 200 <= status < 300:
                return digest.hexdigest()
            if 400 <= status < 500 and status not in (408, 425, 429):
                raise NotTaken(f"the gateway answers {status}: {told}")
            if not waits or time.monotonic() + waits[0] >= self._deadline:
                raise OSError(f"the gateway can't be reached: {status or ''} {told}".replace("  ", " "))
            time.sleep(waits.pop(0))

    def _send(self, path: str, file: IO[bytes], size: int, digest: str) -> tuple[int, str]:
        if self._context is not None:
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                self._host, timeout=TIMEOUT_SECONDS, context=self._context
            )
        else:
            connection = http.client.HTTPConnection(self._host, timeout=TIMEOUT_SECONDS)
        try:
            connection.putrequest("PUT", f"{self._base}/{quote(path)}")
            for name, value in (("Authorization", f"Bearer {self._token}"), ("Content-Length", str(size)),
                                ("Content-Type", "application/octet-stream"), ("X-Boatyard-SHA256", digest)):  # fmt: skip
                connection.putheader(name, value)
            connection.endheaders()
            left = size
            try:
                while left > 0 and (block := file.read(min(_BLOCK, left))):
                    connection.send(block)
                    left -= len(block)
            except (BrokenPipeError, ConnectionResetError):
                pass  # a gateway that refuses needn't read to the end: its answer says why
            answer = connection.getresponse()
            return answer.status, answer.read(500).decode("utf-8", "replace").strip()
        finally:
            connection.close()


def upload_token(key: bytes, namespace: str, build: str, attempt: int, now: float) -> str:
    """What allows uploads for one attempt for a while: until when, and an HMAC of all that under the CiConfig's key."""
    return signed_until(key, namespace, build, attempt, int(now) + TOKEN_SECONDS)


def signed_until(key: bytes, namespace: str, build: str, attempt: int, until: int) -> str:
    """The token that counts until then (seconds since the epoch). The gateway computes the same."""
    signed = f"artifacts\n{namespace}\n{build}\n{attempt}\n{until}"
    return f"{until}.{hmac.new(key, signed.encode(), hashlib.sha256).hexdigest()}"


def read_key(directory: str) -> bytes:
    """The mounted key. Raises OSError."""
    with open(os.path.join(directory, "uploads"), "rb") as file:
        return file.read()
