"""Lists as they are answered: in the form asked for, whole if they are short, and how much of the server they take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, TypeAlias

import msgspec
from aiohttp import web

from boatyard.machinery.client.client import ObjectList
from boatyard.machinery.meta.errors import BadRequest, NotAcceptable
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry import documents
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.registry.registry import Registry
from boatyard.server.answers import answer, headers_of, raw
from boatyard.server.call import Call
from boatyard.server.flow.control import width_of_list
from boatyard.server.list_options import limit, match_of_list, read
from boatyard.server.long_answers import LARGE_BYTES, LongAnswer
from boatyard.server.media import JSON, Form
from boatyard.server.path import ResourcePath
from boatyard.server.tables import Tables, included

WIDEST = 8
"""The seats of the longest list, and of the deletion of a collection."""
REMEMBERED = 1024
_Listed: TypeAlias = tuple[str, str, int]
"""What is listed: group, type, limit."""


class Lists:
    """The lists of one registry."""

    def __init__(self, registry: Registry, tables: Tables) -> None:
        self._registry, self._tables = registry, tables
        self._bytes: dict[_Listed, int] = {}
        """How long the last list of a type, with this limit, was."""

    def width(self, call: Call, kind: Kind) -> int:
        """How many seats a list takes: as many as it took the last time."""
        try:
            what = _listed(call, kind)
        except BadRequest:
            return 1  # told in its turn
        return min(WIDEST, width_of_list(self._bytes.get(what, 0)))

    def answer(self, call: Call, kind: Kind, path: ResourcePath) -> web.Response | LongAnswer:
        """Raises ApiError."""
        read(call)  # also how long it may take, though a list takes as long as it takes
        match = match_of_list(call)
        form = call.form()
        found = self._registry.listing(
            call.caller, kind.resource, path.namespace or None, label_selector=call.query.get("labelSelector", ""),
            field_selector=call.query.get("fieldSelector", ""), limit=limit(call),
            continue_token=call.query.get("continue", ""), resource_version=call.query.get("resourceVersion", ""),
            match=match,
        )  # fmt: skip
        if form.transform == "PartialObjectMetadata":
            told = f"you requested {form.transform}, but the requested object is a list ({kind.resource.kind}List)"
            raise NotAcceptable(told)
        metadata = _metadata(str(found.revision), found.continue_token, found.remaining)
        if form.transform:
            include = included(call)
            frame = self._tables.list(form, kind, [], metadata, include)
            pieces = self._tables.pieces(form, kind, found.records, include)
        else:
            frame = {**_frame(kind, metadata), "items": []}
            pieces = documents.joined(found.records)
        what = _listed(call, kind)
        self._note(what, found.about_bytes)
        return self._sent(what, _framed(frame, pieces), form)

    def _sent(self, what: _Listed, pieces: Iterator[bytes], form: Form) -> web.Response | LongAnswer:
        """Whole if it is short."""
        begun: list[bytes] = []
        size = 0
        for piece in pieces:
            begun.append(piece)
            size += len(piece)
            if size > LARGE_BYTES and form.type == JSON:
                return LongAnswer(self._counted(what, chain(begun, pieces)), headers_of(form.type))
        self._note(what, size)
        return raw(b"".join(begun), type=form.type)

    def _counted(self, what: _Listed, pieces: Iterable[bytes]) -> Iterator[bytes]:
        size = 0
        for piece in pieces:
            size += len(piece)
            yield piece
        self._note(what, size)

    def _note(self, what: _Listed, size: int) -> None:
        if len(self._bytes) >= REMEMBERED:
            self._bytes.clear()
        self._bytes[what] = size


def deleted(call: Call, kind: Kind, found: ObjectList) -> web.Response:
    """The objects of a collection that was deleted, as a list."""
    metadata = _metadata(found.resource_version, found.continue_token, found.remaining)
    return answer({**_frame(kind, metadata), "items": found.items}, type=call.form().type)


def _listed(call: Call, kind: Kind) -> _Listed:
    return kind.resource.group, kind.resource.plural, limit(call)


def _metadata(revision: str, continue_token: str, remaining: int | None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"resourceVersion": revision}
    if continue_token:
        metadata["continue"] = continue_token
    if continue_token and remaining:
        metadata["remainingItemCount"] = remaining
    return metadata


def _frame(kind: Kind, metadata: dict[str, Any]) -> Object:
    """A list without its items. Those of custom kinds always say how to go on."""
    if kind.custom is not None:
        metadata = {"continue": "", **metadata}
    return {"kind": kind.resource.kind + "List", "apiVersion": kind.resource.api_version, "metadata": metadata}


def _framed(frame: Object, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """A list whose last field, still empty, gets the pieces."""
    head = msgspec.json.encode(frame)
    yield head[:-2]
    yield from pieces
    yield b"]}\n"
