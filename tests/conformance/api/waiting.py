"""Waiting for what a server does by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.errors import NotFound
from boatyard.machinery.meta.resource import Resource

SECONDS = 60.0


async def until(so: Callable[[], Awaitable[bool]]) -> None:
    """Ask until it is so. Raises TimeoutError."""
    async with asyncio.timeout(SECONDS):
        while not await so():
            await asyncio.sleep(0.05)


async def missing(asked: Awaitable[object]) -> bool:
    """Whether what is asked for isn't there (404)."""
    try:
        await asked
    except NotFound:
        return True
    return False


async def told_of(client: Client, resource: Resource, namespace: str, revision: str) -> None:
    """Wait until reads of any age (resourceVersion=0) are at least as new as a revision.

    A kube-apiserver answers them from a cache that follows etcd a moment later; a list not older than a revision waits for it.
    """
    await client.list(resource, namespace, resource_version=revision)
