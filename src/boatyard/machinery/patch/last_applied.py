"""``kubectl apply`` without ``--server-side`` remembers in an annotation what it applied; how server-side apply goes on from there.

As kube-apiserver's ``LastAppliedManager`` and ``LastAppliedUpdater``; only for the manager ``kubectl``.
"""

from __future__ import annotations

import msgspec

from boatyard.machinery.meta.objects import Object, annotations
from boatyard.machinery.patch.field_set import FieldSet
from boatyard.machinery.patch.typed import compare, field_set
from boatyard.machinery.schema.structural import Structural

KUBECTL = "kubectl"
CLIENT_SIDE = "kubectl-client-side-apply"
"""Who such an object's applied fields belong to, until ``kubectl apply --server-side`` takes them."""
ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
MAX_BYTES = 256 * 1024


def last_applied(obj: Object | None) -> Object | None:
    """What the annotation holds, or None when there is none that can be read."""
    text = annotations(obj).get(ANNOTATION) if obj is not None else None
    if not text:
        return None
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def owned_fields(schema: Structural, last: Object) -> FieldSet:
    """The fields that the client applied, and the annotation. Raises BadRequest as :func:`field_set`."""
    return field_set(schema, last) | FieldSet.of(("f:metadata", "f:annotations", f"f:{ANNOTATION}"))


def unchanged_fields(schema: Structural, last: Object, live: Object) -> FieldSet:
    """Of what the client applied, what is still so: the same person may change it now by other means, without a conflict."""
    changes = compare(schema, last, live)
    return field_set(schema, last) - changes.modified - changes.removed


def remember(obj: Object, applied: Object) -> None:
    """Keep the annotation of ``obj``, if it has one, true for those who go back to applying by the client."""
    kept = obj.get("metadata", {}).get("annotations") or {}
    if ANNOTATION not in kept:
        return
    text = msgspec.json.encode(applied, order="sorted").decode()
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    if len(text) < MAX_BYTES:
        kept[ANNOTATION] = text + "\n"
    else:
        del kept[ANNOTATION]
