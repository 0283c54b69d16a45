"""The pod template of a build: read from a repository, parted into containers with steps and side services. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from boatyard.ci.builders import shell
from boatyard.ci.builders.builder import CONTAINER, Builder
from boatyard.ci.ciconfig_fields import CiConfigSpec
from boatyard.ci.pipeline_fields import Step, StepEnv
from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.names import dns1123_label
from boatyard.machinery.meta.objects import Object

MAX_CONTAINERS = 10
"""In which steps run: they share the 12 KiB that a pod has for termination messages."""


def standard_template(standard: Builder | None) -> Object:
    """A pod with one container: the standard build's, or one with the machine's own tools."""
    return {"spec": {"containers": [{"name": CONTAINER, "image": standard.image if standard else shell.IMAGE}]}}


def template_errors(template: Object) -> list[FieldError]:
    """What would keep the functions below from reading the template; the API server checks the rest."""
    errors: list[FieldError] = []
    spec = template.get("spec")
    if not isinstance(spec, dict):
        return errors
    seen: list[str] = []
    for group in ("containers", "initContainers"):
        path = f"spec.podTemplate.spec.{group}"
        listed = spec.get(group, [])
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            errors.append(FieldError(path, "FieldValueTypeInvalid", "must be a list of containers"))
            continue
        if group == "containers" and not listed:
            errors.append(FieldError(path, "FieldValueRequired", "Required value"))
        for index, container in enumerate(listed):
            own = container.get("name")
            told = dns1123_label(own) if isinstance(own, str) else ["must be a string"]
            errors += [FieldError(f"{path}[{index}].name", "FieldValueInvalid", one) for one in told]
            if own in seen:
                errors.append(FieldError(f"{path}[{index}].name", "FieldValueDuplicate", f'Duplicate value: "{own}"'))
            seen.append(str(own))
            if not container.get("image"):
                errors.append(FieldError(f"{path}[{index}].image", "FieldValueRequired", "Required value"))
            for field_name in ("env", "volumeMounts"):
                value = container.get(field_name)
                if value is not None and (not isinstance(value, list) or not all(isinstance(one, dict) for one in value)):
                    errors.append(FieldError(f"{path}[{index}].{field_name}", "FieldValueTypeInvalid", "must be a list of objects"))
    volumes = spec.get("volumes")
    if volumes is not None and (not isinstance(volumes, list) or not all(isinstance(one, dict) for one in volumes)):
        errors.append(FieldError("spec.podTemplate.spec.volumes", "FieldValueTypeInvalid", "must be a list of volumes"))
    return errors


def part_by_steps(template: Object, steps: Iterable[Step], from_repository: bool) -> list[FieldError]:
    """Containers without steps become native sidecars, in place. Returns what is wrong with those that have steps."""
    spec = template["spec"]
    used = list(dict.fromkeys(step.container for step in steps))
    known = [container["name"] for container in spec["containers"]]
    errors = [
        FieldError("spec.steps", "FieldValueInvalid", f"there is no container {one!r}; there are {', '.join(known)}")
        for one in used
        if one not in known
    ]
    if len(used) > MAX_CONTAINERS:
        errors.append(
            FieldError("spec.steps", "FieldValueTooMany", f"steps run in {len(used)} containers, the limit is {MAX_CONTAINERS}")
        )
    working, services = [], []
    for index, container in enumerate(spec["containers"]):
        if container["name"] not in used:
            services.append({**container, "restartPolicy": "Always"})
            continue
        working.append(container)
        for key in ("command", "args", "tty", "stdin", "lifecycle", "livenessProbe", "readinessProbe", "startupProbe"):
            if container.get(key) and from_repository:
                told = "Forbidden: steps run in this container, they are its command" if key in ("command", "args") else (
                    "Forbidden: steps run in this container; only a side service may have this")  # fmt: skip
                errors.append(FieldError(f"spec.podTemplate.spec.containers[{index}].{key}", "FieldValueForbidden", told))
    spec["containers"] = working
    if services:
        spec["initContainers"] = [*(spec.get("initContainers") or []), *services]
    return errors


def add_environment(template: Object, config: CiConfigSpec, standard: Builder | None) -> None:
    """The CiConfig's environment for every container in which steps run; a container's own variables win."""
    given = [StepEnv(name=key, value=value) for key, value in ((standard.env or {}) if standard else {}).items()]
    added = [msgspec.json.decode(msgspec.json.encode(variable)) for variable in (*given, *config.strategy.env)]
    if not added:
        return
    for container in template["spec"]["containers"]:
        own = [variable.get("name") for variable in container.get("env") or ()]
        container["env"] = [*(variable for variable in added if variable["name"] not in own), *(container.get("env") or ())]
