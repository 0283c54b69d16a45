"""Why a volume can't be had."""

from __future__ import annotations


class VolumeError(Exception):
    """The volume is missing something that may come, or asks for what this node refuses; the message says what."""
