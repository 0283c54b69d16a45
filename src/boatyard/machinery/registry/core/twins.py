"""Fields that Kubernetes keeps twice: for clients from before there were several values, the first of them has a field of its own.

Rules of ``pkg/apis/core/v1/conversion.go``: where both are said and differ, the single one counts, and no other.
"""

from __future__ import annotations

from typing import Any

from boatyard.machinery.meta.objects import Object


def keep_in_step(holder: Object, single: str, several: str, member: str = "") -> None:
    """Make each of the two fields of ``holder`` say what the other does. ``member``: where it is in each of the several."""
    entries: list[Any] = holder.get(several) or []
    first = (entries[0].get(member) if member else entries[0]) if entries else None
    if one := holder.get(single):
        if first != one:
            holder[several] = [{member: one} if member else one]
    elif first:
        holder[single] = first
