"""``/openapi/v3``: an index, and a document for every group and version, made when first asked for.

``/openapi/v2`` is for older kubectl.
"""

from __future__ import annotations

import hashlib

import msgspec
from aiohttp import web

from boatyard.machinery.meta.errors import NotAcceptable
from boatyard.machinery.registry.core.descriptions import described_type
from boatyard.machinery.registry.core.types import type_name
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.registry.kinds import Kinds
from boatyard.machinery.schema.openapi import Served, encode, group_document, group_path, index
from boatyard.server import openapi_v2
from boatyard.server.answers import answer, raw
from boatyard.server.call import Call

ROOT = "/openapi/v3"
_FOREVER = "public, max-age=31536000, immutable"


class OpenApi:
    """Documents about the served kinds. A kind that changes has only its own group's document made anew."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._generation = -1
        self._documents: dict[str, bytes] = {}
        self._made_of: dict[str, list[Kind]] = {}
        self._v2: bytes | None = None

    def answer(self, call: Call) -> web.Response | None:
        """The index or a document, or None when the address is another."""
        path = call.request.path
        if call.request.method not in ("GET", "HEAD"):
            return None
        if path == "/openapi/v2":
            return self._version_2(call)
        if not path.startswith(ROOT):
            return None
        documents = self._current()
        if path.rstrip("/") == ROOT:
            return answer(index(documents))
        document = documents.get(path.removeprefix(f"{ROOT}/"))
        if document is None:
            return None
        tag = '"' + hashlib.sha256(document).hexdigest().upper() + '"'
        known = call.request.headers.get("If-None-Match") == tag
        response = web.Response(status=304) if known else raw(document)
        response.headers["ETag"] = tag
        if call.query.get("hash") == tag.strip('"'):
            # The address names the content, so it may be kept.
            response.headers["Cache-Control"] = _FOREVER
        return response

    def _version_2(self, call: Call) -> web.Response:
        if not openapi_v2.accepted(", ".join(call.request.headers.getall("Accept", ()))):
            raise NotAcceptable(f"/openapi/v2 is served as {openapi_v2.MEDIA_TYPE} only; use /openapi/v3")
        documents = self._current()
        if self._v2 is None:
            self._v2 = openapi_v2.document(msgspec.json.decode(document) for document in documents.values())
        return web.Response(body=self._v2, headers={"Content-Type": openapi_v2.MEDIA_TYPE})

    def _current(self) -> dict[str, bytes]:
        if self._generation != self._kinds.generation:
            groups: dict[str, list[Kind]] = {}
            for kind in self._kinds.all():
                groups.setdefault(group_path(kind.resource.group, kind.resource.version), []).append(kind)
            self._documents = {
                path: self._documents[path] if self._made_of.get(path) == kinds else _document(kinds)
                for path, kinds in groups.items()
            }
            self._made_of, self._generation, self._v2 = groups, self._kinds.generation, None
        return self._documents


def _document(kinds: list[Kind]) -> bytes:
    return encode(group_document([_served(kind) for kind in kinds], described_type))


def _served(kind: Kind) -> Served:
    if kind.custom is None:
        return Served(kind.resource, described_type(type_name(kind.resource)), kind.subresources, kind.stored)
    schema = kind.schema()
    return Served(kind.resource, schema.schema if schema else {"type": "object"}, kind.subresources, strategic=False)
