"""Last words: what a program of a build's pod leaves in its termination message. Standard library only, quick to import."""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_BYTES = 4096
"""Kubernetes keeps no more of a container's message, and 12 KiB of a pod's."""


def leave(document: dict[str, Any], limit: int = MAX_BYTES) -> None:
    """Write the document as compact JSON. One too long loses ends of its longest lists, then of its message."""
    text = shortened(document, limit)
    path = os.environ.get("BOATYARD_TERMINATION", "/dev/termination-log")
    try:
        # The file is a mount: it can be written, not replaced.
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        print(f"can't leave word in {path}: {error}", flush=True)


def shortened(document: dict[str, Any], limit: int) -> str:
    """The document as JSON of at most ``limit`` bytes (if its short fields fit in there)."""
    document = dict(document)
    while True:
        text = json.dumps(document, separators=(",", ":"))
        if len(text) <= limit:
            return text
        lists = sorted(
            ((len(json.dumps(value)), key) for key, value in document.items() if isinstance(value, list) and value), reverse=True
        )
        if lists:
            key = lists[0][1]
            document[key] = document[key][: len(document[key]) // 2]
            document["cut"] = True
        elif len(document.get("message", "")) > 40:
            keep = max(40, len(document["message"]) // 2)
            document["message"] = document["message"][: keep - 1] + "…"
        else:
            return text[:limit]
