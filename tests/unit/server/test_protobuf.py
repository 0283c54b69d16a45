"""The protobuf that kubectl sends, field by field. The bytes are built here by the rules of the wire format."""

from __future__ import annotations

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boatyard.machinery.meta.errors import ApiError, BadRequest, UnsupportedMediaType
from boatyard.server.protobuf import MEDIA_TYPE, decode


def varint(value: int) -> bytes:
    out = bytearray()
    value &= (1 << 64) - 1
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def field(number: int, value: bytes | str | int) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def body(api_version: str, kind: str, raw: bytes) -> bytes:
    type_meta = field(1, api_version) + field(2, kind)
    return b"k8s\x00" + field(1, type_meta) + field(2, raw) + field(3, "") + field(4, "")


METADATA = field(1, field(1, "x") + field(2, "") + field(8, b"") + field(11, field(1, "k") + field(2, "v")))
BARE = {"name": "x", "labels": {"k": "v"}}


@pytest.mark.parametrize(
    ("kind", "raw", "obj"),
    [
        ("ConfigMap", METADATA + field(2, field(1, "a") + field(2, "ä")) + field(2, field(1, "empty")) + field(4, 1),
         {"metadata": BARE, "data": {"a": "ä", "empty": ""}, "immutable": True}),
        ("Secret", METADATA + field(2, field(1, "p") + field(2, b"\xff\x00")) + field(3, "Opaque"),
         {"metadata": BARE, "data": {"p": "/wA="}, "type": "Opaque"}),
        ("Role", METADATA + field(2, field(1, "get") + field(1, "list") + field(2, "") + field(3, "pods")),
         {"metadata": BARE, "rules": [{"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]}]}),
        ("DeleteOptions", field(1, 0) + field(2, field(1, "uid")) + field(4, "Background") + field(5, "All"),
         {"gracePeriodSeconds": 0, "preconditions": {"uid": "uid"}, "propagationPolicy": "Background", "dryRun": ["All"]}),
        ("DeleteOptions", field(1, -1), {"gracePeriodSeconds": -1}),
        ("Service", METADATA + field(2, field(1, field(1, "a") + field(3, 80) + field(4, field(1, 1) + field(3, "b")) + field(5, 0))
         + field(1, field(3, 443) + field(4, field(1, 0) + field(2, 8443) + field(3, ""))) + field(12, 0) + field(13, 0)),
         {"metadata": BARE, "spec": {"ports": [{"name": "a", "port": 80, "targetPort": "b"}, {"port": 443, "targetPort": 8443}]}}),
        ("Ingress",
         METADATA + field(2, field(3, field(1, "h") + field(2, field(1, field(1, field(1, "/") + field(3, "Exact")))))),
         {"metadata": BARE, "spec": {"rules": [{"host": "h", "http": {"paths": [{"path": "/", "pathType": "Exact"}]}}]}}),
        ("CertificateSigningRequest", field(1, field(17, field(1, "m") + field(7, field(1, '{"f:spec":{}}'))))
         + field(3, field(1, field(1, "Approved") + field(6, "True"))),
         {"metadata": {"managedFields": [{"manager": "m", "fieldsV1": {"f:spec": {}}}]},
          "status": {"conditions": [{"type": "Approved", "status": "True"}]}}),
        ("SelfSubjectAccessReview", METADATA + field(2, field(1, field(1, "ns") + field(2, "get") + field(5, "pods"))),
         {"metadata": BARE, "spec": {"resourceAttributes": {"namespace": "ns", "verb": "get", "resource": "pods"}}}),
    ],
)  # fmt: skip
def test_objects_are_read(kind: str, raw: bytes, obj: dict) -> None:
    assert decode(body("v1", kind, raw)) == {"apiVersion": "v1", "kind": kind, **obj}


def test_times_are_read() -> None:
    metadata = field(1, field(8, field(1, 1_767_225_600)))
    assert decode(body("v1", "ConfigMap", metadata))["metadata"] == {"creationTimestamp": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("data", "error", "told"),
    [
        (b"{}", BadRequest, "must begin with"),
        (b"k8s\x00\x0a\x7f", BadRequest, "ends too early"),
        (b"k8s\x00\xff", BadRequest, "broken number"),
        (body("v1", "Pod", b""), UnsupportedMediaType, "not supported for Pod"),
        (body("v1", "ConfigMap", field(99, "x")), UnsupportedMediaType, "field 99 of ConfigMap"),
        (body("v1", "ConfigMap", field(4, "x")), BadRequest, "wire type"),
        (body("v1", "ConfigMap", field(1, field(1, b"\xff"))), BadRequest, "not UTF-8"),
    ],
)
def test_what_can_not_be_read_is_told(data: bytes, error: type[ApiError], told: str) -> None:
    with pytest.raises(error, match=told):
        decode(data)


@given(st.binary(max_size=200))
def test_no_bytes_break_it(data: bytes) -> None:
    for raw in (b"k8s\x00" + data, body("v1", "Secret", data)):
        try:
            decode(raw)
        except (BadRequest, UnsupportedMediaType):
            pass


async def test_it_is_taken_where_json_is(http: aiohttp.ClientSession) -> None:
    data = body("v1", "ConfigMap", METADATA + field(2, field(1, "a") + field(2, "1")))
    async with http.post("/api/v1/namespaces/default/configmaps", data=data, headers={"Content-Type": MEDIA_TYPE}) as response:
        assert response.status == 201
        assert (await response.json())["data"] == {"a": "1"}
