"""The garbage collector's decision: what becomes of an object, given what became of its owners."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

from boatyard.machinery.client.client import Propagation
from boatyard.machinery.meta.objects import Object, deleting, finalizers

FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"
"""Finalizers of Kubernetes' API: the owner goes after what it owns; the owner leaves behind what it owns."""

OwnerState: TypeAlias = Literal["present", "absent", "waiting", "unknown"]
"""Of an owner, by uid: there; proven gone; there, but waiting for its dependents to go; of a type nobody serves."""


class Decision(NamedTuple):
    """What to do with the object."""

    delete: Propagation | None = None
    release: tuple[str, ...] = ()
    """Owner references (by uid) to take away."""


KEEP = Decision()


def owner_uids(obj: Object) -> tuple[str, ...]:
    """The uids of all owners."""
    references = obj["metadata"].get("ownerReferences")
    return tuple([reference["uid"] for reference in references if reference.get("uid")]) if references else ()


def decide(obj: Object, owners: Mapping[str, OwnerState], has_dependents: bool) -> Decision:
    """Follows ``attemptToDeleteItem`` of Kubernetes' garbage collector.

    An object goes when every owner is gone or waits for it to go; while one is there, references to the others are released.
    An owner of unknown kind counts as there: what can't be proven deletes nothing.
    """
    if deleting(obj) or not owners:
        return KEEP
    gone = tuple(uid for uid, state in owners.items() if state in ("absent", "waiting"))
    if not gone:
        return KEEP
    if len(gone) < len(owners):
        return Decision(release=gone)
    if "waiting" in owners.values() and has_dependents:
        return Decision(delete="Foreground")
    held = finalizers(obj)
    return Decision(delete="Orphan" if ORPHAN in held else "Foreground" if FOREGROUND in held else "Background")
