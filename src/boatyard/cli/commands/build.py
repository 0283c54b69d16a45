"""``boatyard build``: builds, their logs and verdicts."""

from __future__ import annotations

import getpass
import re
import sys
import time
import uuid
from contextlib import aclosing
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from boatyard.app.follow import Following, archived, phase
from boatyard.ci.kinds import CANCEL_ANNOTATION, CICONFIG_LABEL, FINAL_PHASES, RETRY_ANNOTATION, Build
from boatyard.cli.output import COLOURS, at, show
from boatyard.cli.session import asynchronous, client_options, namespace_option, output_option
from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.errors import NotFound
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.objects.directory import DirectoryObjects
from boatyard.machinery.runtime.world import RealWorld

COLUMNS = (
    ("Phase", ".status.phase"), ("Reason", ".status.reason"), ("Ref", ".spec.source.ref"), ("Subject", ".spec.source.subject"),
    ("Tests", ".status.tests.counts.total"), ("Failed", ".status.tests.counts.failed"), ("Age", ".metadata.creationTimestamp"),
)  # fmt: skip

_MARK = re.compile(rb"(.*?)##\[boatyard\] step \d+ (begin|end) \d+ (.*)")
"""It may follow text on its line: what a step wrote last need not end one."""


@click.group("build")
def command() -> None:
    """Look at builds, follow them, cancel and repeat them.

    \b
    Examples:
      boatyard build list --ci web
      boatyard build logs -f web-12
      boatyard build cancel web-12
    """


@command.command("list")
@click.option("--ci", default="", help="Only builds of this CI.")
@click.option("-A", "--all-namespaces", is_flag=True)
@namespace_option
@output_option
@client_options
@asynchronous
async def list_(ci: str, namespace: str, all_namespaces: bool, output: str, connect: Any) -> None:
    """List builds, the newest last. Finished ones leave the list after a while; their pages stay."""
    async with connect() as client:
        selector = f"{CICONFIG_LABEL}={ci}" if ci else ""
        found = await client.list(Build.resource, None if all_namespaces else namespace, label_selector=selector)
    items = sorted(found.items, key=lambda b: (b["metadata"]["namespace"], b["spec"]["ciConfig"], b["spec"]["number"]))
    none = "No builds here: finished ones leave the list after a while, their pages stay (`boatyard ci list` has the addresses)."
    show(items, output, COLUMNS, now=time.time(), none=none)


@command.command("show")
@click.argument("name")
@namespace_option
@output_option
@client_options
@asynchronous
async def show_(name: str, namespace: str, output: str, connect: Any) -> None:
    """Show one build: its steps, its failing tests, why it ended as it did."""
    async with connect() as client:
        build = await _get(client, name, namespace)
    show(build, output, COLUMNS, now=time.time())
    if output == "table":
        _details(build)


def _details(build: dict[str, Any]) -> None:
    console = Console()
    status = build.get("status") or {}
    if status.get("message"):
        console.print(f"\n{status['message']}", markup=False, highlight=False)
    for step in status.get("steps") or ():
        colour = COLOURS.get(step.get("outcome", ""), "dim")
        seconds = step.get("durationMillis", 0) / 1000
        console.print(f"  [{colour}]{step.get('outcome', ''):<10}[/] {step['name']} [dim]{seconds:.1f} s[/]", highlight=False)
    for failed in (status.get("tests") or {}).get("failures") or ():
        console.print(f"  [red]failed[/] {failed['name']}: ", end="", highlight=False)
        console.print(failed.get("message", ""), markup=False, highlight=False)
    for attempt in status.get("attempts") or ():
        told = " ".join(filter(None, (attempt.get("outcome"), attempt.get("reason"), attempt.get("message"))))
        where = f"pod {attempt['pod']} on {attempt.get('node') or 'no node yet'}"
        console.print(f"  attempt {attempt['number']}: {where} {told}", highlight=False)


@command.command("logs")
@click.argument("name")
@click.option("-f", "--follow", "following", is_flag=True, help="Go on until the build is over.")
@namespace_option
@client_options
@asynchronous
async def logs(name: str, namespace: str, following: bool, connect: Any) -> None:
    """Print a build's log: all attempts, all containers, in order. With -f, exit code 1 when the build didn't succeed."""
    kubeconfig: Path = connect.args[0]
    objects = DirectoryObjects(kubeconfig.parent / "objects")
    async with connect() as client:
        build = await _get(client, name, namespace)
        if phase(build) not in FINAL_PHASES and not following:
            click.echo(f"{name} is {phase(build).lower()}; follow it with -f", err=True)
        followed: Following | None = None
        if following and phase(build) not in FINAL_PHASES:
            followed = Following(client, name, namespace, objects, RealWorld(), _away)
        async with aclosing(followed.lines() if followed else archived(objects, build)) as lines:
            async for line in lines:
                if (text := _told(line.text)) is not None:
                    sys.stdout.buffer.write(text + b"\n")
                    sys.stdout.buffer.flush()
        if following:
            verdict = phase(followed.build if followed else build)
            click.echo(f"{name}: {verdict}", err=True)
            raise SystemExit(0 if verdict == "Succeeded" else 1)


def _away(why: str) -> None:
    click.echo(f"the control plane is away; the build goes on, and so does this log when it is back ({why})", err=True)


def _told(line: bytes) -> bytes | None:
    """A line of a log for people; None for one that says nothing to them. The step runner marks where steps begin and end."""
    mark = _MARK.fullmatch(line)
    if mark is None:
        return line
    before, verb, rest = mark.groups()
    outcome, _, code = rest.partition(b" ")
    if verb == b"end" and outcome == b"ok":
        return before or None
    told = rest if verb == b"begin" else outcome + b", exit code " + code
    return (before + b"\n" if before else b"") + b"--- " + told


async def _get(client: Client, name: str, namespace: str) -> Object:
    try:
        return await client.get(Build.resource, name, namespace)
    except NotFound:
        told = "finished builds leave the API after a while, their pages stay (`boatyard ci list` has the addresses)"
        raise click.ClickException(f"{name} isn't in namespace {namespace}; {told}") from None


@command.command("cancel")
@click.argument("name")
@click.option("--reason", default="", help="Why, for those who look at the build.")
@namespace_option
@client_options
@asynchronous
async def cancel(name: str, namespace: str, reason: str, connect: Any) -> None:
    """End a build that waits or runs."""
    async with connect() as client:
        build = await _get(client, name, namespace)
        if phase(build) in FINAL_PHASES:
            raise click.ClickException(f"{name} is over: {at(build, 'status.phase')}")
        why = f"{getpass.getuser()}{': ' + reason if reason else ''}"
        await client.patch(Build.resource, name, {"metadata": {"annotations": {CANCEL_ANNOTATION: why}}}, namespace)
    click.echo(f"{name}: asked to end")


@command.command("retry")
@click.argument("name")
@namespace_option
@client_options
@asynchronous
async def retry(name: str, namespace: str, connect: Any) -> None:
    """Build the same commit once more, as a new build."""
    async with connect() as client:
        build = await _get(client, name, namespace)
        if phase(build) not in FINAL_PHASES:
            raise click.ClickException(f"{name} isn't over: {phase(build)}")
        request = f"{getpass.getuser()}/{uuid.uuid4().hex[:12]}"
        await client.patch(Build.resource, name, {"metadata": {"annotations": {RETRY_ANNOTATION: request}}}, namespace)
    click.echo(f"{name}: asked for once more; `boatyard build list --ci {build['spec']['ciConfig']}` shows the new build")
