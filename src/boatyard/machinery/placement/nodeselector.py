"""Node selectors and taints: what a pod or a volume says of the nodes it accepts, and a node of the pods."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.selectors import Requirement


def matches_node_selector(selector: Object, node_name: str, node_labels: dict[str, str]) -> bool:
    """Whether any of ``nodeSelectorTerms`` holds. No terms match nothing."""
    return any(matches_term(term, node_name, node_labels) for term in selector.get("nodeSelectorTerms") or ())


def matches_term(term: Object, node_name: str, node_labels: dict[str, str]) -> bool:
    """Whether all expressions and fields of a term hold. An empty term matches nothing."""
    expressions, fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    if not expressions and not fields:
        return False
    return _all_hold(expressions, node_labels) and _all_hold(fields, {"metadata.name": node_name})


def _all_hold(expressions: Sequence[Object], values: dict[str, str]) -> bool:
    return all(
        Requirement(e.get("key", ""), e.get("operator", ""), tuple(e.get("values") or ())).matches(values) for e in expressions
    )


def untolerated(taints: Iterable[Object], tolerations: Sequence[Object], effects: Sequence[str]) -> Object | None:
    """The first taint with one of ``effects`` that no toleration covers."""
    for taint in taints:
        if taint.get("effect") in effects and not any(tolerates(t, taint) for t in tolerations):
            return taint
    return None


def tolerates(toleration: Object, taint: Object) -> bool:
    """Kubernetes' rule: an empty effect covers every effect; Exists without a key covers every taint."""
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("key") and toleration["key"] != taint.get("key"):
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return True
    return bool(toleration.get("key")) and (toleration.get("value") or "") == (taint.get("value") or "")
