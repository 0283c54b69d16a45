"""The Client over any Kubernetes API: the embedded server or a real one.

Imports little, since every CI server pays for it: aiohttp and msgspec's JSON, no models, no cryptography, no YAML.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from urllib.parse import quote

import aiohttp

from boatyard.machinery.client import exec_channel
from boatyard.machinery.client.client import ExecResult, ObjectList, PatchType, Propagation, WatchEvent
from boatyard.machinery.client.credentials import Credentials
from boatyard.machinery.client.lines import decoded_lines
from boatyard.machinery.client.transport import Transport, faults
from boatyard.machinery.meta import errors, objects
from boatyard.machinery.meta.core import PODS
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource

WATCH_SECONDS = 570
"""How long the server is asked to keep a watch open; its end is no error."""

PATCH_TYPES = {
    "json": "application/json-patch+json",
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
}
APPLY_TYPE = "application/apply-patch+yaml"


class HttpClient:
    """A :class:`~boatyard.machinery.client.client.Client` over HTTP(S).

    Makes no watch again by itself (the cache does), and repeats nothing that may have been carried out.
    """

    def __init__(
        self, address: str, *, ca_file: str = "", ca_data: str = "", cert_file: str = "", key_file: str = "", cert_data: str = "",
        key_data: str = "", token: str = "", token_file: str = "", server_name: str = "", insecure: bool = False,
    ) -> None:  # fmt: skip
        self._transport = Transport(
            address,
            Credentials(
                ca_file=ca_file, ca_data=ca_data, cert_file=cert_file, key_file=key_file, cert_data=cert_data, key_data=key_data,
                token=token, token_file=token_file, server_name=server_name, insecure=insecure,
            ),
        )  # fmt: skip

    @property
    def address(self) -> str:
        """``https://host:port`` of the server."""
        return self._transport.address

    async def get(self, resource: Resource, name: str, namespace: str | None = None, *, subresource: str | None = None) -> Object:
        return await self._transport.request("GET", _path(resource, namespace, name, subresource))

    async def list(
        self, resource: Resource, namespace: str | None = None, *, label_selector: str = "", field_selector: str = "",
        limit: int | None = None, continue_token: str = "", resource_version: str = "",
    ) -> ObjectList:  # fmt: skip
        params = _params(
            labelSelector=label_selector, fieldSelector=field_selector, limit=limit, resourceVersion=resource_version,
            **{"continue": continue_token},
        )  # fmt: skip
        answer = await self._transport.request("GET", _collection(resource, namespace, everywhere=True), params)
        items = answer.get("items") or []
        for item in items:
            # Real API servers leave these out of a list's items.
            item.setdefault("apiVersion", resource.api_version)
            item.setdefault("kind", resource.kind)
        metadata = answer.get("metadata") or {}
        revision, following = metadata.get("resourceVersion", ""), metadata.get("continue", "")
        return ObjectList(items, revision, following, metadata.get("remainingItemCount"))

    async def watch(
        self, resource: Resource, namespace: str | None = None, *, resource_version: str = "", label_selector: str = "",
        field_selector: str = "", bookmarks: bool = True,
    ) -> AsyncGenerator[WatchEvent]:  # fmt: skip
        params = _params(
            watch=True, resourceVersion=resource_version, labelSelector=label_selector, fieldSelector=field_selector,
            allowWatchBookmarks=bookmarks, timeoutSeconds=WATCH_SECONDS,
        )  # fmt: skip
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=WATCH_SECONDS + 30)
        path = _collection(resource, namespace, everywhere=True)
        async with self._transport.open("GET", path, params, timeout=timeout) as response:
            with faults(self.address, sent=False):
                async with aclosing(decoded_lines(response.content.iter_any())) as events:
                    async for event in events:
                        if event.get("type") == "ERROR":
                            raise errors.from_status(event.get("object") or {})
                        yield WatchEvent(event["type"], event["object"])

    async def create(
        self, resource: Resource, body: Object, namespace: str | None = None, *, name: str | None = None,
        subresource: str | None = None, field_manager: str = "", dry_run: bool = False,
    ) -> Object:  # fmt: skip
        namespace = namespace or objects.namespace(body)
        path = _path(resource, namespace, name, subresource) if subresource else _collection(resource, namespace)
        whole = body if subresource else _whole(resource, body)
        return await self._transport.request("POST", path, _writing(field_manager, dry_run), body=whole)

    async def update(
        self, resource: Resource, body: Object, *, subresource: str | None = None, field_manager: str = "", dry_run: bool = False
    ) -> Object:
        path = _path(resource, objects.namespace(body), objects.name(body), subresource)
        whole = _whole(resource, body) if subresource in (None, "", "status") else body
        return await self._transport.request("PUT", path, _writing(field_manager, dry_run), body=whole)

    async def patch(
        self, resource: Resource, name: str, patch: Any, namespace: str | None = None, *, type: PatchType = "merge",
        subresource: str | None = None, field_manager: str = "", dry_run: bool = False,
    ) -> Object:  # fmt: skip
        return await self._transport.request(
            "PATCH", _path(resource, namespace, name, subresource), _writing(field_manager, dry_run), body=patch,
            content_type=PATCH_TYPES[type],
        )  # fmt: skip

    async def apply(
        self, resource: Resource, body: Object, *, field_manager: str, force: bool = True, subresource: str | None = None,
        dry_run: bool = False,
    ) -> Object:  # fmt: skip
        return await self._transport.request(
            "PATCH", _path(resource, objects.namespace(body), objects.name(body), subresource),
            _writing(field_manager, dry_run) | {"force": "true" if force else "false"}, body=body, content_type=APPLY_TYPE,
        )  # fmt: skip

    async def delete(
        self, resource: Resource, name: str, namespace: str | None = None, *, uid: str = "", resource_version: str = "",
        propagation: Propagation = "Background", grace_period_seconds: int | None = None, dry_run: bool = False,
    ) -> Object:  # fmt: skip
        options: Object = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}
        preconditions = {key: value for key, value in (("uid", uid), ("resourceVersion", resource_version)) if value}
        if preconditions:
            options["preconditions"] = preconditions
        if grace_period_seconds is not None:
            options["gracePeriodSeconds"] = grace_period_seconds
        if dry_run:
            options["dryRun"] = ["All"]
        return await self._transport.request("DELETE", _path(resource, namespace, name), body=options)

    async def logs(
        self, namespace: str, pod: str, *, container: str = "", follow: bool = False, previous: bool = False,
        timestamps: bool = False, tail_lines: int | None = None, since_seconds: float | None = None, limit_bytes: int | None = None,
    ) -> AsyncGenerator[bytes]:  # fmt: skip
        params = _params(
            container=container, follow=follow, previous=previous, timestamps=timestamps, tailLines=tail_lines,
            sinceSeconds=None if since_seconds is None else max(1, round(since_seconds)), limitBytes=limit_bytes,
        )  # fmt: skip
        path = _path(PODS, namespace, pod, "log")
        async with self._transport.open("GET", path, params, accept="*/*") as response:
            with faults(self.address, sent=False):
                async for chunk in response.content.iter_any():
                    yield chunk

    async def exec(
        self, namespace: str, pod: str, command: list[str], *, container: str = "", stdin: bytes = b""
    ) -> ExecResult:
        params = exec_channel.parameters(command, container=container, stdin=bool(stdin))
        return await exec_channel.run(self._transport, _path(PODS, namespace, pod, "exec"), params, stdin)

    async def request(self, method: str, path: str, params: dict[str, str] | None = None, *, body: Any = None) -> Any:
        """Any other call of the API (``/version``, discovery), decoded."""
        return await self._transport.request(method, path, params or {}, body=body)

    async def close(self) -> None:
        await self._transport.close()


