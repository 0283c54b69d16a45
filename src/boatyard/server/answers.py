"""Answers as bytes on the wire: JSON or YAML, Status for every error."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from boatyard.machinery.meta import yaml
from boatyard.machinery.meta.errors import ApiError, NotAcceptable, TooManyRequests
from boatyard.server.call import Call
from boatyard.server.media import JSON, YAML
from boatyard.server.warnings import headers


def answer(value: Any, status: int = 200, type: str = JSON) -> web.Response:
    """``value`` (anything JSON can hold) in the negotiated type."""
    return raw(msgspec.json.encode(value), status, type)


def raw(body: bytes, status: int = 200, type: str = JSON) -> web.Response:
    """A body that is JSON already."""
    if type == YAML:
        body = yaml.dump(msgspec.json.decode(body)).encode()
    return web.Response(body=body, status=status, headers=headers_of(type))


def warn(response: web.StreamResponse, call: Call) -> None:
    """Put what the caller is to be told besides into the head of the answer, which nobody has sent yet."""
    for header in headers(call.warnings):
        response.headers.add("Warning", header)


def headers_of(type: str) -> dict[str, str]:
    """What every answer with a body of this type says."""
    return {"Content-Type": type, "Cache-Control": "no-cache, private"}


def indent(response: web.Response) -> None:
    """For people to read (``?pretty=true``)."""
    if response.content_type == JSON and isinstance(response.body, bytes) and response.body:
        response.body = msgspec.json.format(response.body, indent=2) + b"\n"


def refusal(error: ApiError, call: Call | None = None) -> web.Response:
    """The Status of an error, in the type that the call asks for."""
    type = JSON
    if call is not None:
        try:
            type = call.form().type
        except NotAcceptable:
            pass
    response = answer(error.to_status(), error.code, type)
    if isinstance(error, TooManyRequests) or error.details.get("retryAfterSeconds"):
        response.headers["Retry-After"] = str(error.details.get("retryAfterSeconds", 1))
    if error.code == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
