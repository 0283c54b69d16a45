"""Which keys an object store takes."""

from __future__ import annotations


def checked(key: str) -> str:
    """The key itself. Raises ValueError for one that could leave its store or not be found again."""
    parts = key.split("/")
    if not key or len(key.encode()) > 900 or any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"not an object key: {key[:100]!r}")
    if any(ord(character) < 32 or ord(character) == 127 for character in key) or any(len(p.encode()) > 200 for p in parts):
        raise ValueError(f"not an object key: {key[:100]!r}")
    return key
