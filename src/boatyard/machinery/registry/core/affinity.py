"""Rules for where a pod would be, or may not be: affinity to nodes and other pods, and spreading."""

from __future__ import annotations

from collections.abc import Iterator

from boatyard.machinery.meta import names
from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import duplicate, forbidden, invalid, invalid_each, required, unsupported
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry.core.label_selectors import validate_expression, validate_label_selector

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_UNSATISFIABLE = ("DoNotSchedule", "ScheduleAnyway")
_INCLUSIONS = ("Honor", "Ignore")
_EMPTY = "can not be empty"


def validate_affinity(affinity: Object, at: str) -> Iterator[FieldError]:
    """``spec.affinity``."""
    if nodes := affinity.get("nodeAffinity"):
        where = f"{at}.nodeAffinity"
        if (selector := nodes.get(REQUIRED)) is not None:
            yield from validate_node_selector(selector, f"{where}.{REQUIRED}")
        for index, term in enumerate(nodes.get(PREFERRED) or ()):
            yield from _weight(term, f"{where}.{PREFERRED}[{index}]")
            yield from _node_term(term.get("preference") or {}, f"{where}.{PREFERRED}[{index}].preference")
    for side in ("podAffinity", "podAntiAffinity"):
        pods, where = affinity.get(side) or {}, f"{at}.{side}"
        for index, term in enumerate(pods.get(REQUIRED) or ()):
            yield from _pod_term(term, f"{where}.{REQUIRED}[{index}]")
        for index, weighted in enumerate(pods.get(PREFERRED) or ()):
            yield from _weight(weighted, f"{where}.{PREFERRED}[{index}]")
            yield from _pod_term(weighted.get("podAffinityTerm") or {}, f"{where}.{PREFERRED}[{index}].podAffinityTerm")


def _weight(term: Object, at: str) -> Iterator[FieldError]:
    if not 1 <= (weight := term.get("weight", 0)) <= 100:
        yield invalid(f"{at}.weight", weight, "must be in the range 1-100")


def validate_node_selector(selector: Object, at: str) -> Iterator[FieldError]:
    """Nodes of which a pod, or a volume, must have one."""
    terms = selector.get("nodeSelectorTerms") or []
    if not terms:
        yield required(f"{at}.nodeSelectorTerms", "must have at least one node selector term")
    for index, term in enumerate(terms):
        yield from _node_term(term, f"{at}.nodeSelectorTerms[{index}]")


def _node_term(term: Object, at: str) -> Iterator[FieldError]:
    for index, expression in enumerate(term.get("matchExpressions") or ()):
        yield from validate_expression(expression, f"{at}.matchExpressions[{index}]", compares=True)
    for index, expression in enumerate(term.get("matchFields") or ()):
        yield from _node_field(expression, f"{at}.matchFields[{index}]")


def _node_field(expression: Object, at: str) -> Iterator[FieldError]:
    operator, values, key = expression.get("operator", ""), expression.get("values") or [], expression.get("key", "")
    if operator not in ("In", "NotIn"):
        yield invalid(f"{at}.operator", operator, "not a valid selector operator")
    elif len(values) != 1:
        yield required(f"{at}.values", "must be only one value when `operator` is 'In' or 'NotIn' for node field selector")
    if key != "metadata.name":
        yield invalid(f"{at}.key", key, "not a valid field selector key")
        return
    for index, value in enumerate(values):
        yield from invalid_each(f"{at}.values[{index}]", value, names.dns1123_subdomain(value))


def _pod_term(term: Object, at: str) -> Iterator[FieldError]:
    for field in ("labelSelector", "namespaceSelector"):
        yield from validate_label_selector(term.get(field) or {}, f"{at}.{field}")
    for name in term.get("namespaces") or ():
        # As Kubernetes has it: without telling which one.
        yield from invalid_each(f"{at}.namespace", name, names.dns1123_label(name))
    mismatched = term.get("mismatchLabelKeys") or []
    for field in ("matchLabelKeys", "mismatchLabelKeys"):
        yield from _label_keys(term.get(field) or [], term.get("labelSelector"), f"{at}.{field}")
    for index, key in enumerate(term.get("matchLabelKeys") or ()):
        if key in mismatched:
            yield invalid(f"{at}.matchLabelKeys[{index}]", key, "exists in both matchLabelKeys and mismatchLabelKeys")
    topology = term.get("topologyKey", "")
    if not topology:
        yield required(f"{at}.topologyKey", _EMPTY)
    yield from invalid_each(f"{at}.topologyKey", topology, names.qualified_name(topology))


def _label_keys(keys: list[str], selector: Object | None, at: str) -> Iterator[FieldError]:
    if keys and selector is None:
        yield forbidden(at, "must not be specified when labelSelector is not set")
        return
    for index, key in enumerate(keys):
        yield from invalid_each(f"{at}[{index}]", key, names.qualified_name(key))


def validate_spreading(constraints: list[Object], where: str) -> Iterator[FieldError]:
    """``spec.topologySpreadConstraints``."""
    kinds = [(one.get("topologyKey", ""), one.get("whenUnsatisfiable", "")) for one in constraints]
    for index, constraint in enumerate(constraints):
        at, (key, otherwise) = f"{where}[{index}]", kinds[index]
        if (skew := constraint.get("maxSkew", 0)) <= 0:
            yield invalid(f"{at}.maxSkew", skew, "must be greater than zero")
        if not key:
            yield required(f"{at}.topologyKey", _EMPTY)
        if otherwise not in _UNSATISFIABLE:
            yield unsupported(f"{at}.whenUnsatisfiable", otherwise, _UNSATISFIABLE)
        if kinds[index] in kinds[index + 1 :]:
            yield duplicate(f"{at}.{{topologyKey, whenUnsatisfiable}}", f"{{{key}, {otherwise}}}")
        yield from _domains(constraint.get("minDomains"), otherwise, f"{at}.minDomains")
        for field in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
            if (policy := constraint.get(field)) is not None and policy not in _INCLUSIONS:
                yield unsupported(f"{at}.{field}", policy, _INCLUSIONS)
        selector = constraint.get("labelSelector")
        yield from _label_keys(constraint.get("matchLabelKeys") or [], selector, f"{at}.matchLabelKeys")
        yield from validate_label_selector(selector or {}, f"{at}.labelSelector")


def _domains(least: int | None, otherwise: str, at: str) -> Iterator[FieldError]:
    if least is None:
        return
    if least <= 0:
        yield invalid(at, least, "must be greater than zero")
    if otherwise != "DoNotSchedule":
        told = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {otherwise}"
        yield invalid(at, least, told)
