"""Protobuf bodies: what kubectl's generators send in no other form, byte for byte the same to every server."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import CONFIG_MAPS, PODS, SERVICE_ACCOUNTS
from boatyard.server.protobuf_kinds import KINDS

from .features import feature, without
from .wire import Wire

SECTION = "Protobuf bodies"
PROTOBUF = "application/vnd.kubernetes.protobuf"
ACCEPT = f"{PROTOBUF},application/json"
RBAC, AUTH = "rbac.authorization.k8s.io/v1", "authorization.k8s.io/v1"


def field(number: int, value: bytes | str | int) -> bytes:
    """One field: a number, or text, bytes or a message with its length."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def body(api_version: str, kind: str, raw: bytes) -> bytes:
    """An object in its envelope."""
    return b"k8s\x00" + field(1, field(1, api_version) + field(2, kind)) + field(2, raw) + field(3, "") + field(4, "")


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


NAMED = field(1, field(1, "x") + field(2, "") + field(3, "") + field(8, b"") + field(11, field(1, "k") + field(2, "v")))
"""The metadata of an object x with a label, as Go writes it."""
RULES = field(2, field(1, "get") + field(2, "") + field(3, "pods"))
BOUND = field(2, field(1, "User") + field(2, "rbac.authorization.k8s.io") + field(3, "u") + field(4, ""))
ROLE = field(3, field(1, "rbac.authorization.k8s.io") + field(2, "ClusterRole") + field(3, "view"))
PORT = field(1, "http") + field(2, "TCP") + field(3, 80) + field(4, field(1, 0) + field(2, 8080) + field(3, "")) + field(5, 0)
WEB = field(4, field(1, 1) + field(2, 0) + field(3, "web"))
NAMED_PORT = field(1, "named") + field(2, "TCP") + field(3, 81) + WEB + field(5, 0)
SERVICE = field(1, PORT) + field(1, NAMED_PORT) + field(2, field(1, "app") + field(2, "x")) + field(3, "") + field(4, "ClusterIP")
BACKEND = field(4, field(1, "svc") + field(2, field(1, "") + field(2, 80)))
PATHS = field(1, field(1, field(1, "/") + field(2, BACKEND) + field(3, "Prefix")))
INGRESS = field(3, field(1, "example.com") + field(2, PATHS)) + field(2, field(1, "example.com") + field(2, "tls"))

GET_PODS = field(2, "get") + field(5, "pods")
REQUEST = (
    x509.CertificateSigningRequestBuilder()
    .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "someone")]))
    .sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    .public_bytes(serialization.Encoding.PEM)
)


class Body(NamedTuple):
    """A kind as protobuf, where it is posted, and some of what comes of it."""

    api_version: str
    kind: str
    path: str
    raw: bytes
    expected: dict[str, Any]


