"""A custom kind for the suite."""

from __future__ import annotations

import asyncio
from typing import Any

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import CUSTOM_RESOURCE_DEFINITIONS
from boatyard.machinery.meta.errors import AlreadyExists, NotFound
from boatyard.machinery.meta.resource import Resource

WIDGETS = Resource("suite.boatyard.dev", "v1", "widgets", "Widget")

_SPEC: dict[str, Any] = {
    "type": "object",
    "required": ["size"],
    "properties": {
        "size": {"type": "integer", "minimum": 1},
        "color": {"type": "string", "enum": ["red", "green"], "default": "red"},
        "serial": {"type": "string", "x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "the serial stays"}]},
        "parts": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": {"type": "string"}, "count": {"type": "integer"}},
            },
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
        },
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    },
}
_STATUS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "phase": {"type": "string"},
        "replicas": {"type": "integer"},
        "conditions": {"type": "array", "items": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
    },
}


def definition(plural: str = "widgets", kind: str = "Widget", **names: Any) -> dict[str, Any]:
    """The CustomResourceDefinition."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.suite.boatyard.dev"},
        "spec": {
            "group": "suite.boatyard.dev",
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": kind, **names},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": _SPEC, "status": _STATUS}}},
                    "subresources": {"status": {}},
                    "selectableFields": [{"jsonPath": ".spec.color"}],
                }
            ],
        },
    }


def widget(name: str = "w", **spec: Any) -> dict[str, Any]:
    """A document that fits."""
    return {"apiVersion": WIDGETS.api_version, "kind": "Widget", "metadata": {"name": name}, "spec": {"size": 1, **spec}}


async def served(client: Client, resource: Resource) -> None:
    """Wait until the definition is established and its kind answers."""
    for _ in range(1200):
        found = await client.get(CUSTOM_RESOURCE_DEFINITIONS, resource.group_resource)
        conditions = found.get("status", {}).get("conditions") or ()
        if any(condition["type"] == "Established" and condition["status"] == "True" for condition in conditions):
            try:
                await client.list(resource)
            except NotFound:
                await asyncio.sleep(0.05)
                continue
            return
        await asyncio.sleep(0.05)
    raise TimeoutError(f"{resource.group_resource} is not served")


async def defined(client: Client, resource: Resource) -> None:
    """Make the definition of a kind like the widgets, unless it is there, and wait for it."""
    try:
        await client.create(CUSTOM_RESOURCE_DEFINITIONS, definition(resource.plural, resource.kind))
    except AlreadyExists:
        pass
    await served(client, resource)
