"""A Build is complete: it follows from CiConfig, pipeline and trigger alone, and says every reason why it can't be."""

from __future__ import annotations

import pytest

from boatyard.ci.build_fields import PullRequestSource
from boatyard.ci.compose import ComposeError, compose_build, refused_build, repeated_build
from boatyard.ci.kinds import Build
from boatyard.ci.pipeline import read_pipeline
from boatyard.machinery.schema.crd import crd_of, structural_of_crd
from unit.ci.documents import PIPELINE, REVISION, build, ciconfig, trigger

SERVICES = """
spec:
  podTemplate:
    spec:
      containers:
      - {name: build, image: maven, env: [{name: A, value: own}]}
      - {name: db, image: postgres, args: [-c, fsync=off]}
  env: [{name: P, value: pipeline}, {name: S, value: pipeline}]
  steps: [{name: test, run: make, env: [{name: S, value: step}]}]
"""


def errors(config=None, pipeline=PIPELINE, **given):
    with pytest.raises(ComposeError) as caught:
        compose_build(config or ciconfig(), read_pipeline(pipeline) if pipeline else None, trigger(**given), 1)
    return [error.path for error in caught.value.errors]


def test_what_is_composed_fits_the_schema():
    document = build()
    schema = structural_of_crd(crd_of(Build), "v1alpha1")
    assert schema.validate(document) == [] and schema.prune(document) == []
    assert document["metadata"]["name"] == "shop-7"
    assert document["spec"]["source"]["revision"] == REVISION


def test_the_same_input_gives_the_same_build():
    assert build() == build()


def test_it_belongs_to_its_ciconfig():
    owner = build()["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["uid"], owner["controller"]) == ("CiConfig", "config-uid", True)


def test_a_container_without_steps_becomes_a_side_service():
    spec = build(SERVICES)["spec"]["podTemplate"]["spec"]
    assert [one["name"] for one in spec["containers"]] == ["build"]
    assert spec["initContainers"] == [
        {"name": "db", "image": "postgres", "args": ["-c", "fsync=off"], "restartPolicy": "Always"}
    ]  # fmt: skip


def test_the_environment_of_the_nearest_wins():
    config = ciconfig(strategy={"env": [{"name": "A", "value": "team"}, {"name": "T", "value": "team"}]})
    spec = build(SERVICES, config=config)["spec"]
    assert spec["podTemplate"]["spec"]["containers"][0]["env"] == [{"name": "T", "value": "team"}, {"name": "A", "value": "own"}]
    assert spec["steps"][0]["env"] == [{"name": "P", "value": "pipeline"}, {"name": "S", "value": "step"}]


def test_without_a_template_the_standard_build_says_where_steps_run():
    config = ciconfig(
        strategy={"standardBuild": {"type": "maven", "spec": {"stack": "java17"}, "builder": "registry/maven-builder:v1.0"}}
    )
    containers = build(config=config)["spec"]["podTemplate"]["spec"]["containers"]
    assert containers == [{"name": "build", "image": "registry/maven-builder:v1.0"}]


def test_a_repository_without_a_pipeline_gets_the_standard_build():
    config = ciconfig(strategy={"standardBuild": {"type": "maven", "spec": {"stack": "java21"}}})
    spec = compose_build(config, None, trigger(), 1)["spec"]
    assert "mvn" in spec["steps"][0]["run"]
    assert spec["podTemplate"]["spec"]["containers"][0]["image"].endswith("temurin-21")
    assert spec["tests"]


def test_neither_pipeline_nor_standard_build_is_an_error():
    assert errors(pipeline=None) == [""]


@pytest.mark.parametrize("standard", [{"type": "cobol"}, {"type": "maven", "spec": {"stack": "java5"}}])
def test_an_unknown_standard_build_is_an_error(standard):
    assert errors(ciconfig(strategy={"standardBuild": standard})) == [""]


def test_a_command_where_steps_run_is_refused_not_ignored():
    text = "spec: {podTemplate: {spec: {containers: [{name: b, image: x, command: [cat], tty: true}]}}, steps: [{name: a, run: a}]}"
    path = "spec.podTemplate.spec.containers[0]"
    assert errors(pipeline=text) == [f"{path}.command", f"{path}.tty"]


def test_all_that_is_wrong_with_a_template_is_told_at_once():
    text = """
spec:
  podTemplate: {spec: {hostNetwork: true, containers: [{name: B, env: no}, {name: B, image: x}]}}
  steps: [{name: a, run: a, container: B}]
"""
    path = "spec.podTemplate.spec"
    assert errors(pipeline=text) == [
        f"{path}.hostNetwork", f"{path}.containers[0].name", f"{path}.containers[0].image", f"{path}.containers[0].env",
        f"{path}.containers[1].name", f"{path}.containers[1].name",
    ]  # fmt: skip


def test_parameters_are_what_was_declared_and_allowed():
    text = "spec: {parameters: [{name: A, default: x, choices: [x, y]}, {name: B}], steps: [{name: a, run: a}]}"
    assert build(text, parameters={"A": "y"})["spec"]["parameters"] == {"A": "y", "B": ""}
    assert errors(pipeline=text, parameters={"A": "z", "C": "?"}) == ["parameters.C", "parameters.A"]


def test_the_timeout_is_never_longer_than_the_ciconfig_allows():
    config = ciconfig(builds={"timeout": "20m"})
    for asked, given in (("", "20m"), ("timeout: 10m,", "10m"), ("timeout: 2h,", "20m")):
        assert build(f"spec: {{{asked} steps: [{{name: a, run: a}}]}}", config=config)["spec"]["timeout"] == given


def test_a_pull_request_of_a_fork_is_a_build_that_is_refused():
    pull = PullRequestSource(number=3, head=REVISION, target="b" * 40, fork=True)
    document = compose_build(ciconfig(), None, trigger(type="pullRequest", pull_request=pull), 4)
    assert document["spec"]["refusal"]["reason"] == "ForkNotTrusted"
    assert "podTemplate" not in document["spec"]


def test_a_refused_build_keeps_number_and_reason():
    document = refused_build(ciconfig(), trigger(), 9, "InvalidPipeline", "line 3: " + "x" * 20_000)
    assert document["metadata"]["name"] == "shop-9"
    assert len(document["spec"]["refusal"]["message"]) == 8000
    assert structural_of_crd(crd_of(Build), "v1alpha1").validate(document) == []


def test_repeating_builds_the_same_under_a_new_number():
    first = build(number=7)
    again = repeated_build(first, 12, "ada")
    assert again["metadata"]["name"] == "shop-12"
    assert again["spec"]["trigger"] == {"type": "retry", "by": "ada", "retryOf": "shop-7"}
    assert {**again["spec"], "number": 7, "trigger": first["spec"]["trigger"]} == first["spec"]
