"""What ``kubectl get`` shows of Kubernetes' own kinds: a file per kind with ``RESOURCE``, ``COLUMNS`` and ``cells(obj, now)``.

Columns and wording follow kube-apiserver's ``pkg/printers/internalversion``.
"""

from __future__ import annotations

from typing import Any


def definitions(*names: str, wide: tuple[str, ...] = (), integers: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Column definitions; those in ``wide`` are shown with ``-o wide`` only. The column Name is marked as the name."""
    return [
        {
            "name": name, "type": "integer" if name in integers else "string", "format": "name" if name == "Name" else "",
            "description": "", "priority": 1 if name in wide else 0,
        }
        for name in (*names, *wide)
    ]  # fmt: skip
