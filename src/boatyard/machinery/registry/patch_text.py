"""A patch as Kubernetes writes it into the error about it: as Go prints a map, in quotes."""

from __future__ import annotations

from typing import Any

import msgspec


def quoted(difference: Any) -> str:
    """``"map[metadata:map[labels:<nil>] spec:map[ports:[80 443]]]"``."""
    return msgspec.json.encode(_text(difference)).decode()


def _text(value: Any) -> str:
    """The same without quotes."""
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{_text(value[key])}' for key in sorted(value))}]"
    if isinstance(value, list):
        return f"[{' '.join(_text(item) for item in value)}]"
    if value is None:
        return "<nil>"
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
