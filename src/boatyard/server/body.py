"""The body of a request: bounded, JSON or YAML, or the little protobuf that kubectl sends."""

from __future__ import annotations

import asyncio
import json as json_module
import math
import re
from decimal import Decimal
from typing import Any

import msgspec
from aiohttp import web

from boatyard.machinery.meta import yaml
from boatyard.machinery.meta.errors import BadRequest, RequestEntityTooLarge, UnsupportedMediaType
from boatyard.machinery.schema.structural import Structural
from boatyard.server import protobuf
from boatyard.server.duplicates import duplicates, merged

_decode = msgspec.json.Decoder(float_hook=lambda text: _number(float(text))).decode
_JSON = ("application/json", "", "*/*")
_YAML = ("application/yaml", "application/x-yaml", "text/yaml")


SECONDS: web.RequestKey[float] = web.RequestKey("body_seconds", float)
"""How long the body of a request may take to come."""


READ: web.RequestKey[bytes] = web.RequestKey("body", bytes)
"""The body of a request, once it has come."""


async def read(request: web.Request) -> bytes:
    """Raises RequestEntityTooLarge; BadRequest when it doesn't come in time."""
    try:
        # What has come already is there without waiting.
        async with asyncio.timeout(None if request.content.is_eof() else request.get(SECONDS)):
            data = request[READ] = await request.read()
            return data
    except web.RequestPayloadError as error:
        raise BadRequest("the body of the request can't be read: its encoding is broken") from error
    except web.HTTPRequestEntityTooLarge:
        raise RequestEntityTooLarge(f"Request entity too large: limit is {request.client_max_size}") from None
    except TimeoutError:
        raise BadRequest(f"the body of the request did not come within {request[SECONDS]:g} s") from None


def content_type(request: web.Request) -> str:
    """The media type without parameters; JSON when none is given."""
    return request.headers.get("Content-Type", "application/json").partition(";")[0].strip().lower()


def is_json(request: web.Request) -> bool:
    """Whether the body says that it is JSON; nothing at all is none, but in YAML a document without members."""
    return content_type(request) in _JSON


def check_type(request: web.Request) -> None:
    """Raises UnsupportedMediaType for a body that isn't in one of the forms in which an object is sent."""
    type = content_type(request)
    if type not in (*_JSON, *_YAML, protobuf.MEDIA_TYPE):
        told = f"the body of the request was in an unknown format ({type}): send application/json or application/yaml"
        raise UnsupportedMediaType(told)


async def document(request: web.Request, repeated: list[str] | None = None, schema: Structural | None = None) -> dict[str, Any]:
    """The one object that a create, update or delete sends (empty without a body). ``repeated`` gets what is to be said of fields
    that are there more than once; with a ``schema``, only of those that it knows, and JSON is read into that type as Go does it.

    Raises BadRequest, UnsupportedMediaType, RequestEntityTooLarge.
    """
    data = await read(request)
    if not data.strip():
        return {}
    check_type(request)
    type = content_type(request)
    if type in _JSON:
        value = json(data)
    elif type in _YAML:
        value = parsed_yaml(data, repeated)
    else:
        value = protobuf.decode(data)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRequest("the body of the request must be an object")
    if type in _JSON and (repeated is not None or schema is not None):
        twice = duplicates(data, value, schema)
        if twice and schema is not None:
            value = json(merged(data, schema))
        if repeated is not None:
            repeated += [f'duplicate field "{path}"' for path in twice]
    return value


def type_said(document: dict[str, Any], type: str) -> dict[str, str]:
    """What Go takes for ``apiVersion`` and ``kind``: members of these names in whatever case. The last one counts; YAML comes
    to Go in the order of the alphabet. Raises BadRequest where they aren't texts."""
    said: dict[str, str] = {}
    for name in sorted(document) if type in _YAML else document:
        member = _TYPE.get(name.lower())
        if member is None or (value := document[name]) is None:
            continue
        if not isinstance(value, str):
            raise BadRequest(f"couldn't get version/kind of the object: {name} must be a text")
        said[member] = value
    return said


_TYPE = {"apiversion": "apiVersion", "kind": "kind"}


def json(data: bytes) -> Any:
    """Raises BadRequest with the place of the error."""
    try:
        found = _decode(data)
        return _rounded(found) if _LONG.search(data) else found
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError) as error:
        raise BadRequest(f"the body of the request is not valid JSON: {error}") from error


_LONG = re.compile(rb"\d{19}")


def _number(value: float) -> int | float:
    """As Go writes it: a fraction of nothing goes without saying. Raises OverflowError."""
    if math.isinf(value):
        raise OverflowError("a number is out of range")
    if not value.is_integer() or abs(value) >= _EXPONENT_FROM:
        return value
    return int(value) if abs(value) < _EXACT_BELOW else int(Decimal(repr(value)))


def _rounded(value: Any) -> Any:
    """Whole numbers of more than 64 bits are read as ones with a fraction, exact to 53 bits."""
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return _number(float(value)) if isinstance(value, int) and not -(2**63) <= value < 2**63 else value


_EXPONENT_FROM = 1e21
_EXACT_BELOW = 2**53
"""Above it a number stands for several whole ones, and is written as the one with the fewest digits."""


def parsed_yaml(data: bytes, repeated: list[str] | None = None) -> Any:
    """The first document of YAML, and so JSON. ``repeated`` gets what is to be said of keys that are there more than once.

    Raises BadRequest with line and column.
    """
    if data.startswith(b"{") and (found := _plain_json(data)) is not None:
        return found
    try:
        return yaml.first(data, [] if repeated is None else repeated)
    except (yaml.YamlError, UnicodeDecodeError) as error:
        raise BadRequest(f"error converting YAML to JSON: {error}") from error


def _plain_json(data: bytes) -> Any:
    """What is JSON without doubt (no field twice): read at a tenth of what it costs as YAML. None for anything else."""
    try:
        found = json(data)
        json_module.loads(data, object_pairs_hook=_each_once)
    except (ValueError, RecursionError, BadRequest):
        return None
    return found


def _each_once(pairs: list[tuple[str, Any]]) -> None:
    if len(pairs) > 1 and len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a field is there twice")
