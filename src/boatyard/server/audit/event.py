"""One line of the audit log: an ``Event`` of ``audit.k8s.io/v1``."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from boatyard.machinery.meta import yaml
from boatyard.machinery.registry.caller import Caller
from boatyard.machinery.registry.reviews import user_info
from boatyard.server import body, protobuf
from boatyard.server.audit.policy import Asked, Verdict

LARGEST_BYTES = 256 * 1024
"""Of an object that is told whole."""
OMITTED = "boatyard.dev/omitted"
"""The annotation that says which objects are not in an event that would have them, and why."""
_SECRET = frozenset({("", "secrets", ""), ("", "serviceaccounts", "token"), ("authentication.k8s.io", "tokenreviews", "")})
_SECRET_KINDS = frozenset({"Secret", "SecretList", "TokenRequest", "TokenReview"})


class _Metadata(msgspec.Struct):
    name: str = ""
    namespace: str = ""
    uid: str = ""


class _Named(msgspec.Struct):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


_NAMED = msgspec.json.Decoder(_Named)


def secret(asked: Asked) -> bool:
    """Whether a call is about what is never written down: bodies of Secrets and of tokens."""
    return (asked.group, asked.resource, asked.subresource) in _SECRET or (asked.group, asked.resource) == ("", "secrets")


def object_reference(asked: Asked, version: str, response: web.StreamResponse | None) -> dict[str, str]:
    """What a call is about. The name of what was made stands in the answer."""
    found = {
        "resource": asked.resource, "namespace": asked.namespace, "name": asked.name, "apiGroup": asked.group,
        "apiVersion": version, "subresource": asked.subresource,
    }  # fmt: skip
    if asked.verb == "create" and not asked.name and isinstance(response, web.Response) and response.status == 201:
        try:
            made = _NAMED.decode(response.body).metadata if isinstance(response.body, bytes) else _Metadata()
        except msgspec.DecodeError:
            made = _Metadata()
        found |= {"name": made.name, "uid": made.uid}
    return {field: value for field, value in found.items() if value}


def user(caller: Caller | None) -> dict[str, Any]:
    """Who called; nobody known is nobody."""
    return user_info(caller) if caller is not None else {}


def objects(request: web.Request, response: web.StreamResponse | None, asked: Asked, verdict: Verdict) -> dict[str, Any]:
    """``requestObject`` and ``responseObject``, as far as they are told."""
    found: dict[str, Any] = {}
    omitted: list[str] = []
    if verdict.level in ("None", "Metadata"):
        return found
    wanted: list[tuple[str, Any, str]] = [("requestObject", request.get(body.READ), body.content_type(request))]
    if verdict.level == "RequestResponse":
        told = response.body if isinstance(response, web.Response) else None
        wanted.append(("responseObject", told, response.content_type if response is not None else ""))
    for field, data, type in wanted:
        if not isinstance(data, bytes) or not data:
            continue
        why, value = ("a secret", None) if secret(asked) else _told(data, type, verdict.omit_managed_fields)
        if why:
            omitted.append(f"{field}: {why}")
            continue
        found[field] = value
    if omitted:
        found["annotations"] = {OMITTED: "; ".join(omitted)}
    return found


def _told(data: bytes, type: str, omit_managed_fields: bool) -> tuple[str, Any]:
    """The object of a body, as JSON; or why it isn't told, and nothing."""
    if len(data) > LARGEST_BYTES:
        return f"{len(data)} bytes", None
    try:
        if type == protobuf.MEDIA_TYPE:
            value = protobuf.decode(data)
        elif "yaml" in type:
            value = yaml.first(data, [])
        else:
            value = msgspec.json.decode(data)
        if _holds_secret(value):
            return "a secret", None
        if omit_managed_fields:
            _without_managed_fields(value)
        # What is too deep, or holds what is no text, shows itself here.
        return "", msgspec.Raw(msgspec.json.encode(value))
    except Exception as error:  # whatever it is, the caller was told, and nothing of it may be written
        return f"can't be read ({error.__class__.__name__})", None


def _holds_secret(value: Any) -> bool:
    """Whether a Secret or a token is anywhere in it: sent to the wrong address, or within a list."""
    todo = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            if one.get("kind") in _SECRET_KINDS and not one.keys() <= _REFERENCE:
                return True
            todo += one.values()
        elif isinstance(one, list):
            todo += one
    return False


_REFERENCE = frozenset({"kind", "apiVersion", "name", "namespace", "uid", "controller", "blockOwnerDeletion", "fieldPath"})
"""The fields of something that only names a Secret."""


def _without_managed_fields(value: Any) -> None:
    for obj in (value, *(value.get("items") or ())) if isinstance(value, dict) else ():
        if isinstance(obj, dict) and isinstance(obj.get("metadata"), dict):
            obj["metadata"].pop("managedFields", None)
