"""Access modes in short."""

from __future__ import annotations

_SHORT = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def short_modes(modes: list[str] | None) -> str:
    """``RWO,ROX``."""
    return ",".join(short for mode, short in _SHORT.items() if mode in (modes or ()))
