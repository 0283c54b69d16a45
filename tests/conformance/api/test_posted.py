"""What is posted to a pod: it is read as what it should be before anything is done."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import NAMESPACES, PODS
from boatyard.machinery.meta.objects import Object

from .features import feature
from .wire import Wire

SECTION = "Pods"
NODE = {"kind": "Node", "name": "n1"}
HOLD = "suite.boatyard.dev/hold"

pytestmark = pytest.mark.usefixtures("account")


@pytest_asyncio.fixture(loop_scope="session")
async def pod(client: Client, namespace: str) -> str:
    """The address of a pod that a finalizer holds."""
    spec = {"containers": [{"name": "c", "image": "busybox:1"}]}
    await client.create(PODS, {"metadata": {"name": "p", "finalizers": [HOLD]}, "spec": spec}, namespace)
    return f"/api/v1/namespaces/{namespace}/pods/p"


def binding(**members: Any) -> Object:
    return {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "p"}, "target": NODE, **members}


def eviction(**members: Any) -> Object:
    return {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}, **members}


NO_BINDINGS = [
    (binding(kind="Pod"), 400), (binding(apiVersion="v2"), 400), (binding(target=3), 400), (binding(metadata=[]), 400),
    (binding(metadata={}), 400), (binding(metadata={"name": "q"}), 400), ({}, 400),
    (binding(metadata={"name": "p", "namespace": "elsewhere"}), 400), (binding(metadata={"name": "p", "uid": "0"}), 409),
    (binding(metadata={"name": "p", "resourceVersion": "1"}), 409),
]  # fmt: skip


@feature("`binding`")
@pytest.mark.parametrize(("body", "code"), NO_BINDINGS)
async def test_what_is_no_binding_of_the_pod_binds_nothing(wire: Wire, pod: str, body: Object, code: int) -> None:
    assert (await wire("POST", f"{pod}/binding", body)).said[0] == code
    assert "nodeName" not in (await wire("GET", pod)).json["spec"]


@feature("`binding`")
async def test_what_a_binding_has_too_much(wire: Wire, pod: str) -> None:
    refused = await wire("POST", f"{pod}/binding?fieldValidation=Strict", binding(nope=1))
    assert refused.status == 400 and 'unknown field "nope"' in refused.said[2]
    told = await wire("POST", f"{pod}/binding", binding(nope=1))
    assert told.status == 201 and 'unknown field "nope"' in told.headers["Warning"].replace("\\", "")


NO_EVICTIONS = [
    (eviction(kind="Pod"), 400), (eviction(apiVersion="v1", kind="Pod"), 400), (eviction(apiVersion="policy/v2"), 400),
    (eviction(deleteOptions=3), 400), (eviction(metadata={}), 400), (eviction(metadata={"name": "q"}), 400), ({}, 400),
    (eviction(deleteOptions={"propagationPolicy": "Sideways"}), 422), (eviction(deleteOptions={"dryRun": ["Some"]}), 422),
    (eviction(deleteOptions={"preconditions": {"uid": "0"}}), 409),
]  # fmt: skip


@feature("`eviction`")
@pytest.mark.parametrize(("body", "code"), NO_EVICTIONS)
async def test_what_is_no_eviction_of_the_pod_deletes_nothing(wire: Wire, pod: str, body: Object, code: int) -> None:
    assert (await wire("POST", f"{pod}/eviction", body)).said[0] == code
    assert "deletionTimestamp" not in (await wire("GET", pod)).json["metadata"]


@feature("`eviction`")
async def test_an_eviction_may_be_tried(wire: Wire, pod: str) -> None:
    for query, body in (("?dryRun=All", eviction()), ("", eviction(deleteOptions={"dryRun": ["All"]}))):
        assert (await wire("POST", f"{pod}/eviction{query}", body)).status == 201
        assert "deletionTimestamp" not in (await wire("GET", pod)).json["metadata"]
    assert (await wire("POST", f"{pod}/eviction", eviction(apiVersion="policy/v1beta1"))).status == 201
    assert "deletionTimestamp" in (await wire("GET", pod)).json["metadata"]
    await wire("PATCH", pod, {"metadata": {"finalizers": None}}, type="application/merge-patch+json")


DOUBLED = (
    b'{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}, '
    b'"deleteOptions": {"dryRun": ["All"]}, "deleteOptions": {}}'
)


@feature("`eviction`")
async def test_what_an_eviction_says_twice_counts_together(wire: Wire, pod: str) -> None:
    refused = await wire("POST", f"{pod}/eviction?fieldValidation=Strict", DOUBLED)
    assert refused.status == 400 and 'duplicate field "deleteOptions"' in refused.said[2] and "unknown" not in refused.said[2]
    told = await wire("POST", f"{pod}/eviction", DOUBLED)
    assert told.status == 201 and 'duplicate field "deleteOptions"' in told.headers["Warning"].replace("\\", "")
    assert "deletionTimestamp" not in (await wire("GET", pod)).json["metadata"]


@feature("`eviction`")
async def test_nothing_is_posted_in_a_namespace_that_ends(wire: Wire, client: Client, pod: str, namespace: str) -> None:
    await client.delete(NAMESPACES, namespace)
    for what, body in (("eviction", eviction()), ("binding", binding())):
        refused = await wire("POST", f"{pod}/{what}", body)
        told = f'pods "p" is forbidden: unable to create new content in namespace {namespace} because it is being terminated'
        assert refused.said == (403, "Forbidden", told)
        elsewhere = await wire("POST", f"/api/v1/namespaces/{namespace}-not/pods/p/{what}", body)
        assert elsewhere.said == (404, "NotFound", f'namespaces "{namespace}-not" not found')


@feature("a pod on no node has no log")
async def test_a_pod_on_no_node_has_no_log(wire: Wire, pod: str) -> None:
    answer = await wire("GET", f"{pod}/log", accept="*/*")
    assert (answer.status, answer.body) == (204, b"")
