"""Which object store a URL names."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from boatyard.machinery.objects.directory import DirectoryObjects
from boatyard.machinery.objects.memory import MemoryObjects
from boatyard.machinery.objects.store import ObjectStore

REMOTE_SCHEMES = ("s3", "s3a", "gs", "az", "azure", "abfs", "abfss")


def open_objects(url: str) -> ObjectStore:
    """``file:///directory``, ``memory:``, or a bucket's URL. Raises ValueError for others."""
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path.startswith("/"):
        return DirectoryObjects(unquote(parts.path))
    if parts.scheme == "memory":
        return MemoryObjects()
    if parts.scheme in REMOTE_SCHEMES:
        # Imported on use: the library is large, and who reads a directory doesn't need it.
        from boatyard.machinery.objects.remote import RemoteObjects

        return RemoteObjects(url)
    raise ValueError(f"not an object store: {url!r} (file:///…, s3://…, gs://…, az://…)")
