"""Lists in pages, and lists of a revision: what comes, and what is said when it can't any more."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import CONFIG_MAPS
from boatyard.machinery.meta.errors import Gone

from .features import feature
from .subjects import Subject
from .waiting import told_of
from .wire import Wire

SECTION = "Lists"
FUTURE = "999999999"


@pytest_asyncio.fixture(loop_scope="session")
async def maps(client: Client, namespace: str) -> str:
    """The address of five config maps."""
    for number in range(5):
        await client.create(CONFIG_MAPS, {"metadata": {"name": f"c{number}", "labels": {"mine": ""}}}, namespace)
    return f"/api/v1/namespaces/{namespace}/configmaps"


def of_revision(token: str, revision: int) -> str:
    """A continue token (the form is the same everywhere, though clients need not know it) as of another revision."""
    told = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    return base64.urlsafe_b64encode(json.dumps({**told, "rv": revision}).encode()).decode().rstrip("=")


def names(page: Any) -> list[str]:
    return [item["metadata"]["name"] for item in page["items"]]


@feature("pages (limit, continue) with how many remain")
async def test_a_page_says_how_to_go_on(wire: Wire, maps: str) -> None:
    first = (await wire("GET", f"{maps}?limit=2&labelSelector=mine")).json
    assert names(first) == ["c0", "c1"] and first["kind"] == "ConfigMapList" and "remainingItemCount" not in first["metadata"]
    token = quote(first["metadata"]["continue"], safe="")
    rest = (await wire("GET", f"{maps}?limit=9&labelSelector=mine&continue={token}")).json
    assert names(rest) == ["c2", "c3", "c4"] and "continue" not in rest["metadata"]
    counted = (await wire("GET", f"{maps}?limit=2")).json["metadata"]
    assert counted["remainingItemCount"] >= 3 and counted["continue"]


@feature("pages (limit, continue) with how many remain")
@pytest.mark.parametrize("limit", ["0", "-1"])
async def test_no_limit(wire: Wire, maps: str, limit: str) -> None:
    page = (await wire("GET", f"{maps}?limit={limit}&labelSelector=mine")).json
    assert len(page["items"]) == 5 and "continue" not in page["metadata"]


@feature("an expired continue token: 410 with a token that goes on with what is there now")
async def test_a_token_expires_with_its_revision(subject: Subject, client: Client, namespace: str, maps: str) -> None:
    first = await client.list(CONFIG_MAPS, namespace, limit=2, label_selector="mine")
    await client.delete(CONFIG_MAPS, "c3", namespace)
    changed = await client.patch(CONFIG_MAPS, "c4", {"data": {"a": "1"}}, namespace)
    old = of_revision(first.continue_token, await subject.forgotten(int(changed["metadata"]["resourceVersion"])))
    with pytest.raises(Gone, match="The provided continue parameter is too old to display a consistent list result") as told:
        await client.list(CONFIG_MAPS, namespace, limit=2, label_selector="mine", continue_token=old)
    rest = await client.list(CONFIG_MAPS, namespace, label_selector="mine", continue_token=told.value.continue_token)
    assert [item["metadata"]["name"] for item in rest.items] == ["c2", "c4"]
    assert rest.items[1]["data"] == {"a": "1"}


@feature("exactly a revision (resourceVersionMatch=Exact), 410 when it is compacted away")
async def test_exactly_a_revision(subject: Subject, wire: Wire, client: Client, namespace: str, maps: str) -> None:
    then = (await wire("GET", f"{maps}?labelSelector=mine")).json["metadata"]["resourceVersion"]
    await client.delete(CONFIG_MAPS, "c0", namespace)
    changed = await client.patch(CONFIG_MAPS, "c1", {"data": {"a": "1"}}, namespace)
    exact = f"{maps}?labelSelector=mine&resourceVersionMatch=Exact&resourceVersion="
    page = (await wire("GET", f"{exact}{then}")).json
    assert names(page) == ["c0", "c1", "c2", "c3", "c4"] and page["metadata"]["resourceVersion"] == then
    assert "data" not in page["items"][1]
    forgotten = await subject.forgotten(int(changed["metadata"]["resourceVersion"]))
    code, reason, message = (await wire("GET", f"{exact}{forgotten}")).said
    assert (code, reason) == (410, "Expired") and message.startswith("The resourceVersion for the provided list is too old")


@feature("not older than a revision, or any (resourceVersion=0)")
@pytest.mark.parametrize("query", ["0", "{}", "{}&resourceVersionMatch=NotOlderThan"])
async def test_not_older_than(wire: Wire, client: Client, namespace: str, maps: str, query: str) -> None:
    seen = (await wire("GET", f"{maps}/c4")).json["metadata"]["resourceVersion"]
    if query == "0":
        await told_of(client, CONFIG_MAPS, namespace, seen)
    page = (await wire("GET", f"{maps}?labelSelector=mine&resourceVersion={query.format(seen)}")).json
    assert len(page["items"]) == 5 and int(page["metadata"]["resourceVersion"]) >= int(seen)


@feature("a revision that is not reached yet: 504 with Retry-After")
async def test_the_future(wire: Wire, maps: str) -> None:
    rests = ["", "&resourceVersionMatch=Exact", "&resourceVersionMatch=NotOlderThan"]
    paths = [f"{maps}/c0?resourceVersion={FUTURE}", *(f"{maps}?resourceVersion={FUTURE}{rest}" for rest in rests)]
    for answer in await asyncio.gather(*(wire("GET", path) for path in paths)):
        code, reason, message = answer.said
        assert (code, reason) == (504, "Timeout")
        assert message.startswith(f"Timeout: Too large resource version: {FUTURE}, current: ")
        assert answer.headers["Retry-After"] == "1" and answer.json["details"] == {
            "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}], "retryAfterSeconds": 1,
        }  # fmt: skip


ONLY_WITH_REVISION = "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
WRONG = {
    "resourceVersionMatch=Exact": [("resourceVersionMatch", ONLY_WITH_REVISION)],
    "resourceVersionMatch=Exact&resourceVersion=0": [
        ("resourceVersionMatch", 'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"')
    ],
    "resourceVersionMatch=Exact&resourceVersion=1&continue=x": [
        ("resourceVersionMatch", "Forbidden: resourceVersionMatch is forbidden when continue is provided")
    ],
    "resourceVersionMatch=Some&resourceVersion=1": [
        ("resourceVersionMatch", 'Unsupported value: "Some": supported values: "Exact", "NotOlderThan", ""')
    ],
    "sendInitialEvents=true&resourceVersionMatch=NotOlderThan": [
        ("resourceVersionMatch", ONLY_WITH_REVISION), ("sendInitialEvents", "Forbidden: sendInitialEvents is forbidden for list"),
    ],
    "watch=1&sendInitialEvents=true": [
        ("resourceVersionMatch", "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")
    ],
    "watch=1&resourceVersionMatch=NotOlderThan": [
        ("resourceVersionMatch", "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")
    ],
    "watch=1&sendInitialEvents=true&resourceVersionMatch=Exact": [
        ("resourceVersionMatch", "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"),
        ("resourceVersionMatch", 'Unsupported value: "Exact": supported values: "NotOlderThan"'),
    ],
}  # fmt: skip
"""Queries that contradict themselves, and every cause that the refusal names."""


@feature("options that contradict each other: 422 with every cause")
@pytest.mark.parametrize("query", WRONG)
async def test_contradictions(wire: Wire, maps: str, query: str) -> None:
    answer = await wire("GET", f"{maps}?{query}")
    code, reason, message = answer.said
    assert (code, reason) == (422, "Invalid") and message.startswith('ListOptions.meta.k8s.io "" is invalid: ')
    assert [(cause["field"], cause["message"]) for cause in answer.json["details"]["causes"]] == WRONG[query]


@feature("options that contradict each other: 422 with every cause")
@pytest.mark.parametrize("query", ["continue=xx&limit=1", "limit=x", "resourceVersion=abc", "labelSelector=a+in+("])
async def test_what_nobody_understands(wire: Wire, maps: str, query: str) -> None:
    assert (await wire("GET", f"{maps}?{query}")).said[:2] == (400, "BadRequest")


@feature("a continue token together with a revision: 400")
async def test_a_token_knows_its_revision(wire: Wire, maps: str) -> None:
    token = (await wire("GET", f"{maps}?limit=1")).json["metadata"]["continue"]
    code, _, message = (await wire("GET", f"{maps}?limit=1&resourceVersion=5&continue={quote(token, safe='')}")).said
    assert code == 400 and message == "specifying resource version is not allowed when using continue"
