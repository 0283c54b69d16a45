"""Every method at every form of address, of Kubernetes' own kinds and of custom ones: where there is no way, what is said of it."""

from __future__ import annotations

import pytest

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.resource import Resource

from .features import feature
from .widgets import widget
from .wire import Wire

SECTION = "Answers"
MERGE = "application/merge-patch+json"
NO_METHOD = (405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
NOWHERE = (404, "NotFound", "the server could not find the requested resource")
NO_WIDGET = (404, "NotFound", 'widgets.suite.boatyard.dev "w" not found')
UNNAMED = (400, "BadRequest", "name must be provided")


def no_verb(verb: str) -> tuple[int, str, str]:
    return 405, "MethodNotAllowed", f'{verb} is not supported on resources of kind "widgets.suite.boatyard.dev"'


CORE = [
    ("POST", "configmaps/c", NO_METHOD), ("PUT", "configmaps", NO_METHOD), ("PATCH", "configmaps", NO_METHOD),
    ("OPTIONS", "configmaps/c", NO_METHOD), ("POST", "configmaps/c/status", NOWHERE), ("PUT", "configmaps/c/scale", NOWHERE),
    ("GET", "configmaps/c/nope", NOWHERE), ("DELETE", "configmaps/c/proxy", NOWHERE), ("PUT", "pods/p/binding", NO_METHOD),
    ("DELETE", "pods/p/status", NO_METHOD), ("GET", "pods/p/eviction", NO_METHOD), ("PATCH", "serviceaccounts/s/token", NO_METHOD),
]  # fmt: skip
CUSTOM = [
    ("PUT", "widgets", UNNAMED), ("PATCH", "widgets", UNNAMED), ("OPTIONS", "widgets", no_verb("")),
    ("OPTIONS", "widgets/w", no_verb("")), ("POST", "widgets/w/status", no_verb("create")),
    ("DELETE", "widgets/w/status", no_verb("delete")), ("GET", "widgets/w/nope", NO_WIDGET), ("POST", "widgets/w/proxy", NO_WIDGET),
    ("DELETE", "widgets/w/scale", NO_WIDGET),
]  # fmt: skip


@feature("405, 404 or 400 where an address has no such method, in Kubernetes' words")
@pytest.mark.parametrize(("method", "rest", "said"), CORE)
async def test_no_way_to_kinds_of_kubernetes_own(wire: Wire, namespace: str, method: str, rest: str, said: object) -> None:
    body = None if method in ("GET", "OPTIONS", "DELETE") else {}
    assert (await wire(method, f"/api/v1/namespaces/{namespace}/{rest}", body, type=_type(method))).said == said


@feature("405, 404 or 400 where an address has no such method, in Kubernetes' words")
@pytest.mark.parametrize(("method", "rest", "said"), CUSTOM)
async def test_no_way_to_custom_kinds(wire: Wire, namespace: str, widgets: Resource, method: str, rest: str, said: object) -> None:
    body = None if method in ("GET", "OPTIONS", "DELETE") else widget()
    path = f"/apis/{widgets.api_version}/namespaces/{namespace}/{rest}"
    assert (await wire(method, path, body, type=_type(method))).said == said


@feature("405, 404 or 400 where an address has no such method, in Kubernetes' words")
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_reviews_have_no_addresses_of_their_own(wire: Wire, method: str) -> None:
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews/a"
    assert (await wire(method, path, {} if method in ("POST", "PUT", "PATCH") else None, type=_type(method))).said == NOWHERE


def _type(method: str) -> str:
    return MERGE if method == "PATCH" else "application/json"


@feature("a custom object may be posted to an address with a name; the document alone names it", section="Create")
async def test_a_custom_object_posted_to_an_address(wire: Wire, client: Client, namespace: str, widgets: Resource) -> None:
    path = f"/apis/{widgets.api_version}/namespaces/{namespace}/widgets"
    assert (await wire("POST", f"{path}/w?dryRun=All", widget())).status == 201
    assert (await wire("POST", f"{path}/w", widget())).json["metadata"]["name"] == "w"
    there = 'widgets.suite.boatyard.dev "w" already exists'
    assert (await wire("POST", f"{path}/w", widget())).said == (409, "AlreadyExists", there)
    assert (await wire("POST", f"{path}/w", widget("v"))).json["metadata"]["name"] == "v"
    nameless = {**widget(), "metadata": {}}
    refused = await wire("POST", f"{path}/u", nameless)
    assert refused.status == 422 and "name" not in refused.json["details"]
    assert sorted(each["metadata"]["name"] for each in (await client.list(widgets, namespace)).items) == ["v", "w"]
