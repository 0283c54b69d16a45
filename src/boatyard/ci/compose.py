"""From a CiConfig, a pipeline and what started it to a ``Build`` that needs nothing else. Pure functions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from boatyard.ci import trust
from boatyard.ci.build_fields import PullRequestSource
from boatyard.ci.builders.builder import Builder, UnknownBuilder, builder
from boatyard.ci.ciconfig_fields import CiConfigSpec
from boatyard.ci.kinds import ARCHIVE_FINALIZER, CICONFIG_LABEL, Build, CiConfig, Pipeline
from boatyard.ci.pipeline_fields import PipelineSpec, Step
from boatyard.ci.pod_template import add_environment, part_by_steps, standard_template, template_errors
from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.objects import Object, copied, name, namespace, owner_reference
from boatyard.machinery.meta.timestamps import duration_seconds

MAX_BUILD_BYTES = 512 * 1024
"""Of a Build's spec: API servers take about 1.5 MiB for an object, its status needs room beside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What started a build, resolved to exact commits."""

    type: Literal["push", "pullRequest", "schedule", "manual", "retry"]
    revision: str
    """The commit that is built and reported on; for a pull request its head."""
    ref: str = ""
    """Full name, e.g. ``refs/heads/main``; for a pull request where its head can be fetched."""
    pull_request: PullRequestSource | None = None
    subject: str = ""
    author: str = ""
    by: str = ""
    delivery: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)


