"""Service-account tokens for pods: asked for by TokenRequest, kept until they are due for renewal."""

from __future__ import annotations

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import SERVICE_ACCOUNTS
from boatyard.machinery.meta.objects import Object, name, namespace, uid
from boatyard.machinery.meta.timestamps import parse_time
from boatyard.machinery.runtime.world import World
from boatyard.node.volumes.payload import TokenWish

RENEW_AT_SHARE = 0.8
RENEW_AT_LATEST_SECONDS = 86_400.0


class PodTokens:
    """The tokens of one pod. They are bound to it: the API server refuses them once the pod is gone."""

    def __init__(self, client: Client, world: World) -> None:
        self._client, self._world = client, world
        self._held: dict[TokenWish, tuple[str, float]] = {}  # token, when to renew it

    async def token(self, pod: Object, wish: TokenWish) -> str:
        """A token with most of its life before it. Raises ApiError."""
        held = self._held.get(wish)
        now = self._world.now()
        if held is not None and now < held[1]:
            return held[0]
        spec: Object = {
            "expirationSeconds": wish.expiration_seconds,
            "boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": name(pod), "uid": uid(pod)},
        }
        if wish.audience:
            spec["audiences"] = [wish.audience]
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        account = pod["spec"].get("serviceAccountName") or "default"
        answer = await self._client.create(SERVICE_ACCOUNTS, request, namespace(pod), name=account, subresource="token")
        status = answer["status"]
        life = parse_time(status["expirationTimestamp"]) - now
        self._held[wish] = (status["token"], now + min(life * RENEW_AT_SHARE, RENEW_AT_LATEST_SECONDS))
        return status["token"]

    def renew_at(self) -> float | None:
        """When the first of them is due."""
        return min((due for _, due in self._held.values()), default=None)
