"""Reading ``boatyard.yaml``: text from a repository, hostile until proven otherwise, into a :class:`Pipeline` or all its errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from boatyard.ci.kinds import Pipeline
from boatyard.machinery.meta.objects import Object, copied
from boatyard.machinery.meta.timestamps import duration_seconds
from boatyard.machinery.meta.yaml import Document, YamlError, documents_of
from boatyard.machinery.schema.crd import structural_of

MAX_TEXT_BYTES = 1024 * 1024
MAX_SCRIPTS_BYTES = 90_000
"""All steps together: they travel to the pod in one environment variable, and Linux takes 128 KiB for one."""
RESERVED_CONTAINERS = ("source", "collect")
"""Names of Boatyard's own containers in a build's pod."""


@dataclass(frozen=True, slots=True)
class PipelineFault:
    """One thing that is wrong."""

    line: int
    """Counted from 1."""
    path: str
    """The field, e.g. ``spec.steps[0].run``; empty when the text itself is wrong."""
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.path}: {self.message}" if self.path else f"line {self.line}: {self.message}"


class PipelineError(Exception):
    """The repository's pipeline can't be used. ``errors`` holds everything that is wrong, in the order of lines."""

    def __init__(self, errors: list[PipelineFault]) -> None:
        self.errors = tuple(sorted(errors, key=lambda error: (error.line, error.path)))
        super().__init__("\n".join(str(error) for error in self.errors[:50]))

    @property
    def line(self) -> int:
        """Line of the first error."""
        return self.errors[0].line

    @property
    def reason(self) -> str:
        """The first error, in a sentence; and how many more there are."""
        more = len(self.errors) - 1
        return str(self.errors[0]) + (f" (and {more} more)" if more else "")


def read_pipeline(text: str) -> Pipeline:
    """The pipeline that ``text`` declares. Raises PipelineError with everything that is wrong."""
    document = _only_document(text)
    value = copied(document.value)
    schema = structural_of(Pipeline)
    wrong = [(path, "unknown field") for path in schema.prune(value)]
    for field, expected in (("kind", "Pipeline"), ("apiVersion", Pipeline.resource.api_version)):
        if value.get(field) not in (None, expected):
            wrong.append((field, f"must be {expected}, or left out"))
    wrong += [(error.path, error.message) for error in schema.validate(value)]
    if not wrong:
        wrong += _contradictions(value["spec"])
    if wrong:
        raise PipelineError([PipelineFault(document.line_of(path), path, message) for path, message in wrong])
    value.pop("metadata", None)
    try:
        return Pipeline.read({"metadata": {}, **value})
    except msgspec.ValidationError as error:
        raise PipelineError([PipelineFault(document.line, "", str(error))]) from error


def _only_document(text: str) -> Document:
    if len(text) > MAX_TEXT_BYTES:
        raise PipelineError([PipelineFault(1, "", f"the file is larger than {MAX_TEXT_BYTES >> 20} MiB")])
    try:
        documents = documents_of(text)
    except YamlError as error:
        raise PipelineError([PipelineFault(error.line, "", error.problem)]) from error
    if not documents:
        raise PipelineError([PipelineFault(1, "", "the file is empty; it should hold a Pipeline with spec.steps")])
    if len(documents) > 1:
        raise PipelineError([PipelineFault(documents[1].line, "", "one document was expected, here a second begins")])
    if not isinstance(documents[0].value, dict):
        raise PipelineError([PipelineFault(documents[0].line, "", "the document must be a mapping with the key spec")])
    return documents[0]


def _contradictions(spec: Object) -> Iterator[tuple[str, str]]:
    """What the schema can't say."""
    steps = spec["steps"]
    total = sum(len(step["run"].encode()) for step in steps)
    total += sum(len(variable.get("value", "").encode()) for step in steps for variable in step.get("env", ()))
    if total > MAX_SCRIPTS_BYTES:
        yield (
            "spec.steps",
            f"all scripts are {total} bytes, the limit is {MAX_SCRIPTS_BYTES}: keep long ones in the repository",
        )
    template = spec.get("podTemplate")
    names: list[str] | None = None
    if template is not None:
        containers = (template.get("spec") or {}).get("containers") if isinstance(template.get("spec"), dict) else None
        if not isinstance(containers, list) or not containers or not all(isinstance(one, dict) for one in containers):
            yield "spec.podTemplate.spec.containers", "must be a list of at least one container"
        else:
            names = [str(container.get("name", "")) for container in containers]
            for index, name in enumerate(names):
                if name in RESERVED_CONTAINERS:
                    yield (
                        f"spec.podTemplate.spec.containers[{index}].name",
                        f"{name!r} is a container of Boatyard's own",
                    )
    for index, step in enumerate(steps):
        container = step.get("container", "")
        if names is not None and container and container not in names:
            yield (
                f"spec.steps[{index}].container",
                f"the podTemplate has no container {container!r}, only {', '.join(names)}",
            )
        directory = step.get("workingDir", "")
        if directory.startswith("/") or ".." in directory.split("/"):
            yield f"spec.steps[{index}].workingDir", "must be relative to the workspace and stay in it"
        yield from _positive(f"spec.steps[{index}].timeout", step.get("timeout", ""))
    yield from _positive("spec.timeout", spec.get("timeout", ""))
    for index, parameter in enumerate(spec.get("parameters", ())):
        choices = parameter.get("choices")
        if choices and parameter.get("default", "") not in ("", *choices):
            yield f"spec.parameters[{index}].default", f"must be one of its choices: {', '.join(choices)}"


def _positive(path: str, duration: str) -> Iterator[tuple[str, str]]:
    if duration and duration_seconds(duration) <= 0:
        yield path, "must be longer than nothing"
