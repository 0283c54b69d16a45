"""Requests that nobody who means well sends, as bytes for a socket. From one seed always the same."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections.abc import Iterator
from urllib.parse import quote

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "get", "FOO", "GET\x00", ""]
OBJECTS = "/api/v1/namespaces/team/configmaps"
PATHS = [
    OBJECTS,
    f"{OBJECTS}/there",
    f"{OBJECTS}/there/status",
    "/api/v1/namespaces/team/secrets/there",
    "/api/v1/namespaces/team/pods/there/log",
    "/api/v1/namespaces/team/pods/there/exec?command=x",
    "/api/v1/namespaces/team",
    "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "/apis",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "/api/v1/namespaces/team/serviceaccounts/worker/token",
    "/openapi/v3/api/v1",
    "/openapi/v2",
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    "/apis/authentication.k8s.io/v1/tokenreviews",
    "/metrics",
    "/version",
    "/-/login",
    "/ci/team/shop/hooks/gitea",
    "/-/artifacts/team/shop/1/1/a",
    "/containerLogs/team/there/main",
    "/exec/team/there/main",
    "/hooks/github",
    "/builds/1",
]
TWISTS = [
    "",
    "/",
    "//",
    "/..",
    "/../..",
    "/%2e%2e/x",
    "/%2F",
    "/%00",
    "/%",
    "/%zz",
    "/%ff%fe",
    "\x00",
    "\x7f",
    "/\udcff",
    "?",
    "?a=%00",
    "?watch=1&timeoutSeconds=1",
    "?limit=-1",
    "?limit=99999999999999999999",
    "?continue=%ff",
    "?continue=e30",
    "?resourceVersion=-1",
    "?resourceVersion=1e9",
    "?fieldSelector=%3D",
    "?labelSelector=a%20in%20(",
    "?labelSelector=" + quote("(" * 500),
    "?fieldSelector=metadata.name%3D%00",
    "?dryRun=All&dryRun=All",
    "?fieldManager=" + "x" * 200,
    "?timeoutSeconds=x",
    "?fieldValidation=x",
    "?pretty=true",
    "?propagationPolicy=x",
    "?gracePeriodSeconds=-9",
    "?" + "&".join(f"a{n}=b" for n in range(400)),
    "#x",
    "/a" * 300,
    "?watch=1&resourceVersion=99999999&timeoutSeconds=1",
]
TYPES = [
    "application/json",
    "application/yaml",
    "application/vnd.kubernetes.protobuf",
    "application/merge-patch+json",
    "application/json-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
    "text/plain",
    "",
    "application/json; charset=\udcff",
    "a" * 300,
    "multipart/form-data; boundary=x",
]
HEADERS = [
    "",
    "Accept: application/json;as=Table;v=v1;g=meta.k8s.io",
    "Accept: " + ",".join(["a/b;q=0.1"] * 300),
    "Accept: x\udcff",
    "Accept-Encoding: gzip, br, zstd",
    "Impersonate-User: x",
    "Impersonate-User: system:serviceaccount:::",
    "Impersonate-Extra-%zz: x",
    "Impersonate-Group: x",
    "X-Big: " + "x" * 9000,
    "Expect: 100-continue",
    "Upgrade: websocket",
    "Upgrade: SPDY/3.1\r\nConnection: Upgrade",
    "Connection: close",
    "Range: bytes=0-",
    "Content-Encoding: br",
    "Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\nUpgrade: websocket\r\nConnection: Upgrade",
    "Host: evil.example",
    "Authorization: Basic !!!",
    "Cookie: boatyard_session=" + "a." * 100,
    "User-Agent: \udcff/\x0b",
    "\r\n".join(f"X-{n}: y" for n in range(200)),
]


def bodies(rng: random.Random) -> Iterator[bytes]:
    """Never ends."""
    deep = 200_000
    fixed = [
        b"",
        b"{",
        b"[]",
        b"null",
        b"1",
        b'"x"',
        b"{}",
        b"\x00",
        b"\xff\xfe",
        b"[" * deep,
        b'{"a":' * 50_000,
        b"[" * deep + b"]" * deep,
        b"- " * 20_000,
        b"? " * 3000,
        b"{" * 5000,
        b"a: &a [x,x]\n"
        + b"".join(b"b%d: &b%d [*%s,*%s]\n" % (n, n, p, p) for n, p in enumerate([b"a"] + [b"b%d" % n for n in range(25)])),
        b"&x [*x]",
        b"!!python/object/apply:os.system [id]",
        b"%YAML 9\n---\n",
        b"a: 1\na: 2",
        b"k8s\x00",
        b"k8s\x00" + b"\xff" * 40,
        b"k8s\x00\x0a\xff\xff\xff\xff\x0f",
        b"k8s\x00" + b"\x12\x7f" * 500,
        gzip.compress(b" " * 50_000_000, 9),
        zlib.compress(b"0" * 20_000_000),
        b'{"metadata":{"name":"%s"}}' % (b"x" * 300_000),
        b'{"metadata":[]}',
        b'{"metadata":{"name":"a","labels":{"a":1}}}',
        b'{"metadata":{"name":1e400}}',
        b'{"a":1e400}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"\xed\xa0\x80":1}',
        b'{"\\ud800":"\\udfff"}',
        b'{"spec":{"token":"\\ud800"}}',
        b'[{"op":"add","path":"/data/a~2","value":1}]',
        b'[{"op":"copy","from":"","path":"/data/x"}]',
        b'[{"op":"test","path":"/x","value":{}}]' * 200,
        json.dumps([{"op": "copy", "from": "", "path": f"/data/{n}"} for n in range(40)]).encode(),
        b'[{"op":"remove","path":""}]',
        b'[{"op":"replace","path":"/metadata/name","value":null}]',
        b'{"metadata":{"managedFields":[{"fieldsV1":{"f:x":1}}]}}',
        b'{"$patch":"replace"}',
        b'{"data":{"$patch":"delete"}}',
        b'{"$setElementOrder/x":[1]}',
        b'{"$retainKeys":1}',
        b'{"spec":{"group":"x","versions":[{"name":"v1","schema":{"openAPIV3Schema":{"type":"object","properties":{"a":{"pattern":"(a+)+$"}}}}}]}}',
        b"token=x",
        b"token=" + b"%ff" * 1000,
    ]
    while True:
        body = rng.choice(fixed)
        if rng.random() < 0.3 and body:
            changed = bytearray(body[:4000])
            for _ in range(rng.randrange(1, 6)):
                changed[rng.randrange(len(changed))] = rng.randrange(256)
            body = bytes(changed)
        yield body


def requests(seed: int) -> Iterator[bytes]:
    """Never ends. Well-formed in parts, so that they come far."""
    rng = random.Random(seed)
    some = bodies(rng)
    while True:
        body, method = next(some), rng.choice(METHODS[:6] * 4 + METHODS)
        path = rng.choice(PATHS) + (rng.choice(TWISTS) if rng.random() < 0.5 else "")
        headers = [rng.choice(HEADERS) for _ in range(2) if rng.random() < 0.5]
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Type: {rng.choice(TYPES)}", *headers]
        head = "\r\n".join(line for line in lines if line).encode("utf-8", "surrogateescape")
        framing = rng.random()
        if framing < 0.75:
            yield head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        elif framing < 0.85:
            yield head + b"\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        elif framing < 0.95:
            yield head + b"\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
        else:
            yield head + rng.choice(BROKEN)


BROKEN = [
    b"\r\nContent-Length: -1\r\n\r\n",
    b"\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    b"\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\nGET /api/v1/secrets HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\r\nTransfer-Encoding: xchunked\r\n\r\n",
    b"\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nx",
    b"\r\n\r\n\r\n",
    b"\r\nX: a\r\n b\r\n\r\n",
    b"\r\nX\x00Y: a\r\n\r\n",
    b"\r\n: x\r\n\r\n",
    b"\nX: a\n\n",
    b"\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    b"\r\nContent-Length: 0x10\r\n\r\n",
    b"\r\nContent-Length: +5\r\n\r\nabcde",
]

LINES = [
    b"GET http://evil.example/api/v1/secrets HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET //evil.example/x HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x00\x05",
    b"\x00" * 5000,
    b"\xff" * 100,
    b"GET " + b"/" * 70_000 + b" HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 20_000 + b"\r\n",
    b"GET / HTTP/1.1\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
    b"\r\n" * 2000,
    b"GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET http:///x HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET http://x:99999999/ HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /x HTTP/1.1\r\nHost: [::\r\n\r\n",
    b"GET /api/v1 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /%00 HTTP/1.1\r\nHost: \xff\r\n\r\n",
    b"POST /api HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf",
]
"""Request lines and frames that are wrong from the start."""
