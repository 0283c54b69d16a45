"""The client inside the process: calls the registry, copies nothing it doesn't have to."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Protocol

from boatyard.machinery.client.client import ExecResult, ObjectList, PatchType, Propagation, WatchEvent
from boatyard.machinery.meta.errors import ServiceUnavailable
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry.caller import SYSTEM, Caller
from boatyard.machinery.registry.documents import fresh
from boatyard.machinery.registry.registry import Registry


class PodStreams(Protocol):
    """Who reaches into running pods: the way to the nodes."""

    def logs(
        self, namespace: str, pod: str, *, container: str, follow: bool, previous: bool, timestamps: bool, tail_lines: int | None,
        since_seconds: float | None, limit_bytes: int | None,
    ) -> AsyncGenerator[bytes]: ...  # fmt: skip

    async def exec(self, namespace: str, pod: str, command: list[str], *, container: str, stdin: bytes) -> ExecResult: ...


class EmbeddedClient:
    """A :class:`~boatyard.machinery.client.client.Client` over a registry in the same process, as one caller."""

    def __init__(self, registry: Registry, caller: Caller = SYSTEM, pod_streams: PodStreams | None = None) -> None:
        self.registry, self.caller, self.pod_streams = registry, caller, pod_streams

    async def get(self, resource: Resource, name: str, namespace: str | None = None, *, subresource: str | None = None) -> Object:
        return await self.registry.get(self.caller, resource, name, namespace, subresource=subresource)

    async def list(
        self, resource: Resource, namespace: str | None = None, *, label_selector: str = "", field_selector: str = "",
        limit: int | None = None, continue_token: str = "", resource_version: str = "",
    ) -> ObjectList:  # fmt: skip
        return await self.registry.list(
            self.caller, resource, namespace, label_selector=label_selector, field_selector=field_selector, limit=limit,
            continue_token=continue_token, resource_version=resource_version,
        )  # fmt: skip

    def watch(
        self, resource: Resource, namespace: str | None = None, *, resource_version: str = "", label_selector: str = "",
        field_selector: str = "", bookmarks: bool = True,
    ) -> AsyncGenerator[WatchEvent]:  # fmt: skip
        return self.registry.watch(
            self.caller, resource, namespace, resource_version=resource_version, label_selector=label_selector,
            field_selector=field_selector, bookmarks=bookmarks,
        )  # fmt: skip

    async def create(
        self, resource: Resource, body: Object, namespace: str | None = None, *, name: str | None = None,
        subresource: str | None = None, field_manager: str = "", dry_run: bool = False,
    ) -> Object:  # fmt: skip
        return await self.registry.create(
            self.caller, resource, fresh(body), namespace, name=name, subresource=subresource, field_manager=field_manager,
            dry_run=dry_run,
        )  # fmt: skip

    async def update(
        self, resource: Resource, body: Object, *, subresource: str | None = None, field_manager: str = "", dry_run: bool = False
    ) -> Object:
        return await self.registry.update(
            self.caller, resource, fresh(body), subresource=subresource, field_manager=field_manager, dry_run=dry_run
        )

    async def patch(
        self, resource: Resource, name: str, patch: Any, namespace: str | None = None, *, type: PatchType = "merge",
        subresource: str | None = None, field_manager: str = "", dry_run: bool = False,
    ) -> Object:  # fmt: skip
        return await self.registry.patch(
            self.caller, resource, name, fresh(patch), namespace, type=type, subresource=subresource, field_manager=field_manager,
            dry_run=dry_run,
        )  # fmt: skip

    async def apply(
        self, resource: Resource, body: Object, *, field_manager: str, force: bool = True, subresource: str | None = None,
        dry_run: bool = False,
    ) -> Object:  # fmt: skip
        return await self.registry.apply(
            self.caller, resource, fresh(body), field_manager=field_manager, force=force, subresource=subresource, dry_run=dry_run
        )

    async def delete(
        self, resource: Resource, name: str, namespace: str | None = None, *, uid: str = "", resource_version: str = "",
        propagation: Propagation = "Background", grace_period_seconds: int | None = None, dry_run: bool = False,
    ) -> Object:  # fmt: skip
        return await self.registry.delete(
            self.caller, resource, name, namespace, uid=uid, resource_version=resource_version, propagation=propagation,
            grace_period_seconds=grace_period_seconds, dry_run=dry_run,
        )  # fmt: skip

    async def logs(
        self, namespace: str, pod: str, *, container: str = "", follow: bool = False, previous: bool = False,
        timestamps: bool = False, tail_lines: int | None = None, since_seconds: float | None = None, limit_bytes: int | None = None,
    ) -> AsyncGenerator[bytes]:  # fmt: skip
        chunks = self._streams().logs(
            namespace, pod, container=container, follow=follow, previous=previous, timestamps=timestamps, tail_lines=tail_lines,
            since_seconds=since_seconds, limit_bytes=limit_bytes,
        )  # fmt: skip
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk

    async def exec(self, namespace: str, pod: str, command: list[str], *, container: str = "", stdin: bytes = b"") -> ExecResult:
        return await self._streams().exec(namespace, pod, command, container=container, stdin=stdin)

    async def close(self) -> None:
        """Nothing to release: the registry belongs to whoever made it."""

    def _streams(self) -> PodStreams:
        if self.pod_streams is None:
            raise ServiceUnavailable("no way to the nodes: this client was made without pod streams")
        return self.pod_streams
