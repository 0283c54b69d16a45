"""Random applies of two managers."""

from __future__ import annotations

from typing import Any

from .call import APPLY, Call, changed
from .documents import Draw, changes, spoiled
from .draw import of, writing
from .kinds import Fuzzed


def apply(draw: Draw, kind: Fuzzed, name: str, own: dict[str, Any] | None = None, subresource: str = "") -> Call:
    """Server-side apply by one of two managers."""
    base = {"apiVersion": kind.base["apiVersion"], "kind": kind.base["kind"], "metadata": {"name": name}}
    how = draw.randint(0, 19)
    if own is not None:
        document = base | own
    elif how < 10:
        document = kind.document(name) | {}
        document = _laid(document, changes(draw, kind, 2))
    else:
        document = _laid(base, changes(draw, kind, 2))
    if how >= 18:
        document = _laid(document, [spoiled(draw, kind, document)])
    meta = document.get("metadata")
    if isinstance(meta, dict) and len(document) == 3 and len(meta) == 1 and how < 18:
        meta["labels"] = {"app": "applied"}
    if isinstance(meta, dict):
        for field in ("generation", "creationTimestamp", "selfLink", "deletionGracePeriodSeconds"):
            meta.pop(field, None)
    query = [("fieldManager", of(draw, ("m1", "m2"))), *(q for q in writing(draw) if q[0] != "fieldManager")]
    force = of(draw, ("", "true", "false", "true"))
    if force:
        query.append(("force", force))
    if how == 17:
        query = query[1:]
    return Call("apply", "PATCH", f"{kind.path}/{name}{subresource}", tuple(query), document, APPLY)


def _laid(document: dict[str, Any], found: Any) -> dict[str, Any]:
    return changed(document, tuple(found))
