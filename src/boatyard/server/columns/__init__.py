"""What ``kubectl get`` shows of Kubernetes' own kinds: a file per kind with ``RESOURCE``, ``COLUMNS`` and ``cells(obj, now)``.

Columns and wording follow kube-apiserver's ``pkg/printers/internalversion``. ``now`` is in seconds since the epoch.
"""

from __future__ import annotations

from typing import Any

NONE = "<none>"
UNSET = "<unset>"
UNKNOWN = "<unknown>"


def definitions(*names: str, wide: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Column definitions; those in ``wide`` are shown with ``-o wide`` only. The column Name is marked as the name."""
    return [
        {
            "name": name, "type": "date" if name == "Created At" else "string", "format": "name" if name == "Name" else "",
            "description": "", "priority": 1 if name in wide else 0,
        }
        for name in names
    ]  # fmt: skip


def pairs(labels: dict[str, str] | None) -> str:
    """``a=b,c=d`` in order of the keys, or ``<none>``."""
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or NONE


def some(names: list[str], most: int = 3) -> str:
    """``a,b,c + 2 more...``, or empty."""
    told = ",".join(names[:most])
    return f"{told} + {len(names) - most} more..." if len(names) > most else told
