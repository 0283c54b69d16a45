"""``boatyard apply``: declare resources from files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from boatyard.cli.session import asynchronous, client_options, told
from boatyard.machinery.meta import core, yaml
from boatyard.machinery.meta.errors import ApiError
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource


@click.command("apply", short_help="Declare resources from YAML or JSON files.")
@click.option("-f", "--filename", "files", multiple=True, required=True, help="A file, a directory, or - for standard input.")
@click.option("-n", "--namespace", default="default", show_default=True, help="For objects that name none.")
@click.option("--dry-run", is_flag=True, help="Have the server check everything and change nothing.")
@client_options
@asynchronous
async def command(files: tuple[str, ...], namespace: str, dry_run: bool, connect: Any) -> None:
    """Declare resources from YAML or JSON files (server-side apply).

    Every document is read before the first is sent; what is wrong is told with file, line and field.

    \b
    Examples:
      boatyard apply -f web.yaml
      boatyard apply -f deploy/ --dry-run
      generate | boatyard apply -f -
    """
    documents = [document for file in files for document in _read(file)]
    resources = _known_resources()
    unknown = [
        f"{where}: unknown kind {obj['kind']} ({obj['apiVersion']})" for obj, where in documents if _kind(obj) not in resources
    ]
    if unknown:
        raise click.ClickException("\n".join([*unknown, "kinds of your own are applied with kubectl"]))
    failed = 0
    async with connect() as client:
        for obj, where in documents:
            resource = resources[_kind(obj)]
            if resource.namespaced:
                obj["metadata"].setdefault("namespace", namespace)
            try:
                answer = await client.apply(resource, obj, field_manager="boatyard-apply", dry_run=dry_run)
            except ApiError as error:
                failed += 1
                click.echo(f"{where}: {told(error)}", err=True)
                continue
            suffix = " (dry run)" if dry_run else ""
            click.echo(f"{resource.group_resource}/{answer['metadata']['name']} applied{suffix}")
    if failed:
        raise SystemExit(1)


def _read(file: str) -> list[tuple[Object, str]]:
    """The documents of a file or directory, each with where it stands. Raises ClickException with all that aren't objects."""
    if file == "-":
        sources = [("standard input", sys.stdin.read())]
    else:
        path = Path(file)
        paths = sorted(p for p in path.rglob("*") if p.suffix in (".yaml", ".yml", ".json")) if path.is_dir() else [path]
        try:
            sources = [(str(p), p.read_text()) for p in paths]
        except OSError as error:
            raise click.ClickException(f"{file}: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            raise click.ClickException(f"{file}: not text in UTF-8: {error.reason}") from error
    documents: list[tuple[Object, str]] = []
    wrong: list[str] = []
    for name, text in sources:
        try:
            found = yaml.load_all(text)
        except yaml.YamlError as error:
            wrong.append(f"{name}: {error}")
            continue
        for obj, line in found:
            where = f"{name}:{line}"
            if obj is None:
                continue
            items = obj.get("items") if isinstance(obj, dict) and obj.get("kind") == "List" else [obj]
            for item in items if isinstance(items, list) else []:
                if (
                    isinstance(item, dict)
                    and item.get("apiVersion")
                    and item.get("kind")
                    and (item.get("metadata") or {}).get("name")
                ):
                    documents.append((item, where))
                else:
                    wrong.append(f"{where}: needs apiVersion, kind and metadata.name")
    if wrong:
        raise click.ClickException("\n".join(wrong))
    return documents


def _kind(obj: Object) -> tuple[str, str]:
    return str(obj["apiVersion"]), str(obj["kind"])


def _known_resources() -> dict[tuple[str, str], Resource]:
    from boatyard.machinery.schema.crd import discover

    ours = [model.resource for model in discover() if model.info.stored]
    return {(resource.api_version, resource.kind): resource for resource in (*core.STORED, *ours)}
