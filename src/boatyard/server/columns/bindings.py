"""What a role binding shows."""

from __future__ import annotations

from typing import Any

from boatyard.machinery.meta.objects import Object
from boatyard.server.columns import definitions
from boatyard.server.durations import age

_WIDE = ("Users", "Groups", "ServiceAccounts")
BINDING_COLUMNS = definitions("Name", "Role", "Age", *_WIDE, wide=_WIDE)


def binding_cells(obj: Object, now: float) -> list[Any]:
    """The role and, wide, whom it is given to."""
    role = obj.get("roleRef") or {}
    subjects = obj.get("subjects") or []

    def named(kind: str) -> str:
        return ", ".join(s["name"] for s in subjects if s.get("kind") == kind)

    accounts = ", ".join(f"{s.get('namespace', '')}/{s['name']}" for s in subjects if s.get("kind") == "ServiceAccount")
    name = f"{role.get('kind', '')}/{role.get('name', '')}"
    return [obj["metadata"]["name"], name, age(obj, now), named("User"), named("Group"), accounts]
