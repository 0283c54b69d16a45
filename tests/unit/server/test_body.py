"""What is read of a body, and what is said of it."""

from __future__ import annotations

import json

import aiohttp
import pytest

MAPS = "/api/v1/namespaces/default/configmaps?dryRun=All"
YAML, JSON = "application/yaml", "application/json"
WHOLE = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
TEXT = json.dumps(WHOLE)


async def sent(http: aiohttp.ClientSession, body: str, type: str = JSON, **query: str) -> tuple[int, list[str], dict]:
    """Status, warnings and answer."""
    async with http.post(MAPS, data=body.encode(), headers={"Content-Type": type}, params=query) as response:
        warnings = [told.removeprefix('299 - "')[:-1].replace("\\", "") for told in response.headers.getall("Warning", ())]
        return response.status, warnings, await response.json()


@pytest.mark.parametrize("rest", ["x", "}", TEXT, "\nx: y", "\n---\n{", '\n---\n{"kind": "Secret"}'])
async def test_of_yaml_the_first_document_is_read(http: aiohttp.ClientSession, rest: str) -> None:
    status, _, made = await sent(http, TEXT + rest, YAML)
    assert (status, made["metadata"]["name"]) == (201, "a")


@pytest.mark.parametrize("rest", ["@", ": x"])
async def test_what_makes_the_first_document_unreadable_is_refused(http: aiohttp.ClientSession, rest: str) -> None:
    assert (await sent(http, TEXT + rest, YAML))[0] == 400


async def test_keys_that_yaml_has_twice_are_told_and_the_last_counts(http: aiohttp.ClientSession) -> None:
    body = "kind: ConfigMap\nmetadata: {name: a}\ndata:\n  a: one\n  a: two\nmore: {b: 1}\nmore: {b: 1}\n"
    status, warnings, made = await sent(http, body, YAML)
    assert (status, made["data"]) == (201, {"a": "two"})
    assert warnings == ['line 5: key "a" already set in map', 'line 7: key "more" already set in map', 'unknown field "more"']
    assert (await sent(http, body, YAML, fieldValidation="Ignore"))[1] == []
    status, _, refusal = await sent(http, body, YAML, fieldValidation="Strict")
    assert status == 400 and 'line 5: key "a" already set in map' in refusal["message"]


async def test_of_what_json_has_twice_the_unknown_is_only_said_to_be_unknown(http: aiohttp.ClientSession) -> None:
    status, warnings, _ = await sent(http, TEXT[:-1] + ', "data": {"a": "1", "a": "2"}, "more": {"b": 1, "b": 1}, "more": 1}')
    assert (status, warnings) == (201, ['duplicate field "data.a"', 'unknown field "more"'])


@pytest.mark.parametrize(
    ("members", "type", "status"),
    [
        ('"kind": "ConfigMap", "Kind": "x"', JSON, 400), ('"KIND": "x", "kind": "ConfigMap"', JSON, 201),
        ('"kind": "ConfigMap", "Kind": null', JSON, 201), ('"Kind": 5', JSON, 400),
        ('"apiVersion": "v1", "ApiVersion": "v9"', JSON, 400),
        ('"kind": "ConfigMap", "Kind": "x"', YAML, 201), ('"apiVersion": "v1", "apiversion": "v9"', YAML, 400),
    ],
)  # fmt: skip
async def test_a_type_may_be_said_in_any_case(http: aiohttp.ClientSession, members: str, type: str, status: int) -> None:
    assert (await sent(http, f'{{"metadata": {{"name": "a"}}, {members}}}', type))[0] == status


async def test_warnings_are_told_in_any_script(http: aiohttp.ClientSession) -> None:
    assert (await sent(http, TEXT[:-1] + ', "größe": 1}'))[1] == ['unknown field "größe"']
