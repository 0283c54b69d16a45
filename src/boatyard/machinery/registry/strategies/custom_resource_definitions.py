"""CustomResourceDefinitions: well formed, and honest about what this server evaluates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boatyard.machinery.meta import names
from boatyard.machinery.meta.conditions import set_condition
from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry import definitions
from boatyard.machinery.registry.strategy import Strategy
from boatyard.machinery.schema.validation import IMMUTABLE

if TYPE_CHECKING:
    from boatyard.machinery.registry.caller import Caller
    from boatyard.machinery.registry.ledger import Ledger


class CustomResourceDefinitions(Strategy):
    """Names are accepted in the very write that makes a definition; its objects are deleted before it goes."""

    def prepare_create(self, ledger: Ledger, caller: Caller, obj: Object) -> None:
        obj.pop("status", None)
        self._settle(ledger, obj)
        finalizers = obj["metadata"].setdefault("finalizers", [])
        if definitions.CLEANUP not in finalizers:
            finalizers.append(definitions.CLEANUP)

    def prepare_update(self, ledger: Ledger, caller: Caller, obj: Object, old: Object, subresource: str) -> None:
        if not subresource:
            self._settle(ledger, obj)

    def validate_create(self, obj: Object) -> list[FieldError]:
        return validate(obj)

    def validate_update(self, obj: Object, old: Object, subresource: str) -> list[FieldError]:
        if subresource:
            return []
        wrong = validate(obj)
        for path in ("group", "scope", "names.plural", "names.kind"):
            found, before = _at(obj["spec"], path), _at(old["spec"], path)
            if found != before:
                wrong.append(FieldError(f"spec.{path}", "FieldValueInvalid", f'Invalid value: "{found}": field is immutable'))
        return wrong

    def prepare_delete(self, ledger: Ledger, obj: Object) -> None:
        status = obj.setdefault("status", {})
        told = "CustomResource deletion is in progress"
        status["conditions"] = set_condition(
            status.get("conditions"), "Terminating", True, "InstanceDeletionInProgress", told, ledger.world.now()
        )

    def _settle(self, ledger: Ledger, obj: Object) -> None:
        spec = obj.get("spec")
        if not isinstance(spec, dict) or _names_wrong(spec) or _versions_wrong(spec):
            return
        called = spec["names"]
        called.setdefault("singular", called["kind"].lower())
        called.setdefault("listKind", called["kind"] + "List")
        spec.setdefault("conversion", {"strategy": "None"})
        definitions.accept_names(ledger, obj)


def validate(obj: Object) -> list[FieldError]:
    """What is wrong with a definition beyond its own schema."""
    spec = obj.get("spec")
    if not isinstance(spec, dict):
        return [FieldError("spec", "FieldValueRequired", "Required value")]
    wrong = _names_wrong(spec)
    if not wrong:
        expected = f"{spec['names']['plural']}.{spec['group']}"
        if obj["metadata"].get("name") != expected:
            found = obj["metadata"].get("name")
            told = f'Invalid value: "{found}": must be spec.names.plural+"."+spec.group'
            wrong.append(FieldError("metadata.name", "FieldValueInvalid", told))
    if spec.get("scope") not in ("Namespaced", "Cluster"):
        told = f'Unsupported value: "{spec.get("scope") or ""}": supported values: "Cluster", "Namespaced"'
        wrong.append(FieldError("spec.scope", "FieldValueNotSupported", told))
    if ((spec.get("conversion") or {}).get("strategy") or "None") != "None":
        told = 'Unsupported value: "Webhook": supported values: "None"'
        wrong.append(FieldError("spec.conversion.strategy", "FieldValueNotSupported", told))
    return wrong + _versions_wrong(spec)


def _names_wrong(spec: Object) -> list[FieldError]:
    wrong: list[FieldError] = []
    group = spec.get("group")
    if not group or not isinstance(group, str):
        wrong.append(FieldError("spec.group", "FieldValueRequired", "Required value"))
    else:
        wrong += [
            FieldError("spec.group", "FieldValueInvalid", f'Invalid value: "{group}": {t}') for t in names.dns1123_subdomain(group)
        ]
        if "." not in group:
            told = f'Invalid value: "{group}": should be a domain with at least one dot'
            wrong.append(FieldError("spec.group", "FieldValueInvalid", told))
    called = spec.get("names")
    called = called if isinstance(called, dict) else {}
    for field in ("plural", "kind"):
        value = called.get(field)
        if not value or not isinstance(value, str):
            wrong.append(FieldError(f"spec.names.{field}", "FieldValueRequired", "Required value"))
        else:
            wrong += [
                FieldError(f"spec.names.{field}", "FieldValueInvalid", f'Invalid value: "{value}": {told}')
                for told in names.dns1035_label(value.lower())
            ]
    return wrong


def _versions_wrong(spec: Object) -> list[FieldError]:
    versions = spec.get("versions")
    if not isinstance(versions, list) or not versions or not all(isinstance(v, dict) and v.get("name") for v in versions):
        return [FieldError("spec.versions", "FieldValueRequired", "Required value: must have at least one version with a name")]
    wrong: list[FieldError] = []
    if sum(bool(version.get("storage")) for version in versions) != 1:
        told = "Invalid value: must have exactly one version marked as storage version"
        wrong.append(FieldError("spec.versions", "FieldValueInvalid", told))
    for index, version in enumerate(versions):
        path = f"spec.versions[{index}].schema.openAPIV3Schema"
        schema = (version.get("schema") or {}).get("openAPIV3Schema")
        if not isinstance(schema, dict):
            wrong.append(FieldError(path, "FieldValueRequired", "Required value: schemas are required"))
        else:
            if schema.get("type") != "object":
                told = f'Invalid value: "{schema.get("type", "")}": must be object at the root'
                wrong.append(FieldError(f"{path}.type", "FieldValueInvalid", told))
            wrong += _rules_wrong(schema, path)
    return wrong


def _rules_wrong(schema: Any, path: str) -> list[FieldError]:
    """Every validation rule that this server can't evaluate: better refused now than ignored later."""
    if isinstance(schema, list):
        return [error for index, part in enumerate(schema) for error in _rules_wrong(part, f"{path}[{index}]")]
    if not isinstance(schema, dict):
        return []
    wrong: list[FieldError] = []
    for index, rule in enumerate(schema.get("x-kubernetes-validations") or ()):
        if not isinstance(rule, dict) or rule.get("rule") != IMMUTABLE:
            shown = rule.get("rule") if isinstance(rule, dict) else rule
            told = f'Unsupported value: "{shown}": supported values: "{IMMUTABLE}"'
            wrong.append(FieldError(f"{path}.x-kubernetes-validations[{index}].rule", "FieldValueNotSupported", told))
    for field in ("properties", "items", "additionalProperties", "allOf", "anyOf", "oneOf", "not"):
        below = schema.get(field)
        if field == "properties" and isinstance(below, dict):
            for name, part in below.items():
                wrong += _rules_wrong(part, f"{path}.properties[{name}]")
        else:
            wrong += _rules_wrong(below, f"{path}.{field}")
    return wrong


def _at(value: Any, path: str) -> Any:
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value
