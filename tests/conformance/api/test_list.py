"""list: selectors, and pages that all show the same moment."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import CONFIG_MAPS, EVENTS, SECRETS
from boatyard.machinery.meta.errors import BadRequest
from boatyard.machinery.meta.resource import Resource

from .features import feature
from .waiting import told_of
from .widgets import widget

SECTION = "Lists"


def names(page: Any) -> list[str]:
    return [obj["metadata"]["name"] for obj in page.items]


@pytest_asyncio.fixture(loop_scope="session")
async def five(client: Client, namespace: str) -> None:
    for number in range(5):
        labels = {"number": str(number), "half": "low" if number < 3 else "high"}
        await client.create(CONFIG_MAPS, {"metadata": {"name": f"c{number}", "labels": labels}}, namespace)


@feature("label selectors, all operators")
@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("half=low", ["c0", "c1", "c2"]),
        ("half!=low,number", ["c3", "c4"]),
        ("number in (1,4)", ["c1", "c4"]),
        ("number notin (1,4),half", ["c0", "c2", "c3"]),
        ("number>2", ["c3", "c4"]),
        ("half=low,number=1", ["c1"]),
        ("half==high", ["c3", "c4"]),
        ("number<1", ["c0"]),
        ("!half,number", []),
        ("number,!other", ["c0", "c1", "c2", "c3", "c4"]),
        ("nothing", []),
    ],
)
async def test_label_selectors(client: Client, namespace: str, five: None, selector: str, found: list[str]) -> None:
    assert names(await client.list(CONFIG_MAPS, namespace, label_selector=selector)) == found


@feature("field selectors: name, namespace, and the kind's own (`selectableFields` of custom kinds)")
async def test_field_selectors_on_names(client: Client, namespace: str, five: None) -> None:
    assert names(await client.list(CONFIG_MAPS, namespace, field_selector="metadata.name=c3")) == ["c3"]
    assert names(await client.list(CONFIG_MAPS, field_selector=f"metadata.name=c3,metadata.namespace={namespace}")) == ["c3"]
    rest = names(await client.list(CONFIG_MAPS, namespace, field_selector="metadata.name!=c3", label_selector="number"))
    assert rest == ["c0", "c1", "c2", "c4"]


@feature("field selectors: name, namespace, and the kind's own (`selectableFields` of custom kinds)")
async def test_field_selectors_of_a_kind(client: Client, namespace: str, widgets: Resource) -> None:
    await client.create(SECRETS, {"metadata": {"name": "s"}, "type": "example.com/a"}, namespace)
    assert names(await client.list(SECRETS, namespace, field_selector="type=example.com/a")) == ["s"]
    await client.create(widgets, widget("red"), namespace)
    await client.create(widgets, widget("green", color="green"), namespace)
    assert names(await client.list(widgets, namespace, field_selector="spec.color=green")) == ["green"]
    event = {"metadata": {"name": "e"}, "involvedObject": {"kind": "Pod", "name": "p", "namespace": namespace}, "reason": "Why"}
    await client.create(EVENTS, event, namespace)
    assert names(await client.list(EVENTS, namespace, field_selector="involvedObject.name=p,reason=Why")) == ["e"]
    assert names(await client.list(EVENTS, namespace, field_selector="involvedObject.name=q")) == []


@feature("field selectors: name, namespace, and the kind's own (`selectableFields` of custom kinds)")
@pytest.mark.parametrize("selector", ["spec.nodeName=n", "data.a=1"])
async def test_a_field_selector_nobody_supports(client: Client, namespace: str, selector: str) -> None:
    with pytest.raises(BadRequest, match=r"field label not supported|not a known field selector"):
        await client.list(CONFIG_MAPS, namespace, field_selector=selector)


@feature("label selectors, all operators")
@pytest.mark.parametrize("selector", ["a in", "=x", "a b"])
async def test_a_label_selector_nobody_understands(client: Client, namespace: str, selector: str) -> None:
    with pytest.raises(BadRequest):
        await client.list(CONFIG_MAPS, namespace, label_selector=selector)


@feature("pages (limit, continue) with how many remain")
async def test_pages_show_one_moment(client: Client, namespace: str, five: None) -> None:
    first = await client.list(CONFIG_MAPS, namespace, limit=2, label_selector="number")
    assert len(first.items) == 2 and first.continue_token
    await client.create(CONFIG_MAPS, {"metadata": {"name": "c9", "labels": {"number": "9"}}}, namespace)
    await client.delete(CONFIG_MAPS, "c4", namespace)
    second = await client.list(CONFIG_MAPS, namespace, limit=2, label_selector="number", continue_token=first.continue_token)
    third = await client.list(CONFIG_MAPS, namespace, limit=2, label_selector="number", continue_token=second.continue_token)
    assert names(first) + names(second) + names(third) == ["c0", "c1", "c2", "c3", "c4"]
    assert not third.continue_token
    assert first.resource_version == second.resource_version == third.resource_version


@feature("pages (limit, continue) with how many remain")
async def test_how_many_remain(client: Client, namespace: str, widgets: Resource) -> None:
    for number in range(3):
        await client.create(widgets, widget(f"w{number}"), namespace)
    page = await client.list(widgets, namespace, limit=1)
    assert page.remaining == 2


@feature("pages (limit, continue) with how many remain")
async def test_a_token_that_is_none(client: Client, namespace: str) -> None:
    with pytest.raises(BadRequest):
        await client.list(CONFIG_MAPS, namespace, limit=1, continue_token="nonsense")


@feature("of one namespace or all")
async def test_namespaces_are_apart(client: Client, namespace: str, five: None) -> None:
    assert "c0" not in names(await client.list(CONFIG_MAPS, "default"))
    everywhere = await client.list(CONFIG_MAPS, label_selector="number")
    assert [obj["metadata"]["name"] for obj in everywhere.items if obj["metadata"]["namespace"] == namespace] == [
        f"c{n}" for n in range(5)
    ]


@feature("of one namespace or all")
async def test_the_list_knows_its_revision(client: Client, namespace: str, five: None) -> None:
    page = await client.list(CONFIG_MAPS, namespace, label_selector="number")
    assert int(page.resource_version) >= max(int(obj["metadata"]["resourceVersion"]) for obj in page.items)
    await told_of(client, CONFIG_MAPS, namespace, page.resource_version)
    again = await client.list(CONFIG_MAPS, namespace, label_selector="number", resource_version="0")
    assert names(again) == [f"c{n}" for n in range(5)]
