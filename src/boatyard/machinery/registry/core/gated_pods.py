"""What of a pod that waits behind scheduling gates may change besides: where it may be scheduled to, made narrower.

As ``ValidatePodUpdate`` of Kubernetes' ``core/validation``, for ``nodeSelector`` and for affinity to nodes.
"""

from __future__ import annotations

from collections.abc import Iterator

from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import invalid
from boatyard.machinery.meta.objects import Object

_AFFINITY = "spec.affinity.nodeAffinity"
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def validate_narrowing(new: Object, old: Object) -> Iterator[FieldError]:
    """What in the new spec of a gated pod lets it be scheduled where the old one didn't."""
    after, before = new.get("nodeSelector"), old.get("nodeSelector") or {}
    if any((after or {}).get(key) != value for key, value in before.items()):
        yield invalid("spec.nodeSelector", after, "only additions to spec.nodeSelector are allowed (no mutations or deletions)")
    if not (terms := _terms(old)):
        return
    at, wanted = f"{_AFFINITY}.{_REQUIRED}.nodeSelectorTerms", _terms(new)
    if len(wanted) != len(terms):
        yield invalid(at, wanted or None, "no additions/deletions to non-empty NodeSelectorTerms list are allowed")
        return
    for index, (one, was) in enumerate(zip(wanted, terms, strict=True)):
        if not _adds(one, was):
            yield invalid(f"{at}[{index}]", one, "only additions are allowed (no mutations or deletions)")


def narrowed_back(spec: Object, before: Object) -> Object:
    """A spec with the selector and the affinity to nodes that it had before."""
    result = {key: value for key, value in spec.items() if key != "nodeSelector"}
    if "nodeSelector" in before:
        result["nodeSelector"] = before["nodeSelector"]
    affinity, nodes = spec.get("affinity") or {}, (before.get("affinity") or {}).get("nodeAffinity")
    if affinity.get("nodeAffinity") == nodes:
        return result
    affinity = {key: value for key, value in affinity.items() if key != "nodeAffinity"}
    if nodes is not None:
        affinity["nodeAffinity"] = nodes
    if affinity or "affinity" in before:
        result["affinity"] = affinity
    else:
        result.pop("affinity", None)
    return result


def _terms(spec: Object) -> list[Object]:
    nodes = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    return (nodes.get(_REQUIRED) or {}).get("nodeSelectorTerms") or []


def _adds(new: Object, old: Object) -> bool:
    """Whether a term asks for all that it asked for, first of all. One that asked for nothing matches nothing, and may not ask."""
    parts = [(new.get(part) or [], old.get(part) or []) for part in ("matchExpressions", "matchFields")]
    if not any(was for _, was in parts):
        return not any(wanted for wanted, _ in parts)
    return all(wanted[: len(was)] == was for wanted, was in parts)
