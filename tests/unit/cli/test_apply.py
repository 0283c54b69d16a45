"""What is wrong in a document is told before anything is sent: all of it, with file, line and field."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from boatyard.cli.main import main

WRONG = """apiVersion: ci.boatyard.dev/v1alpha1
kind: CiConfig
metadata: {name: web}
spec:
  source:
    git: {uri: "https://example.org/web.git"}
  builds:
    concurrency: many
  strategy:
    master: {engine: hudson}
---
apiVersion: v1
kind: Secret
metadata: {name: fine}
"""


def run(*arguments: str, said: str = "") -> tuple[int, str]:
    done = CliRunner().invoke(main, ["apply", *arguments, "--data", "/nonexistent"], input=said)
    return done.exit_code, done.output


def test_every_wrong_field_has_its_line(tmp_path: Path):
    file = tmp_path / "web.yaml"
    file.write_text(WRONG)
    code, told = run("-f", str(file))
    assert code == 1 and "nothing was applied" in told
    for line, field in (
        (6, "spec.source.git.uri"),
        (6, "spec.source.git.url"),
        (8, "spec.builds.concurrency"),
        (10, "spec.strategy.master.engine"),
    ):
        assert any(f"web.yaml:{line}: {field}" in row for row in told.splitlines()), (field, told)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("kind: CiConfig\n", "needs apiVersion, kind and metadata.name"),
        ("a: 1\na: 2\n", "standard input: line 2"),
        ("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n", "unknown kind Deployment"),
        ("apiVersion: v1\nkind: List\nitems: [{kind: Secret}]\n", "needs apiVersion"),
    ],
)
def test_what_is_no_object_of_a_known_kind_is_told(text: str, told: str):
    code, said = run("-f", "-", said=text)
    assert code == 1 and told in said, said


def test_without_a_control_plane_it_says_how_to_start_one():
    code, told = run("-f", "-", said="apiVersion: v1\nkind: Secret\nmetadata: {name: fine}\n")
    assert code == 1 and "boatyard up" in told
