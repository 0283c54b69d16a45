"""Answers: codes, headers, forms, and what is said of a call that can't be understood."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta import yaml
from boatyard.machinery.meta.core import CONFIG_MAPS

from .features import feature, without
from .wire import Wire

SECTION = "Answers"
META = "v=v1;g=meta.k8s.io"
TABLE = f"application/json;as=Table;{META}"


@pytest_asyncio.fixture(loop_scope="session")
async def maps(client: Client, namespace: str) -> str:
    """The address of config maps, of which there is one: c."""
    await client.create(CONFIG_MAPS, {"metadata": {"name": "c", "labels": {"mine": ""}}, "data": {"k": "v"}}, namespace)
    return f"/api/v1/namespaces/{namespace}/configmaps"


@feature("codes: 200, 201 for what is made, a Status for every refusal")
async def test_codes_of_success(wire: Wire, maps: str) -> None:
    assert (await wire("POST", maps, {"metadata": {"name": "d"}})).status == 201
    applied = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "e"}}
    apply = "application/apply-patch+yaml"
    assert (await wire("PATCH", f"{maps}/e?fieldManager=m", applied, type=apply)).status == 201
    assert (await wire("PATCH", f"{maps}/e?fieldManager=m", applied, type=apply)).status == 200
    assert (await wire("PUT", f"{maps}/d", {"metadata": {"name": "d"}, "data": {"a": "1"}})).status == 200
    merge = "application/merge-patch+json"
    assert (await wire("PATCH", f"{maps}/d", {"data": {"a": "2"}}, type=merge)).status == 200
    deleted = await wire("DELETE", f"{maps}/d")
    assert (deleted.status, deleted.json["kind"], deleted.json["status"]) == (200, "Status", "Success")


@feature("Cache-Control: nothing is kept by caches, refusals neither")
@pytest.mark.parametrize("rest", ["", "/c", "/none", "?watch=1&timeoutSeconds=1&resourceVersion=0"])
async def test_nothing_is_cached(wire: Wire, maps: str, rest: str) -> None:
    assert (await wire("GET", maps + rest)).headers["Cache-Control"] == "no-cache, private"


@feature("Audit-Id: what a call is known by in the audit log; the caller's own, else a fresh one")
@pytest.mark.parametrize("path", ["{maps}/c", "{maps}/none", "/nothing", "/version", "/readyz", "{maps}?watch=1&timeoutSeconds=1"])
async def test_every_call_has_an_id(wire: Wire, maps: str, path: str) -> None:
    where = path.format(maps=maps)
    fresh = {(await wire("GET", where)).headers["Audit-Id"] for _ in range(2)}
    assert len(fresh) == 2 and all(UUID(each) for each in fresh)
    own = "the caller's/own id"
    assert (await wire("GET", where, headers={"Audit-Id": own})).headers.getall("Audit-Id") == [own]


@feature("as JSON or YAML, by Accept and its weights")
async def test_json_and_yaml(wire: Wire, maps: str) -> None:
    for accept in ("application/json", "*/*", "", "application/json;q=0.9,*/*;q=0.1", "text/html,application/json"):
        assert (await wire("GET", f"{maps}/c", accept=accept)).type == "application/json", accept
    answer = await wire("GET", f"{maps}/c", accept="application/yaml")
    assert answer.type == "application/yaml"
    found: Any = yaml.load(answer.body.decode())
    assert (found["kind"], found["metadata"]["name"], found["data"]) == ("ConfigMap", "c", {"k": "v"})


@feature("bodies in YAML")
async def test_a_body_in_yaml(wire: Wire, maps: str) -> None:
    answer = await wire("POST", maps, b"metadata:\n  name: yaml\ndata:\n  a: 'yes'\n", type="application/yaml")
    assert answer.status == 201 and answer.json["data"] == {"a": "yes"}


@feature("bodies in YAML")
async def test_yes_is_true_in_a_body_in_yaml(wire: Wire, maps: str) -> None:
    answer = await wire("POST", maps, b"metadata:\n  name: said\nimmutable: yes\n", type="application/yaml")
    assert answer.status == 201 and answer.json["immutable"] is True
    applied = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: unsaid}\nimmutable: Off\n"
    answer = await wire("PATCH", f"{maps}/unsaid?fieldManager=m", applied, type="application/apply-patch+yaml")
    assert answer.status == 201 and answer.json["immutable"] is False


@feature("as a Table, with the metadata, the object or nothing in its rows")
@pytest.mark.parametrize(
    ("query", "kind"), [("", "PartialObjectMetadata"), ("&includeObject=Object", "ConfigMap"), ("&includeObject=None", None)]
)
async def test_a_table(wire: Wire, maps: str, query: str, kind: str | None) -> None:
    table = (await wire("GET", f"{maps}?labelSelector=mine{query}", accept=TABLE)).json
    assert (table["kind"], table["apiVersion"]) == ("Table", "meta.k8s.io/v1") and table["metadata"]["resourceVersion"]
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Data", "Age"]
    (row,) = table["rows"]
    assert row["cells"][:2] == ["c", 1] and ((row.get("object") or {}).get("kind")) == kind


@feature("as a Table, with the metadata, the object or nothing in its rows")
async def test_a_table_that_nobody_can_make(wire: Wire, maps: str) -> None:
    code, _, message = (await wire("GET", f"{maps}?includeObject=Some", accept=TABLE)).said
    assert code == 400 and message.startswith("Unable to convert to Table as requested: includeObject: Invalid value")


@feature("a Table of one object, and of a refusal none")
async def test_a_table_of_one(wire: Wire, maps: str) -> None:
    table = (await wire("GET", f"{maps}/c", accept=TABLE)).json
    assert table["kind"] == "Table" and len(table["rows"]) == 1
    assert (await wire("GET", f"{maps}/none", accept=TABLE)).said[:2] == (404, "NotFound")


@feature("metadata only (PartialObjectMetadata, PartialObjectMetadataList)")
async def test_metadata_only(wire: Wire, maps: str) -> None:
    one = (await wire("GET", f"{maps}/c", accept=f"application/json;as=PartialObjectMetadata;{META}")).json
    assert one.keys() == {"kind", "apiVersion", "metadata"} and one["kind"] == "PartialObjectMetadata"
    page = await wire("GET", f"{maps}?labelSelector=mine", accept=f"application/json;as=PartialObjectMetadataList;{META}")
    assert page.json["kind"] == "PartialObjectMetadataList"
    (item,) = page.json["items"]
    assert item["metadata"]["name"] == "c" and "data" not in item


@feature("406 for a form that isn't there")
@pytest.mark.parametrize(
    ("rest", "accept"),
    [
        ("/c", "text/html"), ("/c", f"application/json;as=PartialObjectMetadataList;{META}"),
        ("", f"application/json;as=PartialObjectMetadata;{META}"), ("/c", "application/json;as=Table;v=v9;g=meta.k8s.io"),
    ],
)  # fmt: skip
async def test_no_such_form(wire: Wire, maps: str, rest: str, accept: str) -> None:
    assert (await wire("GET", maps + rest, accept=accept)).said[:2] == (406, "NotAcceptable")


@feature("406 for a form that isn't there")
async def test_a_method_that_is_not_there_is_told_first(wire: Wire, maps: str) -> None:
    for method, rest in (("POST", "/c"), ("PATCH", ""), ("PUT", "")):
        assert (await wire(method, maps + rest, body={}, accept="text/html")).said[:2] == (405, "MethodNotAllowed")


@feature("a Table when there is one, else the object (how kubectl asks)")
async def test_the_first_form_that_is_there(wire: Wire, maps: str) -> None:
    asked = f"application/json;as=Table;v=v9;g=meta.k8s.io,{TABLE},application/json"
    assert (await wire("GET", f"{maps}/c", accept=asked)).json["kind"] == "Table"
    asked = "application/json;as=Table;v=v9;g=x,application/json"
    assert (await wire("GET", f"{maps}/c", accept=asked)).json["kind"] == "ConfigMap"


@feature("?pretty=true indents")
async def test_pretty(wire: Wire, maps: str) -> None:
    pretty = (await wire("GET", f"{maps}/c?pretty=true")).body
    assert b'\n  "data": {\n    "k": "v"\n  }' in pretty and json.loads(pretty)["data"] == {"k": "v"}
    assert (await wire("GET", f"{maps}/c")).body.count(b"\n") <= 1


@feature("405 for a method that a type doesn't have")
@pytest.mark.parametrize(
    ("method", "rest"), [("POST", "/c"), ("PUT", ""), ("PATCH", ""), ("OPTIONS", ""), ("DELETE", "/c/status"), ("HEAD", "/c")]
)
async def test_no_such_method(wire: Wire, maps: str, method: str, rest: str) -> None:
    answer = await wire(method, maps + rest, None if method in ("OPTIONS", "HEAD") else {})
    if rest.endswith("status"):
        assert answer.status in (404, 405), "config maps have no status"
    else:
        assert answer.status == 405


@feature("404 for a type that nobody serves")
async def test_no_such_type(wire: Wire, namespace: str) -> None:
    assert (await wire("GET", f"/api/v1/namespaces/{namespace}/nothings")).said[:2] == (404, "NotFound")
    for path in ("/apis/nobody.example.com/v1/things", "/nowhere"):
        assert (await wire("GET", path)).status == 404


@feature("415 for a body in a form that nobody reads")
async def test_no_such_body(wire: Wire, maps: str) -> None:
    assert (await wire("POST", maps, {"metadata": {"name": "x"}}, type="text/plain")).said[:2] == (415, "UnsupportedMediaType")
    assert (await wire("PATCH", f"{maps}/c", {"data": {}}, type="application/json")).said[:2] == (415, "UnsupportedMediaType")


@feature("400 for a body that is no object of the kind")
@pytest.mark.parametrize(
    "body",
    [b"", b"nonsense", b"[]", b'"x"', b'{"kind":"Pod","metadata":{"name":"x"}}', b'{"apiVersion":"v2","kind":"ConfigMap"}',
     b'{"metadata":{"name":"x"},"data":{"a":1}}', b'{"metadata":[]}'],
)  # fmt: skip
async def test_no_object(wire: Wire, maps: str, body: bytes) -> None:
    assert (await wire("POST", maps, body)).said[:2] == (400, "BadRequest")


@feature("413 for a body of more than 3 MiB")
async def test_too_large(wire: Wire, maps: str) -> None:
    body = json.dumps({"metadata": {"name": "x"}, "data": {"a": "x" * (3 << 20)}}).encode()
    code, reason, message = (await wire("POST", maps, body)).said
    assert (code, reason) == (413, "RequestEntityTooLarge") and message == "Request entity too large: limit is 3145728"


PATCHED = ("PATCH", "/c", b"{}", "application/merge-patch+json")
OPTIONS: dict[str, tuple[tuple[str, str, bytes, str], str, str, str]] = {
    "dryRun=Some": (("POST", "", b'{"metadata":{"name":"x"}}', "application/json"), "CreateOptions", "dryRun",
                    'Unsupported value: ["Some"]: supported values: "All"'),
    "fieldValidation=Some": (("PUT", "/c", b'{"metadata":{"name":"c"}}', "application/json"), "UpdateOptions", "fieldValidation",
                             'Unsupported value: "Some": supported values: "", "Ignore", "Strict", "Warn"'),
    "fieldManager=" + "x" * 129: (PATCHED, "PatchOptions", "fieldManager", "Too long: may not be more than 128 bytes"),
    "fieldManager=a%0Ab": (PATCHED, "PatchOptions", "fieldManager",
                           'Invalid value: "a\\nb": invalid character U+000A (at position 1)'),
    "force=true": (PATCHED, "PatchOptions", "force", "Forbidden: may not be specified for non-apply patch"),
    "applied": (("PATCH", "/c", b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"}}', "application/apply-patch+yaml"),
                "PatchOptions", "fieldManager", "Required value: is required for apply patch"),
    "both": (("DELETE", "/c", b'{"propagationPolicy":"Orphan","orphanDependents":true}', "application/json"), "DeleteOptions",
             "propagationPolicy", 'Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set'),
}  # fmt: skip
"""By query: the call, the options it is of, and what is wrong with them."""


@feature("422 for options that are wrong, with the field and why")
@pytest.mark.parametrize("query", OPTIONS)
async def test_wrong_options(wire: Wire, maps: str, query: str) -> None:
    (method, rest, body, type), kind, field, message = OPTIONS[query]
    answer = await wire(method, f"{maps}{rest}?{query}", body, type=type)
    assert answer.said == (422, "Invalid", f'{kind}.meta.k8s.io "" is invalid: {field}: {message}')
    details = answer.json["details"]
    assert (details["kind"], details["group"]) == (kind, "meta.k8s.io") and "name" not in details
    assert [(cause["field"], cause["message"]) for cause in details["causes"]] == [(field, message)]


@feature("dryRun=All: everything but the write")
async def test_dry_run(wire: Wire, maps: str) -> None:
    made = await wire("POST", f"{maps}?dryRun=All", {"metadata": {"name": "dry"}})
    assert made.status == 201 and made.json["metadata"]["uid"] and "resourceVersion" not in made.json["metadata"]
    merge = "application/merge-patch+json"
    assert (await wire("PATCH", f"{maps}/c?dryRun=All", {"data": {"k": "w"}}, type=merge)).json["data"] == {"k": "w"}
    assert (await wire("DELETE", f"{maps}/c?dryRun=All")).status == 200
    assert (await wire("DELETE", f"{maps}?dryRun=All")).status == 200
    assert (await wire("GET", f"{maps}/dry")).status == 404
    assert (await wire("GET", f"{maps}/c")).json["data"] == {"k": "v"}


@feature("health (/healthz, /livez, /readyz): ?verbose, ?exclude, one check by its address")
@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz"])
async def test_health(wire: Wire, path: str) -> None:
    answer = await wire("GET", path, accept="*/*")
    assert (answer.status, answer.body) == (200, b"ok") and answer.type == "text/plain; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-cache, private" and answer.headers["X-Content-Type-Options"] == "nosniff"
    lines = (await wire("GET", f"{path}?verbose", accept="*/*")).body.decode().splitlines()
    assert lines[0] == "[+]ping ok" and lines[-1] == f"{path[1:]} check passed"
    lines = (await wire("GET", f"{path}?verbose&exclude=ping", accept="*/*")).body.decode().splitlines()
    assert lines[0] == "[+]ping excluded: ok"
    assert (await wire("GET", f"{path}/ping", accept="*/*")).body == b"ok"
    assert (await wire("GET", f"{path}/nothing", accept="*/*")).status == 404


@feature("/version")
async def test_version(wire: Wire) -> None:
    told = (await wire("GET", "/version")).json
    assert told["major"] == "1" and told["minor"].rstrip("+").isdigit() and told["gitVersion"].startswith(f"v1.{told['minor']}.")
    assert {"gitCommit", "gitTreeState", "buildDate", "goVersion", "compiler", "platform"} <= told.keys()


@feature("/metrics in Prometheus' text form")
async def test_metrics(wire: Wire) -> None:
    answer = await wire("GET", "/metrics", accept="*/*")
    assert answer.status == 200 and answer.type.startswith("text/plain") and b"\n# TYPE " in answer.body


@feature("many calls over one connection, and many connections")
@without("kubernetes", because="it is a trait of a server, not of the API")
async def test_many_at_once(wire: Wire, maps: str) -> None:
    answers = await asyncio.gather(*(wire("GET", f"{maps}/c") for _ in range(50)))
    assert {answer.status for answer in answers} == {200}
