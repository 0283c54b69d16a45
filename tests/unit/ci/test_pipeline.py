"""boatyard.yaml: what is right is read, what is wrong is told at once, with the line."""

from __future__ import annotations

import pytest

from boatyard.ci.pipeline import MAX_SCRIPTS_BYTES, PipelineError, read_pipeline


def wrong(text: str) -> list[tuple[int, str]]:
    with pytest.raises(PipelineError) as caught:
        read_pipeline(text)
    return [(error.line, error.path) for error in caught.value.errors]


def test_the_shortest_pipeline():
    pipeline = read_pipeline("spec:\n  steps:\n  - {name: test, run: make test}\n")
    assert [(step.name, step.run, step.when) for step in pipeline.spec.steps] == [("test", "make test", "on_success")]


def test_every_part_is_read():
    pipeline = read_pipeline("""
apiVersion: ci.boatyard.dev/v1alpha1
kind: Pipeline
spec:
  on: {push: {branches: [main], paths: ["src/**"]}, pullRequest: {}, schedule: [{cron: "0 3 * * *"}]}
  parameters: [{name: LEVEL, default: low, choices: [low, high]}]
  podTemplate:
    spec:
      containers:
      - {name: build, image: maven}
      - {name: db, image: postgres}
  env: [{name: A, value: "1"}]
  steps:
  - {name: test, container: build, run: mvn verify, when: always, timeout: 10m, env: [{name: B, value: b}], workingDir: app}
  tests: [{junit: "**/*.xml", failBuild: false}]
  artifacts: [{path: target/*.jar, name: jars}]
  timeout: 30m
  source: {depth: 50, submodules: true}
""")
    spec = pipeline.spec
    assert spec.on is not None and spec.on.push is not None and spec.on.push.branches == ("main",)
    assert spec.steps[0].working_dir == "app" and spec.source.submodules and spec.tests[0].fail_build is False


def test_every_error_is_told_with_its_line():
    text = """spec:
  timeout: soon
  steps:
  - name: test
    runs: make
  - name: test
    run: make
    when: sometimes
"""
    assert wrong(text) == [
        (2, "spec.timeout"), (4, "spec.steps[0].run"), (5, "spec.steps[0].runs"), (6, "spec.steps[1]"), (8, "spec.steps[1].when"),
    ]  # fmt: skip


def test_the_reason_is_the_first_error_and_how_many_more():
    with pytest.raises(PipelineError) as caught:
        read_pipeline("spec:\n  steps: []\n  colour: red\n")
    assert caught.value.line == 2
    assert caught.value.reason.startswith("line 2: spec.steps: ") and caught.value.reason.endswith("(and 1 more)")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("spec:\n\t- tab", 2),
        ("- a\n- list", 1),
        ("spec: {}\n---\nspec: {}", 3),
        ("a: 1\na: 2", 2),
        ("x" * (1024 * 1024 + 1), 1),
    ],
)
def test_text_that_is_no_pipeline(text, line):
    assert wrong(text)[0] == (line, "") or wrong(text)[0][0] == line


def test_an_alias_bomb_is_an_error_and_costs_nothing():
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 10)}]\n" for n in range(9)
    )
    assert wrong(bomb)


def test_another_kind_or_version_is_refused():
    text = "apiVersion: v1\nkind: Pod\nspec: {steps: [{name: a, run: a}]}"
    assert wrong(text) == [(1, "apiVersion"), (2, "kind")]


def test_steps_must_fit_the_template():
    text = """spec:
  podTemplate: {spec: {containers: [{name: collect, image: x}]}}
  steps:
  - {name: a, run: a, container: nobody}
  - {name: b, run: b, workingDir: ../../etc}
  - {name: c, run: c, timeout: 0s}
"""
    assert wrong(text) == [
        (2, "spec.podTemplate.spec.containers[0].name"), (4, "spec.steps[0].container"), (5, "spec.steps[1].workingDir"),
        (6, "spec.steps[2].timeout"),
    ]  # fmt: skip


def test_scripts_have_to_fit_into_an_environment_variable():
    step = "x" * (MAX_SCRIPTS_BYTES // 2 + 1)
    assert wrong(f"spec:\n  steps:\n  - {{name: a, run: {step}}}\n  - {{name: b, run: {step}}}\n") == [(2, "spec.steps")]


def test_a_default_must_be_a_choice():
    text = "spec:\n  parameters: [{name: A, default: c, choices: [a, b]}]\n  steps: [{name: a, run: a}]"
    assert wrong(text) == [(2, "spec.parameters[0].default")]
