"""``boatyard apply``: declare resources from files."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import click

from boatyard.cli.session import asynchronous, client_options, told
from boatyard.machinery.meta import core, yaml
from boatyard.machinery.meta.errors import ApiError, FieldError
from boatyard.machinery.meta.objects import Object, copied
from boatyard.machinery.schema.crd import discover, structural_of


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
    models = _models()
    resources = {(r.api_version, r.kind): r for r in (*core.STORED, *(model.resource for model in models.values()))}
    unknown = [
        f"{where}: unknown kind {obj['kind']} ({obj['apiVersion']})" for obj, where, _ in documents if _kind(obj) not in resources
    ]
    if unknown:
        raise click.ClickException("\n".join([*unknown, "kinds of your own are applied with kubectl"]))
    wrong = [
        told
        for obj, where, line_of in documents
        if _kind(obj) in models
        for told in _faults(models[_kind(obj)], obj, where, line_of)
    ]
    if wrong:
        raise click.ClickException("\n".join(["nothing was applied:", *wrong]))
    failed = 0
    async with connect() as client:
        for obj, where, _ in documents:
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


Line: TypeAlias = Callable[[str], int]
"""The line of a field, by its path."""


def _faults(model: Any, obj: Object, where: str, line_of: Line) -> list[str]:
    """Every wrong field of an object of ours, each with its line: what the server would say, but all at once."""
    schema = structural_of(model)
    kept = copied(obj)
    undeclared = [
        FieldError(path, "FieldValueInvalid", "there is no such field") for path in schema.prune(kept) if path != "metadata"
    ]
    file = where.rpartition(":")[0]
    found = [*undeclared, *schema.validate(kept)]
    return [f"{file}:{line_of(error.path)}: {error}" for error in sorted(found, key=lambda error: line_of(error.path))]


def _read(file: str) -> list[tuple[Object, str, Line]]:
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
    documents: list[tuple[Object, str, Line]] = []
    wrong: list[str] = []
    for name, text in sources:
        try:
            found = yaml.documents_of(text)
        except yaml.YamlError as error:
            wrong.append(f"{name}: {error}")
            continue
        for document in found:
            obj, where = document.value, f"{name}:{document.line}"
            listed = isinstance(obj, dict) and obj.get("kind") == "List"
            for number, item in enumerate(obj.get("items") or () if listed else [obj]):
                if _is_object(item):
                    within = f"items[{number}]." if listed else ""
                    documents.append((item, where, lambda path, d=document, w=within: d.line_of(w + path)))
                else:
                    wrong.append(f"{where}: needs apiVersion, kind and metadata.name")
    if wrong:
        raise click.ClickException("\n".join(wrong))
    return documents


def _kind(obj: Object) -> tuple[str, str]:
    return str(obj["apiVersion"]), str(obj["kind"])


def _is_object(item: Any) -> bool:
    if not isinstance(item, dict) or not isinstance(item.get("metadata"), dict):
        return False
    return bool(item.get("apiVersion") and item.get("kind") and item["metadata"].get("name"))


def _models() -> dict[tuple[str, str], Any]:
    """Our kinds, by apiVersion and kind."""
    return {(model.resource.api_version, model.resource.kind): model for model in discover() if model.info.stored}
