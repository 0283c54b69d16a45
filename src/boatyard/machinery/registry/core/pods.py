"""Rules for pods that their type doesn't hold: what may be in a spec, and what of it may change."""

from __future__ import annotations

from collections.abc import Iterator

from boatyard.machinery.meta import names
from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import duplicate, forbidden, invalid, invalid_each, required, unsupported
from boatyard.machinery.meta.objects import Object, copied
from boatyard.machinery.registry.core.addresses import NO_ADDRESS, is_ip
from boatyard.machinery.registry.core.affinity import validate_affinity, validate_spreading
from boatyard.machinery.registry.core.containers import validate_containers
from boatyard.machinery.registry.core.gated_pods import narrowed_back, validate_narrowing
from boatyard.machinery.registry.core.label_selectors import validate_labels
from boatyard.machinery.registry.core.name_resolution import validate_name_resolution
from boatyard.machinery.registry.core.pod_resources import validate_pod_resources
from boatyard.machinery.registry.core.profile_annotations import validate_agreement
from boatyard.machinery.registry.core.resources import validate_amounts, validate_pod_claims
from boatyard.machinery.registry.core.security import validate_security
from boatyard.machinery.registry.core.volumes import validate_volumes

_MAX_INT32 = 2**31 - 1
RESTART_POLICIES = ("Always", "OnFailure", "Never")
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_MAY_CHANGE = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def validate_pod_spec(spec: Object, path: str = "spec") -> Iterator[FieldError]:
    """Everything wrong with a defaulted pod spec."""
    volumes: dict[str, Object] = {}
    yield from validate_volumes(spec.get("volumes") or [], f"{path}.volumes", volumes)
    if claims := spec.get("resourceClaims"):
        yield from validate_pod_claims(claims, f"{path}.resourceClaims")
    yield from validate_containers(spec, volumes, path)
    policy = spec.get("restartPolicy")
    if policy not in RESTART_POLICIES:
        yield unsupported(f"{path}.restartPolicy", policy, RESTART_POLICIES) if policy else required(f"{path}.restartPolicy")
    yield from validate_name_resolution(spec, path)
    if (deadline := spec.get("activeDeadlineSeconds")) is not None and not 1 <= deadline <= _MAX_INT32:
        yield invalid(f"{path}.activeDeadlineSeconds", deadline, f"must be between 1 and {_MAX_INT32}, inclusive")
    for field in ("serviceAccountName", "nodeName"):
        if value := spec.get(field):
            yield from invalid_each(f"{path}.{field}", value, names.dns1123_subdomain(value))
    for field in ("hostname", "subdomain"):
        if value := spec.get(field):
            yield from invalid_each(f"{path}.{field}", value, names.dns1123_label(value))
    yield from validate_labels(spec.get("nodeSelector"), f"{path}.nodeSelector")
    yield from _tolerations(spec.get("tolerations") or [], f"{path}.tolerations")
    yield from _gates(spec, path)
    if affinity := spec.get("affinity"):
        yield from validate_affinity(affinity, f"{path}.affinity")
    if constraints := spec.get("topologySpreadConstraints"):
        yield from validate_spreading(constraints, f"{path}.topologySpreadConstraints")
    for index, alias in enumerate(spec.get("hostAliases") or ()):
        at, address = f"{path}.hostAliases[{index}]", alias.get("ip", "")
        if not is_ip(address):
            yield invalid(f"{at}.ip", address, NO_ADDRESS)
        for place, host in enumerate(alias.get("hostnames") or ()):
            yield from invalid_each(f"{at}.hostnames[{place}]", host, names.dns1123_subdomain(host))
    yield from validate_security(spec, path)
    if spec.get("resources"):
        yield from validate_pod_resources(spec, path)
    if overhead := spec.get("overhead"):
        yield from validate_amounts(overhead, f"{path}.overhead.limits")


def _gates(spec: Object, path: str) -> Iterator[FieldError]:
    """What has to be taken away before a pod is given a node, and what has to be true before it is ready."""
    for index, gate in enumerate(spec.get("readinessGates") or ()):
        condition = gate.get("conditionType", "")
        yield from invalid_each(f"{path}.readinessGates[{index}].conditionType", condition, names.qualified_name(condition))
    seen: set[str] = set()
    for index, gate in enumerate(spec.get("schedulingGates") or ()):
        at, name = f"{path}.schedulingGates[{index}]", gate.get("name", "")
        yield from invalid_each(at, name, names.qualified_name(name))
        if name in seen:
            yield duplicate(at, name)
        seen.add(name)