def _params(**values: str | int | bool | None) -> dict[str, str]:
    """Query parameters; what is None, empty or False is left out."""
    given = {key: value for key, value in values.items() if value is not None and value is not False and value != ""}
    return {key: "true" if value is True else str(value) for key, value in given.items()}


def _writing(field_manager: str, dry_run: bool) -> dict[str, str]:
    return _params(fieldManager=field_manager, dryRun="All" if dry_run else "")


def _path(resource: Resource, namespace: str | None, name: str | None, subresource: str | None = None) -> str:
    if not name:
        raise errors.BadRequest(f"{resource.group_resource}: a name is required")
    path = f"{_collection(resource, namespace)}/{quote(name, safe=':')}"
    return f"{path}/{subresource}" if subresource else path


def _whole(resource: Resource, body: Object) -> Object:
    """With what it is, which a server asks of documents of custom kinds."""
    if body.get("kind") and body.get("apiVersion"):
        return body
    return {**body, "apiVersion": body.get("apiVersion") or resource.api_version, "kind": body.get("kind") or resource.kind}


def _collection(resource: Resource, namespace: str | None, *, everywhere: bool = False) -> str:
    if resource.namespaced and not namespace and not everywhere:
        raise errors.BadRequest(f"{resource.group_resource}: a namespace is required")
    return resource.path(quote(namespace, safe="") if namespace else None)
