"""Rules for paths below a directory that isn't their writer's."""

from __future__ import annotations

from collections.abc import Iterator

from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import invalid


def validate_local_path(value: str, where: str) -> Iterator[FieldError]:
    """A path that stays below the directory it is in."""
    if value.startswith("/"):
        yield invalid(where, value, "must be a relative path")
    if ".." in value.split("/"):
        yield invalid(where, value, "must not contain '..'")


def validate_file_path(value: str, where: str) -> Iterator[FieldError]:
    """A local path that isn't one of those which a node writes volumes with."""
    yield from validate_local_path(value, where)
    if value.startswith("..") and not value.startswith("../"):
        yield invalid(where, value, "must not start with '..'")
