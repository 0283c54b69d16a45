"""The fields of a ``Pipeline``: what a repository says in ``boatyard.yaml``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from boatyard.machinery.schema.kind import View, doc

Duration = Annotated[str, doc("A duration such as 30m or 1h30m.", pattern=r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$")]
Pattern = Annotated[str, doc("`*` stands for any characters but `/`, `**` for any.", min_length=1, max_length=500)]


class OnPush(View):
    """Which pushes start a build."""

    branches: Annotated[tuple[str, ...], doc("Branches; `*` stands for any characters. None given: all.", max_length=100)] = ()
    tags: Annotated[tuple[str, ...], doc("Tags; none given: none.", max_length=100)] = ()
    paths: Annotated[tuple[Pattern, ...], doc("Only when one of these files changed. None given: always.", max_length=100)] = ()


class OnPullRequest(View):
    """Which pull requests start a build."""

    targets: Annotated[
        tuple[str, ...], doc("Target branches; `*` stands for any characters. None given: all.", max_length=100)
    ] = ()
    paths: Annotated[tuple[Pattern, ...], doc("Only when one of these files changed. None given: always.", max_length=100)] = ()


class OnSchedule(View):
    """A build at set times."""

    cron: Annotated[str, doc("Cron expression, UTC.", min_length=9, max_length=100)]
    branch: Annotated[str, doc("What to build.")] = "main"


class On(View):
    """What starts a build. A part that is absent starts none, except that an empty `on` means pushes and pull requests."""

    push: Annotated[OnPush | None, doc("Pushes.")] = None
    pull_request: Annotated[OnPullRequest | None, doc("Pull requests, merged into their target.")] = None
    schedule: Annotated[tuple[OnSchedule, ...], doc("Times.", max_length=20)] = ()


class Parameter(View):
    """A value that whoever starts a build by hand may choose. Steps see it as an environment variable of that name."""

    name: Annotated[str, doc("Its name.", pattern=r"^[A-Z_][A-Z0-9_]*$", max_length=100)]
    default: Annotated[str, doc("Value when nobody chooses.", max_length=10_000)] = ""
    choices: Annotated[tuple[str, ...], doc("The only values allowed, if any are given.", max_length=100)] = ()
    description: Annotated[str, doc("For people.", max_length=1000)] = ""


class StepEnv(View):
    """An environment variable of a step."""

    name: Annotated[str, doc("Its name.", pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$", max_length=200)]
    value: Annotated[str, doc("Its value, as it is.", max_length=32_768)] = ""


class Step(View):
    """A script in one of the pod's containers. Steps run one after the other; the workspace is common to all."""

    name: Annotated[
        str, doc("Its name, unique within the pipeline.", pattern=r"^[A-Za-z0-9]([-A-Za-z0-9_. ]*[A-Za-z0-9])?$", max_length=60)
    ]
    run: Annotated[
        str, doc("The script, for `sh -e`; or for what its first line names after `#!`.", min_length=1, max_length=65_536)
    ]
    container: Annotated[str, doc("Name of the container it runs in; the first one when empty.", max_length=63)] = ""
    when: Annotated[
        Literal["on_success", "on_failure", "always"],
        doc("Whether it runs after all went well, after something failed, or anyway."),
    ] = "on_success"
    timeout: Annotated[Duration, doc("Longest run; what is left of the build's when empty.")] = ""
    env: Annotated[tuple[StepEnv, ...], doc("Environment variables of this step.", map_keys=("name",), max_length=100)] = ()
    working_dir: Annotated[str, doc("Directory to run in, relative to the workspace.", max_length=1000)] = ""


class JunitReports(View):
    """Test reports to read after the steps, however they ended."""

    junit: Annotated[Pattern, doc("Files in JUnit's XML format, relative to the workspace.")]
    fail_build: Annotated[bool, doc("Whether a failed test fails the build even if every step succeeded.")] = True


class Artifact(View):
    """Files to keep after the steps, however they ended."""

    path: Annotated[Pattern, doc("Files, relative to the workspace.")]
    name: Annotated[str, doc("A name for them; the path when empty.", max_length=100)] = ""


class SourceOptions(View):
    """How the repository is fetched."""

    depth: Annotated[int, doc("Commits of history; 0 for all of it.", ge=0, le=1_000_000)] = 1
    submodules: Annotated[bool, doc("Whether submodules are fetched too, and theirs.")] = False


class PipelineSpec(View):
    """What a repository says about its builds."""

    steps: Annotated[tuple[Step, ...], doc("What runs, one after the other.", min_length=1, max_length=100, map_keys=("name",))]
    on: Annotated[On | None, doc("What starts a build; pushes and pull requests when absent.")] = None
    parameters: Annotated[
        tuple[Parameter, ...], doc("What may be chosen when started by hand.", map_keys=("name",), max_length=50)
    ] = ()
    pod_template: Annotated[
        dict[str, Any] | None,
        doc(
            "The pod: containers, volumes, node selector and so on. A container in which no step runs is a side service, started "
            "before the steps and ended after them. When absent the CiConfig's standard build says where steps run.",
            core="v1.PodTemplateSpec",
        ),
    ] = None
    env: Annotated[tuple[StepEnv, ...], doc("Environment variables of all steps.", map_keys=("name",), max_length=100)] = ()
    tests: Annotated[tuple[JunitReports, ...], doc("Test reports to read.", max_length=20)] = ()
    artifacts: Annotated[tuple[Artifact, ...], doc("Files to keep.", max_length=50)] = ()
    timeout: Annotated[Duration, doc("Longest run; the CiConfig's when empty, and never more than that.")] = ""
    source: Annotated[SourceOptions, doc("How the repository is fetched.")] = SourceOptions()
