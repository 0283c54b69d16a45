"""``boatyard ci``: teams' CIs."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from boatyard.ci.kinds import CiConfig
from boatyard.cli.output import at, show
from boatyard.cli.session import asynchronous, client_options, namespace_option, output_option
from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import SECRETS
from boatyard.machinery.meta.errors import AlreadyExists
from boatyard.machinery.meta.objects import Object

COLUMNS = (
    ("Phase", ".status.phase"),
    ("Repository", ".spec.source.git.url"),
    ("URL", ".status.url"),
    ("Age", ".metadata.creationTimestamp"),
)
READY_SECONDS = 120


@click.group("ci")
def command() -> None:
    """Declare and look at teams' CIs.

    \b
    Examples:
      boatyard ci create web --git https://git.example.org/web.git
      boatyard ci list
      boatyard ci show web -o yaml
    """


@command.command("create")
@click.argument("name")
@click.option("--git", "url", required=True, help="Address of the repository.")
@click.option("--branch", "branches", multiple=True, help="Branch whose pushes are built; may be repeated.  [default: all]")
@click.option(
    "--scm",
    type=click.Choice(["gitea", "generic"]),
    default="generic",
    show_default=True,
    help="Who sends webhooks and gets verdicts.",
)
@click.option("--scm-url", default="", help="Address of the SCM.  [default: from --git]")
@click.option(
    "--scm-token-file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="File with a token for the SCM's API."
)
@click.option(
    "--git-token-file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="File with a token for fetching."
)
@click.option("--callback-url", default="", help="Where verdicts are posted to (generic).")
@click.option(
    "--builder", default="boatyard.dev/host", show_default=True, help="Image that steps run in where a repository names none."
)
@click.option("--concurrency", type=click.IntRange(1, 1000), default=4, show_default=True, help="Builds at once.")
@click.option("--dry-run", is_flag=True, help="Have the server check it and create nothing.")
@namespace_option
@output_option
@client_options
@asynchronous
async def create(name: str, namespace: str, output: str, connect: Any, dry_run: bool, **options: Any) -> None:
    """Declare a team's CI called NAME, wait until it answers, and say what to tell the SCM.

    \b
    Examples:
      boatyard ci create web --git https://git.example.org/web.git --branch main
      boatyard ci create shop --git http://gitea.example.org/shop/api.git --scm gitea --scm-token-file token --git-token-file token
    """
    document = ciconfig(name, namespace, options)
    if options["url"].startswith(("/", "file:")):
        click.echo(
            "Pods don't see the files of this machine: a path is fetched only where they do. Better serve it by http or ssh.",
            err=True,
        )
    async with connect() as client:
        # The server looks at all of it before a Secret is made for it.
        created = await _create(client, document, dry_run=True)
        if not dry_run:
            for suffix, key in (("scm", "scm_token_file"), ("git", "git_token_file")):
                if options[key]:
                    await _token_secret(client, f"{name}-{suffix}", namespace, options[key].read_text().strip())
            created = await _until_ready(client, await _create(client, document, dry_run=False))
    show(created, output, COLUMNS, now=time.time())
    if dry_run:
        return
    if at(created, "status.phase") != "Awake":
        why = "; ".join(c.get("message") or c["reason"] for c in at(created, "status.conditions") or () if c["status"] != "True")
        raise click.ClickException(
            f"the CI server doesn't answer: {why or 'it has not begun'}. Look further with `boatyard ci show {name}`"
        )
    if output == "table":
        click.echo(f"\nTell the SCM to send its webhooks to   {at(created, 'status.webhook')}")
        secret = f"kubectl get secret -n {namespace} ci-{name} -o jsonpath='{{.data.webhook}}' | base64 -d"
        click.echo(f"signed with the secret that this says: {secret}")


async def _create(client: Client, document: Object, *, dry_run: bool) -> Object:
    name, namespace = document["metadata"]["name"], document["metadata"]["namespace"]
    try:
        return await client.create(CiConfig.resource, document, namespace, field_manager="boatyard-cli", dry_run=dry_run)
    except AlreadyExists:
        told = f"{name} exists in namespace {namespace}: change it with `boatyard apply` or kubectl"
        raise click.ClickException(told) from None


def ciconfig(name: str, namespace: str, options: dict[str, Any]) -> Object:
    """The CiConfig that the options ask for."""
    git: Object = {"url": options["url"]}
    scm: Object = {"type": options["scm"]}
    if options["branches"]:
        git["branches"] = list(options["branches"])
    if options["git_token_file"]:
        git["credentials"] = {"secretRef": {"name": f"{name}-git"}}
    if options["scm_token_file"]:
        scm["credentials"] = {"secretRef": {"name": f"{name}-scm"}}
    for option, field in (("scm_url", "url"), ("callback_url", "callbackUrl")):
        if options[option]:
            scm[field] = options[option]
    return {
        "apiVersion": CiConfig.resource.api_version,
        "kind": "CiConfig",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "source": {"git": git, "scm": scm},
            "strategy": {"standardBuild": {"type": "shell", "builder": options["builder"]}},
            "builds": {"concurrency": options["concurrency"]},
        },
    }


async def _token_secret(client: Client, name: str, namespace: str, token: str) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "stringData": {"token": token},
    }
    try:
        await client.create(SECRETS, secret, namespace, field_manager="boatyard-cli")
    except AlreadyExists:
        raise click.ClickException(
            f"the Secret {name} exists in namespace {namespace}: delete it, or name it in a document of your own"
        ) from None


async def _until_ready(client: Client, created: Object) -> Object:
    """Wait until the CI answers or has failed; told with what is awaited."""
    name, namespace = created["metadata"]["name"], created["metadata"]["namespace"]
    with suppress(TimeoutError), Console(stderr=True).status(f"waiting for the CI server of {name} …") as status:
        async with asyncio.timeout(READY_SECONDS):
            events = client.watch(
                CiConfig.resource, namespace, resource_version=created["metadata"]["resourceVersion"],
                field_selector=f"metadata.name={name}",
            )  # fmt: skip
            async for event in events:
                created = event.object if event.type in ("ADDED", "MODIFIED") else created
                if at(created, "status.phase") in ("Awake", "Failed"):
                    break
                ready = [c for c in at(created, "status.conditions") or () if c["type"] == "Ready"]
                if ready:
                    status.update(f"waiting for the CI server of {name}: {ready[0].get('message') or ready[0].get('reason')} …")
    return created


@command.command("list")
@click.option("-A", "--all-namespaces", is_flag=True)
@namespace_option
@output_option
@client_options
@asynchronous
async def list_(namespace: str, all_namespaces: bool, output: str, connect: Any) -> None:
    """List CIs."""
    async with connect() as client:
        found = await client.list(CiConfig.resource, None if all_namespaces else namespace)
    show(found.items, output, COLUMNS, now=time.time(), none="No CIs yet: make one with `boatyard ci create`.")


@command.command("show")
@click.argument("name")
@namespace_option
@output_option
@client_options
@asynchronous
async def show_(name: str, namespace: str, output: str, connect: Any) -> None:
    """Show one CI, with what is wrong with it."""
    async with connect() as client:
        found = await client.get(CiConfig.resource, name, namespace)
    show(found, output, COLUMNS, now=time.time())
    if output == "table":
        for condition in at(found, "status.conditions") or ():
            click.echo(
                f"{condition['type']:<10}{condition['status']:<8}{condition.get('reason', ''):<20}{condition.get('message', '')}"
            )
