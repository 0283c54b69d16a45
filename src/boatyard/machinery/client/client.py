"""The one port to resources. Everything above the ground talks to a :class:`Client`, never to a store or a server.

Every method raises a subclass of :class:`boatyard.machinery.meta.errors.ApiError`. Objects are decoded JSON; those handed in are
never changed, those handed out belong to the caller, except objects from a cache (see ``runtime``).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource

PatchType: TypeAlias = Literal["json", "merge", "strategic"]
Propagation: TypeAlias = Literal["Background", "Foreground", "Orphan"]


class WatchEvent(NamedTuple):
    """One event of a watch. ``type`` is ADDED, MODIFIED, DELETED or BOOKMARK (only ``metadata.resourceVersion`` counts then)."""

    type: str
    object: Object


class ObjectList(NamedTuple):
    """One page of a list. ``continue_token`` is empty on the last page."""

    items: list[Object]
    resource_version: str
    continue_token: str = ""
    remaining: int | None = None


class ExecResult(NamedTuple):
    """What a command in a container said, and how it ended."""

    exit_code: int
    stdout: bytes
    stderr: bytes


class Client(Protocol):
    """Get, list, watch, create, update, patch, apply, delete; for pods logs and exec.

    ``namespace`` is None for resources of the whole cluster and, in list and watch, for all namespaces.
    ``subresource`` is e.g. ``status``, ``scale``, ``binding``, ``token``, ``eviction``.
    """

    async def get(self, resource: Resource, name: str, namespace: str | None = None, *, subresource: str | None = None) -> Object:
        """One object. Raises NotFound."""
        ...

    async def list(
        self, resource: Resource, namespace: str | None = None, *, label_selector: str = "", field_selector: str = "",
        limit: int | None = None, continue_token: str = "", resource_version: str = "",
    ) -> ObjectList:  # fmt: skip
        """One page (all of it without ``limit``). Raises Gone when ``continue_token`` has expired."""
        ...

    def watch(
        self, resource: Resource, namespace: str | None = None, *, resource_version: str = "", label_selector: str = "",
        field_selector: str = "", bookmarks: bool = True,
    ) -> AsyncGenerator[WatchEvent]:  # fmt: skip
        """Events after ``resource_version`` (from a list). Ends when the server ends it; raises Gone when that revision is
        compacted away. It is an async generator: close it (``contextlib.aclosing``) to stop watching."""
        ...

    async def create(
        self, resource: Resource, body: Object, namespace: str | None = None, *, name: str | None = None,
        subresource: str | None = None, field_manager: str = "", dry_run: bool = False,
    ) -> Object:  # fmt: skip
        """Create an object, or post to a subresource of ``name`` (``token``, ``binding``, ``eviction``)."""
        ...

    async def update(
        self, resource: Resource, body: Object, *, subresource: str | None = None, field_manager: str = "", dry_run: bool = False
    ) -> Object:
        """Replace. Raises Conflict unless ``metadata.resourceVersion`` is the current one (or absent)."""
        ...

    async def patch(
        self, resource: Resource, name: str, patch: Any, namespace: str | None = None, *, type: PatchType = "merge",
        subresource: str | None = None, field_manager: str = "", dry_run: bool = False,
    ) -> Object:  # fmt: skip
        """A JSON patch (list), merge patch or strategic merge patch (object). A ``metadata.resourceVersion`` inside a merge patch
        makes it conditional: Conflict when the object has moved on."""
        ...

    async def apply(
        self, resource: Resource, body: Object, *, field_manager: str, force: bool = True, subresource: str | None = None,
        dry_run: bool = False,
    ) -> Object:  # fmt: skip
        """Server-side apply of exactly the fields that ``field_manager`` owns. Creates the object when it doesn't exist."""
        ...

    async def delete(
        self, resource: Resource, name: str, namespace: str | None = None, *, uid: str = "", resource_version: str = "",
        propagation: Propagation = "Background", grace_period_seconds: int | None = None, dry_run: bool = False,
    ) -> Object:  # fmt: skip
        """Ask for deletion. ``uid`` and ``resource_version`` are preconditions (Conflict when they differ)."""
        ...

    def logs(
        self, namespace: str, pod: str, *, container: str = "", follow: bool = False, previous: bool = False,
        timestamps: bool = False, tail_lines: int | None = None, since_seconds: float | None = None, limit_bytes: int | None = None,
    ) -> AsyncGenerator[bytes]:  # fmt: skip
        """A container's log in chunks of whole or partial lines, as they come. An async generator."""
        ...

    async def exec(
        self, namespace: str, pod: str, command: list[str], *, container: str = "", stdin: bytes = b""
    ) -> ExecResult:
        """Run a command in a running container and wait for its end."""
        ...

    async def close(self) -> None:
        """Release connections. Watches end."""
        ...
