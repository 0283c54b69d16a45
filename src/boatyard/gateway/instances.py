"""The token that an instance expects of the gateway, so that it can tell the gateway's requests from its neighbours'."""

from __future__ import annotations

import base64
import binascii

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import SECRETS
from boatyard.machinery.meta.errors import ApiError
from boatyard.machinery.runtime.world import World

_REMEMBER_SECONDS = 30.0
KEY = "gateway-token"


class Instances:
    """Reads the Secret ``ci-NAME`` of an instance, remembering it for a while."""

    def __init__(self, client: Client, world: World) -> None:
        self._client, self._world = client, world
        self._known: dict[tuple[str, str], tuple[float, str]] = {}

    async def token(self, namespace: str, name: str) -> str:
        """The token; empty when there is none (the instance then asks for none, or refuses)."""
        known = self._known.get((namespace, name))
        now = self._world.monotonic()
        if known is not None and known[0] > now:
            return known[1]
        try:
            secret = await self._client.get(SECRETS, f"ci-{name}", namespace)
            token = base64.b64decode((secret.get("data") or {}).get(KEY, "")).decode()
        except (ApiError, binascii.Error, UnicodeDecodeError):
            token = ""
        if token:
            self._known[(namespace, name)] = (now + _REMEMBER_SECONDS, token)
        return token
