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
ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
MAX_BYTES = 256 * 1024


def last_applied(obj: Object | None, api_version: str) -> Object | None:
    """What the annotation holds, or None when there is none of this version that can be read."""
    text = annotations(obj).get(ANNOTATION) if obj is not None else None
    if not text:
        return None
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) and found.get("apiVersion") == api_version else None


def unchanged_fields(schema: Structural, last: Object, live: Object) -> FieldSet:
    """Of what the client applied, what is still so: the same person may change it now by other means, without a conflict."""
    changes = compare(schema, last, live)
    return field_set(schema, last) - changes.modified - changes.removed


def remembered(obj: Object, applied: Object) -> Object:
    """``obj`` with its annotation, if it has one, kept true for those who go back to applying by the client."""
    kept = annotations(obj)
    if ANNOTATION not in kept:
        return obj
    text = msgspec.json.encode(applied, order="sorted").decode()
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    kept = {key: value for key, value in kept.items() if key != ANNOTATION}
    if len(text) < MAX_BYTES:
        kept[ANNOTATION] = text + "\n"
    return {**obj, "metadata": {**obj["metadata"], "annotations": kept}}
