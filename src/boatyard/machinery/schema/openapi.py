"""OpenAPI v3 documents, one per group and version: what kubectl explains from, and by which it knows what may be patched.

A document has the schemas of its kinds and all they refer to, and for every kind the paths with their verbs. Each operation names
its kind in ``x-kubernetes-group-version-kind``; ``patch``, ``put`` and ``post`` take ``fieldValidation``, by which kubectl knows
that the server validates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import msgspec

from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.schema.structural import OMITTED, WRITTEN, Schema

_COMPONENTS = "#/components/schemas/"
_NOT_TOLD = ("x-boatyard-foreign", OMITTED, WRITTEN)
_STRATEGIC = "strategic-merge-patch+json"
_PATCH_TYPES = ("apply-patch+yaml", "json-patch+json", "merge-patch+json", _STRATEGIC)


class Served(NamedTuple):
    """One kind of a document. ``schema`` may refer to types by name (``{"$ref": "v1.ObjectMeta"}``)."""

    resource: Resource
    schema: Schema
    subresources: tuple[str, ...] = ()
    stored: bool = True
    """False: it is only created (a review)."""
    strategic: bool = True
    """Whether it takes strategic merge patches; by this kubectl chooses how to patch."""


def group_path(group: str, version: str) -> str:
    """A group and version as the index names them: ``api/v1``, ``apis/ci.boatyard.dev/v1alpha1``."""
    return f"apis/{group}/{version}" if group else f"api/{version}"


def index(documents: dict[str, bytes]) -> dict[str, Any]:
    """The answer to ``GET /openapi/v3``, from documents by their :func:`group_path`. Addresses change when a document does, so that
    a client may keep what it has read."""
    return {
        "paths": {
            path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={hashlib.sha256(document).hexdigest().upper()}"}
            for path, document in sorted(documents.items())
        }
    }


def encode(document: dict[str, Any]) -> bytes:
    """A document's bytes; equal documents have equal ones."""
    return msgspec.json.encode(document, order="deterministic")


def group_document(served: Iterable[Served], resolve: Callable[[str], Schema]) -> dict[str, Any]:
    """The document of the kinds of one group and version. ``resolve`` gives the schema of a type by its name."""
    schemas: dict[str, Schema] = {}
    paths: dict[str, Any] = {}
    wanted: list[str] = []
    for kind in served:
        name = schema_name(kind.resource)
        schemas[name] = _published(kind.schema, wanted)
        schemas[name]["x-kubernetes-group-version-kind"] = [_gvk(kind.resource)]
        schemas[f"{name}List"] = _list_of(kind.resource, wanted)
        paths.update(_paths(kind))
    while wanted:
        name = wanted.pop()
        if name not in schemas:
            schemas[name] = {}
            schemas[name] = _published(resolve(name), wanted)
    return {
        "openapi": "3.0.0",
        "info": {"title": "Boatyard", "version": "unversioned"},
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": dict(sorted(schemas.items()))},
    }


def schema_name(resource: Resource) -> str:
    """How the schema of a kind is called in its document: the group backwards, version and kind."""
    return ".".join([*reversed(resource.group.split(".")), resource.version, resource.kind]).lstrip(".")


def _gvk(resource: Resource) -> dict[str, str]:
    return {"group": resource.group, "version": resource.version, "kind": resource.kind}


def _published(schema: Schema, wanted: list[str]) -> Schema:
    """A copy with references to the document's own components; the names referred to go into ``wanted``."""
    result: Schema = {}
    for keyword, value in schema.items():
        if keyword in _NOT_TOLD or keyword == "$ref":
            continue
        if keyword == "properties":
            result[keyword] = {name: _published(child, wanted) for name, child in value.items()}
        elif keyword in ("items", "additionalProperties", "not") and isinstance(value, dict):
            result[keyword] = _published(value, wanted)
        elif keyword in ("allOf", "anyOf", "oneOf"):
            result[keyword] = [_published(part, wanted) for part in value]
        else:
            result[keyword] = value
    if (name := schema.get("$ref")) is not None:
        wanted.append(name)
        reference = {"$ref": _COMPONENTS + name}
        if not result:
            return reference
        result["allOf"] = [reference, *result.get("allOf", ())]
    return result


def _list_of(resource: Resource, wanted: list[str]) -> Schema:
    wanted.append("v1.ListMeta")
    return {
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": {"type": "string"},
            "items": {"type": "array", "items": {"$ref": _COMPONENTS + schema_name(resource)}},
            "kind": {"type": "string"},
            "metadata": {"$ref": f"{_COMPONENTS}v1.ListMeta"},
        },
        "x-kubernetes-group-version-kind": [{**_gvk(resource), "kind": f"{resource.kind}List"}],
    }


def _paths(kind: Served) -> dict[str, Any]:
    resource = kind.resource
    collection = resource.path("{namespace}" if resource.namespaced else None)
    item = resource.path("{namespace}" if resource.namespaced else None, "{name}")
    in_namespace = [_parameter("namespace", "path")] if resource.namespaced else []
    if not kind.stored:
        return {collection: {"parameters": in_namespace, "post": _operation(resource, "post", written=True)}}
    paths: dict[str, Any] = {
        collection: {
            "parameters": in_namespace,
            "get": _operation(resource, "list", answer=f"{resource.kind}List"),
            "post": _operation(resource, "post", written=True),
            "delete": _operation(resource, "deletecollection"),
        },
        item: {
            "parameters": [_parameter("name", "path"), *in_namespace],
            "get": _operation(resource, "get"),
            "put": _operation(resource, "put", written=True),
            "patch": _operation(resource, "patch", written=True, strategic=kind.strategic),
            "delete": _operation(resource, "delete"),
        },
    }
    if resource.namespaced:
        paths[resource.path()] = {"get": _operation(resource, "list", answer=f"{resource.kind}List")}
    if "status" in kind.subresources:
        paths[f"{item}/status"] = {
            "parameters": [_parameter("name", "path"), *in_namespace],
            "get": _operation(resource, "get"),
            "put": _operation(resource, "put", written=True),
            "patch": _operation(resource, "patch", written=True, strategic=kind.strategic),
        }
    return paths


def _operation(
    resource: Resource, action: str, *, answer: str = "", written: bool = False, strategic: bool = True
) -> dict[str, Any]:
    name = schema_name(resource).removesuffix(resource.kind) + (answer or resource.kind)
    reply = {"description": "OK", "content": {"application/json": {"schema": {"$ref": _COMPONENTS + name}}}}
    told: dict[str, Any] = {
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": _gvk(resource),
        "responses": {"200": reply},
    }
    if not written:
        return told
    told["parameters"] = [_parameter(parameter, "query") for parameter in ("dryRun", "fieldManager", "fieldValidation")]
    if action == "patch":
        told["parameters"].append(_parameter("force", "query", "boolean"))
        kinds = _PATCH_TYPES if strategic else [kind for kind in _PATCH_TYPES if kind != _STRATEGIC]
        content: dict[str, Any] = {f"application/{kind}": {"schema": {"type": "object"}} for kind in kinds}
    else:
        content = {"application/json": {"schema": {"$ref": _COMPONENTS + name}}}
    told["requestBody"] = {"required": True, "content": content}
    return told


def _parameter(name: str, place: str, type_: str = "string") -> dict[str, Any]:
    told: dict[str, Any] = {"name": name, "in": place, "schema": {"type": type_, "uniqueItems": True}}
    return {**told, "required": True} if place == "path" else told
