"""What the documents show must work: examples are accepted, commands exist, links lead somewhere, no field is left out."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest

from boatyard.ci.compose import Trigger, compose_build
from boatyard.ci.kinds import Build, CiConfig, Pipeline
from boatyard.ci.pipeline import read_pipeline
from boatyard.ci.scm import scm
from boatyard.ci.scm.events import PullRequest, Push
from boatyard.ci.scm.generic import Generic
from boatyard.cli.main import main
from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.meta import core, yaml
from boatyard.machinery.meta.core import CUSTOM_RESOURCE_DEFINITIONS
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.world import RealWorld
from boatyard.machinery.schema.crd import crd_of
from boatyard.machinery.store.memory import MemoryStore
from boatyard.server.audit import policy

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
ROOMS = sorted((ROOT / "src").rglob("README.md"))
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
COMMAND = re.compile(r"(?<![-\w./])(?<!get )boatyard ([^|;&>)#\n`]+)")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
SHA = "1" * 40


class Example(NamedTuple):
    """A fenced block."""

    where: str
    language: str
    text: str


def _examples() -> Iterator[Example]:
    for page in PAGES:
        text = page.read_text()
        for match in FENCE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            yield Example(f"{page.relative_to(ROOT)}:{line}", match[1], match[2])


EXAMPLES = list(_examples())
YAML = [pytest.param(e.text, id=e.where) for e in EXAMPLES if e.language == "yaml"]
CONFIG: Object = {
    "apiVersion": CiConfig.resource.api_version, "kind": "CiConfig",
    "metadata": {"name": "web", "namespace": "default", "uid": "u"},
    "spec": {"source": {"git": {"url": "https://git.example.org/web.git"}}},
}  # fmt: skip


async def _client() -> EmbeddedClient:
    registry = Registry(MemoryStore(), RealWorld())
    await registry.start()
    client = EmbeddedClient(registry)
    for model in (CiConfig, Build):
        await client.create(CUSTOM_RESOURCE_DEFINITIONS, crd_of(model))
    return client


@pytest.mark.parametrize("text", YAML)
async def test_a_yaml_example_is_accepted(text: str) -> None:
    client = await _client()
    for document, _ in yaml.load_all(text):
        assert isinstance(document, dict)
        if "apiVersion" not in document:
            # A pipeline: read, composed, and taken by the API server as a Build.
            build = compose_build(CONFIG, read_pipeline(text), Trigger(type="push", revision=SHA, ref="refs/heads/main"), 1)
            await client.create(Build.resource, build, "default")
            continue
        if document["apiVersion"].startswith("audit.k8s.io/"):
            assert policy.parse(document).rules
            continue
        kinds = {(one.api_version, one.kind): one for one in (CiConfig.resource, *core.STORED)}
        resource = kinds[(document["apiVersion"], document["kind"])]
        namespace = document["metadata"].get("namespace", "default") if resource.namespaced else None
        await client.create(resource, document, namespace)


def test_the_generic_protocols_examples_are_understood() -> None:
    texts = [e.text for e in EXAMPLES if e.language == "json" and "webhooks" in e.where]
    adapter = Generic(scm.ScmSettings("https://git.example.org/web.git"), None)  # type: ignore[arg-type]
    events = [adapter.event({}, text.encode()) for text in texts if "context" not in json.loads(text)]
    assert [type(event) for event in events] == [Push, PullRequest]


def _said() -> Iterator[Any]:
    """Every call of the program that a document shows, or the program itself in its help."""
    for page in [*PAGES, *ROOMS]:
        text = page.read_text()
        shown = [match[2] for match in FENCE.finditer(text) if match[1] == "sh"]
        shown += SPAN.findall(FENCE.sub("", text))
        yield from ((page.relative_to(ROOT), call) for one in shown for call in _calls(one))
    for name, command in _commands(main, ()):
        examples = (command.help or "").partition("\b")[2]
        yield from ((f"boatyard {name} --help", call) for call in _calls(examples.partition("Examples:")[2]))


def _calls(shown: str) -> list[str]:
    # What is substituted is a call of its own.
    return COMMAND.findall(re.sub(r'"?\$\(([^)]*)\)"?', r"VALUE\n\1\n", shown))


def _commands(group: click.Group, path: tuple[str, ...]) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield " ".join((*path, name)), command
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))


def _wrong_with(call: str) -> str:
    """What is wrong with the arguments of a call; empty when nothing is."""
    command: click.Command = main
    words = shlex.split(call)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(click.Context(command), words[0])
        if found is None:
            return f"no command {words[0]!r}"
        command, words = found, words[1:]
    context = click.Context(command)
    try:
        values, rest, _ = command.make_parser(context).parse_args(words)
    except click.UsageError as error:
        return error.format_message()
    if rest and not isinstance(command, click.Group):
        return f"too many arguments: {rest}"
    missing = [one.name for one in command.params if one.required and words and not values.get(one.name or "")]
    return f"missing: {missing}" if missing else ""


def test_every_call_of_the_program_that_is_shown_is_one_it_takes() -> None:
    said = list(_said())
    assert len(said) > 60
    assert [f"{where}: boatyard {call}: {wrong}" for where, call in said if (wrong := _wrong_with(call))] == []


def test_every_command_has_examples_or_needs_none() -> None:
    without = [name for name, command in _commands(main, ()) if "Examples:" not in (command.help or "") and " " not in name]
    assert without == []


@pytest.mark.parametrize("page", [pytest.param(p, id=str(p.relative_to(ROOT))) for p in [*PAGES, *ROOMS]])
def test_links_lead_somewhere(page: Path) -> None:
    lost = []
    for link in LINK.findall(FENCE.sub("", page.read_text())):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = (page.parent / path) if path else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            lost.append(link)
    assert lost == []


def _anchors(page: Path) -> list[str]:
    """Of every heading, as GitHub and others make them."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pytest.mark.parametrize(("model", "page"), [(Pipeline, "pipelines.md"), (CiConfig, "ciconfig.md")])
def test_every_field_is_documented(model: Any, page: str) -> None:
    text = (ROOT / "docs" / page).read_text()
    version = crd_of(model)["spec"]["versions"][0]
    fields = sorted(set(_fields(version["schema"]["openAPIV3Schema"]["properties"]["spec"])))
    assert [field for field in fields if not re.search(rf"\b{field}\b", text)] == []


def _fields(schema: Object) -> Iterator[str]:
    for name, below in (schema.get("properties") or {}).items():
        yield name
        yield from _fields(below)
    if isinstance(schema.get("items"), dict):
        yield from _fields(schema["items"])