def validate_new_pod(pod: Object) -> Iterator[FieldError]:
    """What a pod may have once it is there, but not begin with."""
    spec = pod.get("spec") or {}
    yield from validate_agreement(pod)
    if spec.get("ephemeralContainers"):
        yield forbidden("spec.ephemeralContainers", "cannot be set on create")
    if spec.get("nodeName") and spec.get("schedulingGates"):
        yield forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared")


def _tolerations(tolerations: list[Object], where: str) -> Iterator[FieldError]:
    for index, toleration in enumerate(tolerations):
        at, key, operator = f"{where}[{index}]", toleration.get("key"), toleration.get("operator") or "Equal"
        if key:
            yield from invalid_each(f"{at}.key", key, names.qualified_name(key))
        elif operator != "Exists":
            told = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
            yield invalid(f"{at}.operator", toleration.get("operator") or "", told)
        if operator == "Equal":
            if wrong := names.label_value(toleration.get("value") or ""):
                yield invalid(f"{at}.operator", toleration["value"], ";".join(wrong))
        elif operator == "Exists":
            if toleration.get("value"):
                yield invalid(f"{at}.operator", toleration["value"], "value must be empty when `operator` is 'Exists'")
        else:
            yield unsupported(f"{at}.operator", operator, ("Equal", "Exists"))
        effect = toleration.get("effect")
        if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
            yield invalid(f"{at}.effect", effect or "", "effect must be 'NoExecute' when `tolerationSeconds` is set")
        if effect and effect not in EFFECTS:
            yield unsupported(f"{at}.effect", effect, EFFECTS)


def validate_pod_update(new: Object, old: Object) -> Iterator[FieldError]:
    """What of a pod's spec may not change. Bindings and status don't pass here."""
    after, before = new.get("spec") or {}, old.get("spec") or {}
    if after == before:
        return
    for kind in ("containers", "initContainers"):
        if len(after.get(kind) or ()) != len(before.get(kind) or ()):
            yield forbidden(f"spec.{kind}", "pod updates may not add or remove containers")
            return
    deadline = after.get("activeDeadlineSeconds")
    if deadline is not None and not 0 <= deadline <= _MAX_INT32:
        yield invalid("spec.activeDeadlineSeconds", deadline, f"must be between 0 and {_MAX_INT32}, inclusive")
        return
    if deadline is not None and deadline > before.get("activeDeadlineSeconds", _MAX_INT32):
        yield invalid("spec.activeDeadlineSeconds", deadline, "must be less than or equal to previous value")
        return
    if deadline is None and "activeDeadlineSeconds" in before:
        yield invalid("spec.activeDeadlineSeconds", None, "must not update from a positive integer to nil value")
    yield from _added_tolerations(after.get("tolerations") or [], before.get("tolerations") or [])
    gates = [gate.get("name", "") for gate in before.get("schedulingGates") or ()]
    for name, index in {gate.get("name", ""): index for index, gate in enumerate(after.get("schedulingGates") or ())}.items():
        if name not in gates:
            told = f"only deletion is allowed, but found new scheduling gate '{name}'"
            yield forbidden(f"spec.schedulingGates[{index}].name", told)
    if gates:
        yield from validate_narrowing(after, before)
        after = narrowed_back(after, before)
    if _frozen(after, before) != _frozen(before, before):
        yield forbidden("spec", _MAY_CHANGE)


def _added_tolerations(new: list[Object], old: list[Object]) -> Iterator[FieldError]:
    def bare(toleration: Object) -> Object:
        return {key: value for key, value in toleration.items() if key != "tolerationSeconds"}

    kept = [bare(toleration) for toleration in new]
    if any(bare(toleration) not in kept for toleration in old):
        yield forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds")


def _frozen(spec: Object, before: Object) -> Object:
    """The part of a spec that may not change."""
    frozen = {key: value for key, value in spec.items() if key not in ("tolerations", "activeDeadlineSeconds", "schedulingGates")}
    for kind in ("containers", "initContainers"):
        if kind in frozen:
            frozen[kind] = [{key: value for key, value in container.items() if key != "image"} for container in frozen[kind]]
    if (before.get("terminationGracePeriodSeconds") or 0) < 0 and frozen.get("terminationGracePeriodSeconds") == 1:
        frozen["terminationGracePeriodSeconds"] = before["terminationGracePeriodSeconds"]
    return copied(frozen)
