"""Taking artifacts from builds' pods: the door that the gateway opens at ``/-/artifacts/``."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import AsyncIterator, Mapping
from urllib.parse import unquote

from boatyard.ci import object_keys
from boatyard.ci.steps.upload import upload_token
from boatyard.machinery.runtime.settings import Settings

PREFIX = "/-/artifacts/"
MAX_BYTES = 64 * 1024 * 1024
"""Of one file. It is held in memory until it is whole: the gateway bounds how many come at once."""
MAX_PATH_BYTES = 600
_PATH = re.compile(r"([a-z0-9][-a-z0-9]{0,62})/([a-z]([-a-z0-9]{0,39}))-([1-9][0-9]{0,8})/([1-9][0-9]{0,3})/(.+)", re.DOTALL)


async def receive_artifact(
    settings: Settings, method: str, path: str, headers: Mapping[str, str], body: AsyncIterator[bytes]
) -> tuple[int, str]:
    """Answer a request below :data:`PREFIX`: HTTP status and a line of text. ``headers`` have lower-case names, ``path`` is the raw
    path, still quoted.

    A PUT with the attempt's token stores the file. It is idempotent: a repeated one writes the same bytes under the same key.
    """
    if method != "PUT":
        return 405, "only PUT is possible here"
    match = _PATH.fullmatch(path.removeprefix(PREFIX))
    name = unquote(match[6], errors="replace") if match else ""
    if match is None or not _is_safe(name):
        return 404, "not the path of an artifact: <namespace>/<build>/<attempt>/<path>"
    namespace, ciconfig, number, attempt = match[1], match[2], int(match[4]), int(match[5])
    if not settings.secrets_key or not _allowed(settings, headers, namespace, ciconfig, number, attempt):
        return 401, "the token doesn't allow this"
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
        await settings.object_store.put(object_keys.artifact(namespace, ciconfig, number, attempt, name), bytes(data))
    except ValueError:
        return 404, "the path has parts that no object may have"
    except OSError as error:
        return 503, f"the object store doesn't take it now: {error.strerror or error}"
    return 201, "stored"


def _allowed(settings: Settings, headers: Mapping[str, str], namespace: str, ciconfig: str, number: int, attempt: int) -> bool:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    key = object_keys.uploads_key(settings.secrets_key, namespace, ciconfig)
    expected = upload_token(key, namespace, f"{ciconfig}-{number}", attempt)
    return scheme.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), expected.encode())


def _is_safe(path: str) -> bool:
    parts = path.split("/")
    return (
        0 < len(path.encode("utf-8", "replace")) <= MAX_PATH_BYTES
        and path.isprintable()
        and "\\" not in path
        and not any(part in ("", ".", "..") for part in parts)
    )
