"""Service-account tokens: JWTs as Kubernetes makes them, bound to an account, and to a pod, a secret or a node while it is there.

The claims are those of Kubernetes' bound tokens (``pkg/serviceaccount/claims.go``: ``kubernetes.io`` holds namespace, account and
what else it is bound to, with their uids), signed with ES256. A token counts only while all of those very uids exist.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from boatyard.machinery.meta import errors, objects
from boatyard.machinery.meta.core import NODES, PODS, SECRETS, SERVICE_ACCOUNTS
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.meta.timestamps import parse_time
from boatyard.machinery.registry.caller import Caller
from boatyard.machinery.runtime.world import World
from boatyard.server.auth.signing_keys import LONGEST_SECONDS, SigningKeys

ISSUER = "https://kubernetes.default.svc.cluster.local"
API_AUDIENCE = ISSUER
SHORTEST_SECONDS = 600
DEFAULT_SECONDS = 3600
LEEWAY_SECONDS = 60
"""For clocks that differ, and for what is deleted but still ends."""
REMEMBERED = 4096


class Lookup(Protocol):
    """The current object of a name, or None."""

    def __call__(self, resource: Resource, namespace: str | None, name: str) -> Object | None: ...


class Issued(NamedTuple):
    """A fresh token and when it ends, in seconds since the epoch."""

    token: str
    expires: float


class Verified(NamedTuple):
    """Who showed a token, and which of the audiences asked for it is meant for."""

    caller: Caller
    audiences: tuple[str, ...]


class ServiceAccountTokens:
    """Issues and verifies, with the keys in ``key_file`` as they are at the time. Raises SigningKeyError when it can't be read."""

    longest_seconds = LONGEST_SECONDS
    audiences = (API_AUDIENCE,)

    def __init__(self, key_file: Path, lookup: Lookup, world: World) -> None:
        self.keys = SigningKeys(key_file, world)
        self._lookup, self._world = lookup, world
        self._claims: dict[bytes, dict[str, Any]] = {}
        self._generation = self.keys.generation

    def issue(
        self, account: Object, *, audiences: tuple[str, ...] = (), seconds: int | None = None, bound: Object | None = None,
        node: Object | None = None,
    ) -> Issued:  # fmt: skip
        """A token of ``account`` for ``audiences`` (none: the API itself), as long as ``bound`` (a Pod, Secret or Node) exists;
        ``node`` is the one that a bound Pod is on."""
        now = int(self._world.now())
        expires = now + min(max(seconds or DEFAULT_SECONDS, SHORTEST_SECONDS), LONGEST_SECONDS)
        namespace, name = objects.namespace(account), objects.name(account)
        private: dict[str, Any] = {"namespace": namespace}
        if bound is not None and bound["kind"] == "Node":
            private["node"] = _reference(bound)
        elif bound is not None:
            if node is not None:
                private["node"] = _reference(node)
            private[bound["kind"].lower()] = _reference(bound)
        private["serviceaccount"] = _reference(account)
        claims = {
            "iss": ISSUER, "sub": f"system:serviceaccount:{namespace}:{name}", "aud": list(audiences or self.audiences),
            "iat": now, "nbf": now, "exp": expires, "jti": self._world.uid(), "kubernetes.io": private,
        }  # fmt: skip
        signer = self.keys.signer
        return Issued(jwt.encode({"alg": "ES256", "kid": signer.kid}, claims, signer, algorithms=["ES256"]), expires)

    def verify(self, token: str, audiences: tuple[str, ...] = ()) -> Verified:
        """Who shows this token. Raises Unauthorized with the reason, which tells an attacker nothing but what it sent."""
        claims = self._decode(token)
        now = self._world.now()
        if not claims["nbf"] - LEEWAY_SECONDS <= now < claims["exp"]:
            raise errors.Unauthorized("service account token has expired" if now >= claims["exp"] else "token is not valid yet")
        meant = tuple(audience for audience in audiences or self.audiences if audience in claims["aud"])
        if not meant:
            asked = list(audiences or self.audiences)
            raise errors.Unauthorized(f"token audiences {claims['aud']} is invalid for the target audiences {asked}")
        private = claims["kubernetes.io"]
        namespace, account = private["namespace"], private["serviceaccount"]
        self._alive(SERVICE_ACCOUNTS, namespace, account, now)
        extra: dict[str, tuple[str, ...]] = {f"{_EXTRA}credential-id": (f"JTI={claims['jti']}",)}
        pod, secret, node = private.get("pod"), private.get("secret"), private.get("node")
        if secret:
            self._alive(SECRETS, namespace, secret, now)
        if pod:
            self._alive(PODS, namespace, pod, now)
            extra[f"{_EXTRA}pod-name"], extra[f"{_EXTRA}pod-uid"] = (pod["name"],), (pod["uid"],)
        elif node:
            self._alive(NODES, None, node, now)
        if node:
            extra[f"{_EXTRA}node-name"] = (node["name"],)
            if node.get("uid"):
                extra[f"{_EXTRA}node-uid"] = (node["uid"],)
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
        return Verified(Caller(claims["sub"], groups, account["uid"], extra), meant)

    def _alive(self, resource: Resource, namespace: str | None, reference: dict[str, str], now: float) -> None:
        """What is being deleted counts until its time, and a minute longer."""
        obj = self._lookup(resource, namespace, reference["name"])
        ends = ((obj or {}).get("metadata") or {}).get("deletionTimestamp")
        if obj is None or objects.uid(obj) != reference["uid"] or (ends and parse_time(ends) < now - LEEWAY_SECONDS):
            where = f"{namespace}/{reference['name']}" if namespace else reference["name"]
            raise errors.Unauthorized(f"the token's {resource.kind} {where} is gone")

    def _decode(self, token: str) -> dict[str, Any]:
        """The claims of a token that we signed. A signature is checked once: a remembered token is known by its hash."""
        self.keys.look()
        if self._generation != self.keys.generation:
            self._generation = self.keys.generation
            self._claims.clear()
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        claims = self._claims.get(digest)
        if claims is not None:
            return claims
        try:
            found = jwt.decode(token, KeySet([*self.keys.believed()]), algorithms=["ES256"])
        except (JoseError, ValueError) as error:
            raise errors.Unauthorized("invalid bearer token") from error
        claims = found.claims
        if claims.get("iss") != ISSUER or "kubernetes.io" not in claims:
            raise errors.Unauthorized("invalid bearer token: another issuer")
        while len(self._claims) >= REMEMBERED:
            self._claims.pop(next(iter(self._claims)))
        self._claims[digest] = claims
        return claims


def _reference(obj: Object) -> dict[str, str]:
    """How a token names an object; of one that isn't there its name only."""
    found = {"name": objects.name(obj)}
    if uid := objects.uid(obj):
        found["uid"] = uid
    return found


_EXTRA = "authentication.kubernetes.io/"