BODIES = [
    Body("v1", "ConfigMap", "/api/v1/namespaces/{}/configmaps", NAMED + field(2, field(1, "a") + field(2, "ä")) +
         field(3, field(1, "b") + field(2, b"\xff")), {"data": {"a": "ä"}, "binaryData": {"b": "/w=="}}),
    Body("v1", "Secret", "/api/v1/namespaces/{}/secrets", NAMED + field(2, field(1, "p") + field(2, b"\x00")) + field(3, "Opaque"),
         {"data": {"p": "AA=="}, "type": "Opaque"}),
    Body("v1", "Namespace", "/api/v1/namespaces", NAMED + field(2, b"") + field(3, field(1, "")),
         {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}),
    Body("v1", "ServiceAccount", "/api/v1/namespaces/{}/serviceaccounts", NAMED, {}),
    Body("v1", "Service", "/api/v1/namespaces/{}/services", NAMED + field(2, SERVICE) + field(3, field(1, b"")),
         {"spec": {"type": "ClusterIP", "selector": {"app": "x"}, "sessionAffinity": "None", "ports": [
             {"name": "http", "protocol": "TCP", "port": 80, "targetPort": 8080},
             {"name": "named", "protocol": "TCP", "port": 81, "targetPort": "web"}]}}),
    Body("networking.k8s.io/v1", "Ingress", "/apis/networking.k8s.io/v1/namespaces/{}/ingresses",
         NAMED + field(2, INGRESS) + field(3, field(1, b"")),
         {"spec": {"tls": [{"hosts": ["example.com"], "secretName": "tls"}], "rules": [{"host": "example.com", "http": {"paths": [
             {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "svc", "port": {"number": 80}}}}]}}]}}),
    Body(RBAC, "Role", f"/apis/{RBAC}/namespaces/{{}}/roles", NAMED + RULES,
         {"rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]}),
    Body(RBAC, "ClusterRole", f"/apis/{RBAC}/clusterroles", NAMED + RULES,
         {"rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]}),
    Body(RBAC, "RoleBinding", f"/apis/{RBAC}/namespaces/{{}}/rolebindings", NAMED + BOUND + ROLE,
         {"subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "u"}]}),
    Body(RBAC, "ClusterRoleBinding", f"/apis/{RBAC}/clusterrolebindings", NAMED + BOUND + ROLE,
         {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}}),
    Body("certificates.k8s.io/v1", "CertificateSigningRequest", "/apis/certificates.k8s.io/v1/certificatesigningrequests",
         NAMED + field(2, field(1, REQUEST) + field(5, "client auth") + field(7, "example.com/signer")) + field(3, b""),
         {"spec": {"signerName": "example.com/signer", "usages": ["client auth"]}}),
    Body(AUTH, "SelfSubjectAccessReview", f"/apis/{AUTH}/selfsubjectaccessreviews",
         field(1, b"") + field(2, field(1, field(1, "default") + GET_PODS)), {"status": {"allowed": True}}),
    Body(AUTH, "SubjectAccessReview", f"/apis/{AUTH}/subjectaccessreviews",
         field(1, b"") + field(2, field(1, GET_PODS) + field(3, "nobody")), {"status": {"allowed": False}}),
    Body(AUTH, "LocalSubjectAccessReview", f"/apis/{AUTH}/namespaces/{{}}/localsubjectaccessreviews",
         b"", {"status": {"allowed": False}}),
    Body(AUTH, "SelfSubjectRulesReview", f"/apis/{AUTH}/selfsubjectrulesreviews", field(1, b"") + field(2, field(1, "default")),
         {"kind": "SelfSubjectRulesReview"}),
    Body("authentication.k8s.io/v1", "SelfSubjectReview", "/apis/authentication.k8s.io/v1/selfsubjectreviews", field(1, b""),
         {"kind": "SelfSubjectReview"}),
    Body("authentication.k8s.io/v1", "TokenReview", "/apis/authentication.k8s.io/v1/tokenreviews",
         field(1, b"") + field(2, field(1, "nonsense")), {"kind": "TokenReview"}),
]  # fmt: skip
OTHERS = ("DeleteOptions", "Eviction", "TokenRequest", "Binding")
"""Kinds with a test of their own."""


def within(expected: Any, found: Any) -> bool:
    """Whether all that is expected is there."""
    if isinstance(expected, dict):
        return isinstance(found, dict) and all(within(value, found.get(key)) for key, value in expected.items())
    if isinstance(expected, list):
        return isinstance(found, list) and len(expected) == len(found) and all(map(within, expected, found))
    return expected == found


@feature("create with them: " + ", ".join(one.kind for one in BODIES))
@pytest.mark.parametrize("one", BODIES, ids=lambda one: one.kind)
async def test_kinds(wire: Wire, namespace: str, one: Body) -> None:
    raw = one.raw
    if one.kind == "LocalSubjectAccessReview":
        raw = field(1, field(3, namespace)) + field(2, field(1, field(1, namespace) + GET_PODS) + field(3, "nobody"))
    dry = "" if "Review" in one.kind else "?dryRun=All&fieldValidation=Strict"
    answer = await wire("POST", one.path.format(namespace) + dry, body(one.api_version, one.kind, raw), type=PROTOBUF)
    assert answer.status == 201, answer.body
    assert within(one.expected, answer.json), answer.json
    if "Review" not in one.kind:
        assert answer.json["metadata"]["name"] == "x" and answer.json["metadata"]["labels"]["k"] == "v"


@feature("DeleteOptions, Eviction, TokenRequest, Binding")
async def test_options_of_a_deletion(wire: Wire, client: Client, namespace: str) -> None:
    await client.create(CONFIG_MAPS, {"metadata": {"name": "x"}}, namespace)
    where = f"/api/v1/namespaces/{namespace}/configmaps/x"
    refused = await wire("DELETE", where, body("v1", "DeleteOptions", field(2, field(1, "other"))), type=PROTOBUF)
    assert refused.said[:2] == (409, "Conflict")
    options = field(1, 0) + field(4, "Background") + field(5, "All")
    assert (await wire("DELETE", where, body("v1", "DeleteOptions", options), type=PROTOBUF)).status == 200
    assert (await wire("GET", where)).status == 200


@feature("DeleteOptions, Eviction, TokenRequest, Binding")
async def test_what_is_posted_to_objects(wire: Wire, client: Client, namespace: str, account: None) -> None:
    pod = {"metadata": {"name": "x"}, "spec": {"containers": [{"name": "c", "image": "busybox"}]}}
    await client.create(PODS, pod, namespace)
    where = f"/api/v1/namespaces/{namespace}/pods/x"
    metadata = field(1, field(1, "x") + field(3, namespace))
    target = field(2, field(1, "Node") + field(2, "") + field(3, "n1"))
    assert (await wire("POST", f"{where}/binding", body("v1", "Binding", metadata + target), type=PROTOBUF)).status == 201
    assert (await wire("GET", where)).json["spec"]["nodeName"] == "n1"
    eviction = body("policy/v1", "Eviction", metadata + field(2, field(1, 0)))
    assert (await wire("POST", f"{where}/eviction", eviction, type=PROTOBUF)).status == 201
    token = body("authentication.k8s.io/v1", "TokenRequest", field(1, b"") + field(2, field(4, 600)) + field(3, field(2, b"")))
    answer = await wire("POST", f"{SERVICE_ACCOUNTS.path(namespace)}/default/token", token, type=PROTOBUF)
    assert answer.status == 201 and answer.json["status"]["token"]


@feature("JSON is the answer to who takes JSON beside protobuf")
@without("kubernetes", because="it answers with protobuf")
async def test_the_answer_is_json(wire: Wire, namespace: str) -> None:
    one = BODIES[0]
    answer = await wire(
        "POST", one.path.format(namespace), body(one.api_version, one.kind, one.raw), type=PROTOBUF, accept=ACCEPT
    )
    assert answer.status == 201 and answer.type == "application/json" and answer.json["kind"] == "ConfigMap"


@feature("404 for protobuf to a type that isn't served, before anything is read")
@without("kubernetes", because="it serves them")
@pytest.mark.parametrize(
    "path",
    ["apps/v1/namespaces/{}/deployments", "batch/v1/namespaces/{}/jobs", "batch/v1/namespaces/{}/cronjobs",
     "policy/v1/namespaces/{}/poddisruptionbudgets", "scheduling.k8s.io/v1/priorityclasses"],
)  # fmt: skip
async def test_types_that_are_not_served(wire: Wire, namespace: str, path: str) -> None:
    kind = path.rpartition("/")[2]
    assert (await wire("POST", f"/apis/{path.format(namespace)}", body("x/v1", kind, NAMED), type=PROTOBUF)).said[0] == 404


@feature("fields that aren't known are refused, never dropped")
@without("kubernetes", because="it drops them")
async def test_unknown_fields(wire: Wire, namespace: str) -> None:
    raw = body("v1", "ConfigMap", NAMED + field(99, "x"))
    code, _, message = (await wire("POST", f"/api/v1/namespaces/{namespace}/configmaps", raw, type=PROTOBUF)).said
    assert (code, message) == (415, "protobuf: field 99 of ConfigMap is not supported; send application/json")


def test_every_kind_that_is_read_is_here() -> None:
    assert {one.kind for one in BODIES} | set(OTHERS) == KINDS.keys()
