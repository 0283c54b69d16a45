"""What every controller may know of the installation it runs in."""

from __future__ import annotations

from dataclasses import dataclass

from boatyard.machinery.objects.store import ObjectStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Handed to every ``controller(manager, settings)``."""

    object_store: ObjectStore
    """Where logs, artifacts and archived builds go."""
    objects_url: str = ""
    """The same as a URL (``file:///…``, ``s3://…``): a CI server is given the part of it that is its own."""
    system_namespace: str = "boatyard-system"
    domain: str = "boatyard.localhost"
    """Suffix of the hosts that Ingresses get: ``<name>.<namespace>.<domain>``."""
    gateway_url: str = ""
    """The gateway as the outside sees it, e.g. ``https://127.0.0.1:8443``; without a slash at the end."""
    gateway_internal_url: str = ""
    """The gateway as pods see it."""
    gateway_ca_pem: str = ""
    """What pods need to trust the gateway."""
    api_internal_url: str = ""
    """The API server as pods see it."""
    api_ca_pem: str = ""
    """What pods need to trust the API server: becomes every namespace's ``kube-root-ca.crt``."""
    secrets_key: bytes = b""
    """Key of the HMACs that upload tokens are. Never logged."""
    embedded: bool = True
    """Whether the controllers of ``cluster`` and the node agent are ours; False on Kubernetes."""
    version: str = ""
    """Of this program; names the built-in images."""

    def __repr__(self) -> str:
        return f"Settings(system_namespace={self.system_namespace!r}, gateway_url={self.gateway_url!r}, embedded={self.embedded})"
