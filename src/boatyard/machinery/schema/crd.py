"""From the models of our kinds to the CustomResourceDefinitions that any Kubernetes API serves."""

from __future__ import annotations

import importlib
import inspect
import json
from functools import cache
from importlib import resources
from typing import Any, get_args, get_type_hints

from boatyard.machinery.meta.objects import Object, annotations, copied
from boatyard.machinery.schema.kind import KINDS, Model
from boatyard.machinery.schema.openapi_of_model import core_types, schema_of
from boatyard.machinery.schema.structural import Resolve, Schema, Structural

CORE_TYPES = "boatyard.dev/core-types"
"""Annotation of a definition: JSON, path -> Kubernetes' own type that stands there. Its schema there is only an open object."""


def discover() -> list[type[Model[Any, Any]]]:
    """Every kind of ours, from the ``kinds.py`` of every room, in the order of their file names."""
    package = resources.files("boatyard")
    for room in sorted(entry.name for entry in package.iterdir() if (entry / "kinds.py").is_file()):
        importlib.import_module(f"boatyard.{room}.kinds")
    return list(KINDS)


def crd_of(model: type[Model[Any, Any]]) -> Object:
    """The CustomResourceDefinition of a kind."""
    schema, core = _model_schema(model)
    info = model.info
    version: Object = {"name": info.resource.version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    if "status" in schema["properties"]:
        version["subresources"] = {"status": {}}
    if info.columns:
        version["additionalPrinterColumns"] = [
            {"name": column.name, "type": column.type, "jsonPath": column.path}
            | ({"priority": column.priority} if column.priority else {})
            for column in info.columns
        ]
    names: Object = {"plural": info.resource.plural, "singular": info.resource.kind.lower(), "kind": info.resource.kind,
                     "listKind": f"{info.resource.kind}List"}  # fmt: skip
    if info.short_names:
        names["shortNames"] = list(info.short_names)
    if info.categories:
        names["categories"] = list(info.categories)
    metadata: Object = {"name": info.resource.group_resource}
    if core:
        metadata["annotations"] = {CORE_TYPES: json.dumps(core, sort_keys=True)}
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": metadata,
        "spec": {
            "group": info.resource.group, "scope": "Namespaced" if info.resource.namespaced else "Cluster", "names": names,
            "versions": [version],
        },
    }  # fmt: skip


@cache
def structural_of(model: type[Model[Any, Any]]) -> Structural:
    """The schema of a kind of ours without its definition: how a document that is never stored (a Pipeline) is checked."""
    schema, _ = _model_schema(model)
    return Structural(schema)


def structural_of_crd(crd: Object, version: str, resolve: Resolve | None = None) -> Structural:
    """The schema of one version of a definition. With ``resolve`` (name of a core type -> schema) the object's metadata and the
    core types that it embeds are checked as what they are; without, they are open. Raises KeyError for an unknown version."""
    for found in crd["spec"]["versions"]:
        if found["name"] == version:
            schema = (found.get("schema") or {}).get("openAPIV3Schema") or {}
            return Structural(_grafted(schema, crd, resolve), resolve)
    raise KeyError(version)


def _grafted(schema: Schema, crd: Object, resolve: Resolve | None) -> Schema:
    whole = copied(schema)
    whole.setdefault("type", "object")
    properties = whole.setdefault("properties", {})
    properties["apiVersion"] = properties["kind"] = {"type": "string"}
    if resolve is None:
        properties["metadata"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        return whole
    rules = properties.get("metadata", {}).get("properties", {}).get("name")
    properties["metadata"] = {"$ref": "v1.ObjectMeta"}
    if rules:
        whole["allOf"] = [*whole.get("allOf", ()), {**_OWN, "properties": {"metadata": {"properties": {"name": rules}}}}]
    for path, name in json.loads(annotations(crd).get(CORE_TYPES, "{}")).items():
        _graft(whole, path, name)
    return whole


_OWN: Schema = {"x-boatyard-own": True}
"""A part of an ``allOf`` that no definition has: it isn't told of as one."""


def _graft(schema: Schema, path: str, name: str) -> None:
    steps = path.replace("[]", ".[]").split(".")
    for step in steps[:-1]:
        below = schema.get("items") if step == "[]" else (schema.get("properties") or {}).get(step)
        if not isinstance(below, dict):
            return
        schema = below
    holder, last = (schema, "items") if steps[-1] == "[]" else (schema.get("properties") or {}, steps[-1])
    if last in holder:
        told = {key: holder[last][key] for key in ("description",) if key in holder[last]}
        holder[last] = {**told, "$ref": name, "x-boatyard-foreign": True}


def _model_schema(model: type[Model[Any, Any]]) -> tuple[Schema, dict[str, str]]:
    properties: dict[str, Schema] = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}
    required: list[str] = []
    for part in ("spec", "status"):
        type_ = _part(model, part)
        if type_ is None:
            continue
        properties[part] = schema_of(type_)
    if model.info.immutable_spec:
        properties["spec"]["x-kubernetes-validations"] = [
            {"rule": "self == oldSelf", "message": "the spec can't be changed once it is made"}
        ]
    if "spec" in properties:
        required.append("spec")
    whole: Schema = {
        "type": "object",
        "description": inspect.cleandoc(model.__doc__ or ""),
        "properties": properties,
        "required": required,
    }
    return whole, core_types(whole)


def _part(model: type[Model[Any, Any]], part: str) -> Any:
    """The type of ``spec`` or ``status``: from the parameters of the generic base, or redeclared in the class."""
    for base in getattr(model, "__orig_bases__", ()):
        arguments = get_args(base)
        if len(arguments) == 2:
            found = arguments[("spec", "status").index(part)]
            return None if found is type(None) else found
    return get_type_hints(model, include_extras=True).get(part)
