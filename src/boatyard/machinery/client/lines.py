"""Newline-delimited JSON out of arbitrary chunks, as watches come."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import msgspec


async def decoded_lines(chunks: AsyncIterator[bytes]) -> AsyncGenerator[Any]:
    """Every complete line, decoded. A last line without its newline is dropped: the connection ended inside it."""
    decode = msgspec.json.Decoder().decode
    pending: list[bytes] = []
    async for chunk in chunks:
        head, newline, rest = chunk.rpartition(b"\n")
        if not newline:
            pending.append(chunk)
            continue
        complete = b"".join((*pending, head))
        pending = [rest] if rest else []
        for line in complete.split(b"\n"):
            if line:
                yield decode(line)
