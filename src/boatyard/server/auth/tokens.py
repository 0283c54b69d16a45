"""Service-account tokens: JWTs as Kubernetes makes them, bound to an account, and to a pod while it lives.

The claims are those of Kubernetes' bound tokens (``kubernetes.io`` holds namespace, account and pod with their uids), signed with
ES256. A token counts only while the account and the pod of those very uids exist.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from boatyard.machinery.meta import errors, objects
from boatyard.machinery.meta.core import PODS, SECRETS, SERVICE_ACCOUNTS
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry.caller import Caller
from boatyard.machinery.runtime.world import World

ISSUER = "https://kubernetes.default.svc.cluster.local"
API_AUDIENCE = ISSUER
SHORTEST_SECONDS = 600
LONGEST_SECONDS = 1 << 32
DEFAULT_SECONDS = 3600
REMEMBERED = 4096

_BOUND = {"Pod": PODS, "Secret": SECRETS}


class Lookup(Protocol):
    """The current object of a name, or None."""

    def __call__(self, resource: Resource, namespace: str, name: str) -> Object | None: ...


class Issued(NamedTuple):
    """A fresh token and when it ends, in seconds since the epoch."""

    token: str
    expires: float


class Verified(NamedTuple):
    """Who showed a token, and which of the audiences asked for it is meant for."""

    caller: Caller
    audiences: tuple[str, ...]


class ServiceAccountTokens:
    """Issues and verifies. ``key_file`` is the PEM of a P-256 private key."""

    def __init__(self, key_file: Path, lookup: Lookup, world: World) -> None:
        key = ECKey.import_key(key_file.read_bytes())
        key.ensure_kid()
        self._key, self._lookup, self._world = key, lookup, world
        self._claims: dict[bytes, dict[str, Any]] = {}

    def issue(
        self, account: Object, *, audiences: tuple[str, ...] = (), seconds: int | None = None, bound: Object | None = None
    ) -> Issued:
        """A token of ``account`` for ``audiences`` (none: the API itself), as long as ``bound`` (a Pod or Secret) exists."""
        now = int(self._world.now())
        expires = now + min(max(seconds or DEFAULT_SECONDS, SHORTEST_SECONDS), LONGEST_SECONDS)
        namespace, name = objects.namespace(account), objects.name(account)
        private: dict[str, Any] = {"namespace": namespace, "serviceaccount": {"name": name, "uid": objects.uid(account)}}
        if bound is not None:
            private[bound["kind"].lower()] = {"name": objects.name(bound), "uid": objects.uid(bound)}
            if node := (bound.get("spec") or {}).get("nodeName"):
                private["node"] = {"name": node}
        claims = {
            "iss": ISSUER, "sub": f"system:serviceaccount:{namespace}:{name}", "aud": list(audiences or (API_AUDIENCE,)),
            "iat": now, "nbf": now, "exp": expires, "jti": self._world.uid(), "kubernetes.io": private,
        }  # fmt: skip
        header = {"alg": "ES256", "kid": self._key.kid, "typ": "JWT"}
        return Issued(jwt.encode(header, claims, self._key, algorithms=["ES256"]), expires)

    def verify(self, token: str, audiences: tuple[str, ...] = ()) -> Verified:
        """Who shows this token. Raises Unauthorized with the reason, which tells an attacker nothing but what it sent."""
        claims = self._decode(token)
        now = self._world.now()
        if not claims["nbf"] - 60 <= now < claims["exp"]:
            raise errors.Unauthorized("service account token has expired" if now >= claims["exp"] else "token is not valid yet")
        meant = tuple(audience for audience in audiences or (API_AUDIENCE,) if audience in claims["aud"])
        if not meant:
            raise errors.Unauthorized(f"token audiences {claims['aud']} is invalid for the target audiences {list(audiences)}")
        private = claims["kubernetes.io"]
        namespace = private["namespace"]
        self._alive(SERVICE_ACCOUNTS, namespace, private["serviceaccount"])
        extra: dict[str, tuple[str, ...]] = {"authentication.kubernetes.io/credential-id": (f"JTI={claims['jti']}",)}
        for kind, resource in _BOUND.items():
            if reference := private.get(kind.lower()):
                self._alive(resource, namespace, reference)
        if pod := private.get("pod"):
            extra["authentication.kubernetes.io/pod-name"] = (pod["name"],)
            extra["authentication.kubernetes.io/pod-uid"] = (pod["uid"],)
        if node := private.get("node"):
            extra["authentication.kubernetes.io/node-name"] = (node["name"],)
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
        return Verified(Caller(claims["sub"], groups, private["serviceaccount"]["uid"], extra), meant)

    def _alive(self, resource: Resource, namespace: str, reference: dict[str, str]) -> None:
        obj = self._lookup(resource, namespace, reference["name"])
        if obj is None or objects.uid(obj) != reference["uid"]:
            raise errors.Unauthorized(f"the token's {resource.kind} {namespace}/{reference['name']} is gone")

    def _decode(self, token: str) -> dict[str, Any]:
        """The claims of a token that we signed. A signature is checked once: a remembered token is known by its hash."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        claims = self._claims.get(digest)
        if claims is not None:
            return claims
        try:
            claims = jwt.decode(token, self._key, algorithms=["ES256"]).claims
        except (JoseError, ValueError) as error:
            raise errors.Unauthorized("invalid bearer token") from error
        if claims.get("iss") != ISSUER or "kubernetes.io" not in claims:
            raise errors.Unauthorized("invalid bearer token: another issuer")
        while len(self._claims) >= REMEMBERED:
            self._claims.pop(next(iter(self._claims)))
        self._claims[digest] = claims
        return claims