class ComposeError(Exception):
    """This pipeline can't be built under this CiConfig. ``errors`` names every wrong field of the pipeline."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        self.errors = tuple(errors)
        super().__init__("; ".join(str(error) for error in self.errors[:20]))


def compose_build(ciconfig: Object, pipeline: Pipeline | None, trigger: Trigger, number: int) -> Object:
    """The Build document of this number. ``pipeline`` is None for a repository without one: the CiConfig's standard build is used.

    A pull request from a fork becomes a build that is refused (see :func:`refused_build`). Raises ComposeError with every error.
    """
    if trigger.pull_request is not None and trigger.pull_request.fork:
        message = "The pull request comes from another repository. Builds of forks don't run: their authors have no right here."
        return refused_build(ciconfig, trigger, number, "ForkNotTrusted", message)
    config = CiConfig.read(ciconfig).spec
    standard = _standard(config)
    plan = pipeline.spec if pipeline is not None else _standard_plan(standard)
    errors: list[FieldError] = []
    template = copied(plan.pod_template) if plan.pod_template is not None else standard_template(standard)
    errors += trust.violations(template, config.trust)
    errors += template_errors(template)
    if errors:
        raise ComposeError(errors)
    steps = _steps(plan, template["spec"]["containers"])
    parameters, wrong = _parameters(plan, trigger.parameters)
    errors += wrong + part_by_steps(template, steps, plan.pod_template is not None)
    if errors:
        raise ComposeError(errors)
    add_environment(template, config, standard)
    longest = duration_seconds(config.builds.timeout)
    asked = duration_seconds(plan.timeout) if plan.timeout else longest
    spec = {
        **_identity(ciconfig, config, trigger, number),
        "parameters": parameters,
        "podTemplate": template,
        "steps": [_plain(step) for step in steps],
        "tests": [_plain(report) for report in plan.tests],
        "artifacts": [_plain(artifact) for artifact in plan.artifacts],
        "timeout": plan.timeout if plan.timeout and asked <= longest else config.builds.timeout,
        "retries": {"infrastructure": config.builds.infrastructure_retries},
        "priority": config.builds.priority,
        "ttl": config.builds.retention.ttl,
    }
    spec["source"]["options"] = _plain(plan.source)
    size = len(json.dumps(spec))
    if size > MAX_BUILD_BYTES:
        told = f"the build would be {size} bytes, the limit is {MAX_BUILD_BYTES}"
        raise ComposeError([FieldError("spec", "FieldValueTooLong", told)])
    return _document(ciconfig, number, spec)


def refused_build(ciconfig: Object, trigger: Trigger, number: int, reason: str, message: str) -> Object:
    """A Build that ends in Error at once, so that its number and its reason are kept: a broken pipeline, a conflict, a fork."""
    config = CiConfig.read(ciconfig).spec
    spec = _identity(ciconfig, config, trigger, number)
    spec["refusal"] = {"reason": reason, "message": message if len(message) <= 8000 else message[:7999] + "…"}
    spec["ttl"] = config.builds.retention.ttl
    return _document(ciconfig, number, spec)


def repeated_build(build: Object, number: int, by: str) -> Object:
    """A new Build of exactly what ``build`` built, under its own number."""
    spec = copied(build["spec"])
    spec["number"] = number
    spec["trigger"] = {"type": "retry", "by": by[:200], "retryOf": name(build)}
    metadata = build["metadata"]
    return {
        "apiVersion": Build.resource.api_version, "kind": "Build",
        "metadata": {
            "name": f"{spec['ciConfig']}-{number}", "namespace": metadata["namespace"],
            "labels": {CICONFIG_LABEL: spec["ciConfig"]},
            "finalizers": [ARCHIVE_FINALIZER], "ownerReferences": copied(metadata.get("ownerReferences") or []),
        },
        "spec": spec,
    }  # fmt: skip


def _document(ciconfig: Object, number: int, spec: Object) -> Object:
    return {
        "apiVersion": Build.resource.api_version, "kind": "Build",
        "metadata": {
            "name": f"{name(ciconfig)}-{number}", "namespace": namespace(ciconfig), "labels": {CICONFIG_LABEL: name(ciconfig)},
            "finalizers": [ARCHIVE_FINALIZER], "ownerReferences": [owner_reference(ciconfig)],
        },
        "spec": spec,
    }  # fmt: skip


def _identity(ciconfig: Object, config: CiConfigSpec, trigger: Trigger, number: int) -> Object:
    source: Object = {"revision": trigger.revision, "url": config.source.git.url}
    if config.source.git.credentials is not None:
        source["credentials"] = {"name": config.source.git.credentials.secret_ref.name}
    if trigger.pull_request is not None:
        source["pullRequest"] = _plain(trigger.pull_request)
    for key, value in (("ref", trigger.ref), ("subject", trigger.subject[:500]), ("author", trigger.author[:200])):
        if value:
            source[key] = value
    why = {"type": trigger.type, "by": trigger.by[:200], "delivery": trigger.delivery[:200]}
    return {
        "ciConfig": name(ciconfig), "number": number, "source": source,
        "trigger": {key: value for key, value in why.items() if value},
    }  # fmt: skip


def _plain(view: Any) -> Object:
    return msgspec.json.decode(msgspec.json.encode(view))  # to_builtins would leave tuples


def _standard(config: CiConfigSpec) -> Builder | None:
    declared = config.strategy.standard_build
    if declared is None:
        return None
    try:
        found = builder(declared.type, declared.spec)
    except UnknownBuilder as error:
        raise ComposeError([FieldError("", "FieldValueInvalid", f"the CiConfig's strategy.standardBuild: {error}")]) from error
    return found if not declared.builder else Builder(declared.builder, found.steps, found.tests, found.artifacts, found.env)


def _standard_plan(standard: Builder | None) -> PipelineSpec:
    if standard is None:
        told = "the repository has no boatyard.yaml at this commit, and the CiConfig has no strategy.standardBuild"
        raise ComposeError([FieldError("", "FieldValueRequired", told)])
    return PipelineSpec(steps=standard.steps, tests=standard.tests, artifacts=standard.artifacts)


def _steps(plan: PipelineSpec, containers: list[Object]) -> list[Step]:
    """The steps with their container named and the pipeline's environment in them."""
    found: list[Step] = []
    for step in plan.steps:
        own = {variable.name for variable in step.env}  # membership only
        env = (*(variable for variable in plan.env if variable.name not in own), *step.env)
        found.append(msgspec.structs.replace(step, container=step.container or containers[0]["name"], env=env))
    return found


def _parameters(plan: PipelineSpec, chosen: Mapping[str, str]) -> tuple[dict[str, str], list[FieldError]]:
    declared = {parameter.name: parameter for parameter in plan.parameters}
    told = f"the pipeline has no such parameter; it has {', '.join(declared) or 'none'}"
    errors = [FieldError(f"parameters.{key}", "FieldValueNotSupported", told) for key in sorted(chosen) if key not in declared]
    values: dict[str, str] = {}
    for key, parameter in declared.items():
        values[key] = value = str(chosen.get(key, parameter.default))
        if parameter.choices and value not in (*parameter.choices, parameter.default):
            told = f"must be one of {', '.join(parameter.choices)}"
            errors.append(FieldError(f"parameters.{key}", "FieldValueNotSupported", told))
        if len(value) > 10_000:
            errors.append(FieldError(f"parameters.{key}", "FieldValueTooLong", "must be no more than 10000 characters"))
    return values, errors
