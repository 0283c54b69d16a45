"""What the team declared: its CiConfig, kept by a watch, and the Secrets it names, read when needed and remembered for a minute."""

from __future__ import annotations

import base64
import binascii
import logging

import msgspec

from boatyard.ci.ciconfig_fields import CiConfigSpec, SecretReference
from boatyard.ci.kinds import CiConfig
from boatyard.ci.scm import scm
from boatyard.ci.scm.events import Trigger
from boatyard.ci.scm.http import Http
from boatyard.ci.steps.git_settings import without_credential
from boatyard.ciserver.deliveries import NotReady
from boatyard.ciserver.environment import Environment
from boatyard.ciserver.git import Credential
from boatyard.ciserver.triggers import refused_by_config
from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import SECRETS
from boatyard.machinery.meta.errors import ApiError, NotFound
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.runtime.cache import Cache
from boatyard.machinery.runtime.world import World

_LOG = logging.getLogger(__name__)
_REMEMBER_SECONDS = 60.0
_FRESH_SECONDS = 3.0
"""Secrets that are younger are fresh enough even for a wrong signature: forged deliveries must not become load on the API."""
NO_SCM = "none"


class GitAccess(msgspec.Struct, frozen=True):
    """How to reach the repository."""

    url: str
    credential: Credential
    ssh_key: str = ""
    known_hosts: str = ""


class Team:
    """The declared state that a CI server works by."""

    def __init__(self, environment: Environment, client: Client, world: World, http: Http) -> None:
        self._environment, self._client, self._world, self._http = environment, client, world, http
        field = f"metadata.name={environment.name}"
        self.cache = Cache(client, CiConfig.resource, world, namespace=environment.namespace, field_selector=field)
        self._scm: tuple[float, CiConfigSpec, str, scm.Scm] | None = None
        self._spec: tuple[str, CiConfigSpec] | None = None

    @property
    def object(self) -> Object:
        """The CiConfig as it is. Raises NotReady."""
        found = self.cache.get(self._environment.name, self._environment.namespace)
        if found is None:
            raise NotReady(f"the CiConfig {self._environment.name} can't be read")
        return found

    @property
    def spec(self) -> CiConfigSpec:
        """What it asks for. Raises NotReady."""
        found = self.object
        revision = found["metadata"].get("resourceVersion", "")
        if self._spec is None or self._spec[0] != revision:
            try:
                self._spec = (revision, CiConfig.read(found).spec)
            except msgspec.ValidationError as error:
                raise NotReady(f"the CiConfig {self._environment.name} can't be understood: {error}") from error
        return self._spec[1]

    @property
    def report_context(self) -> str:
        """Under which name the SCM shows the verdicts."""
        asked = self.spec.source.scm
        return asked.context if asked and asked.context else self._environment.report_context

    def starts_nothing(self, event: Trigger) -> str:
        return refused_by_config(event, self.spec)

    async def scm(self, *, fresh: bool = False) -> tuple[str, scm.Scm]:
        now, spec = self._world.monotonic(), self.spec
        if self._scm is not None and self._scm[1] is spec and now - self._scm[0] < (_FRESH_SECONDS if fresh else _REMEMBER_SECONDS):
            return self._scm[2], self._scm[3]
        type, adapter = await self._load(spec)
        self._scm = (now, spec, type, adapter)
        return type, adapter

    async def git(self) -> GitAccess:
        """Raises NotReady."""
        source = self.spec.source.git
        url, *held = without_credential(source.url)
        if source.credentials is None:
            return GitAccess(url, Credential(*held))
        secret = await self._secret(source.credentials.secret_ref)
        name, password = secret.get("username", b""), secret.get("password") or secret.get("token") or b""
        return GitAccess(
            url, Credential(_text(name), _text(password)),
            secret.get("ssh-privatekey", b"").decode("utf-8", "replace"), secret.get("known_hosts", b"").decode("utf-8", "replace"),
        )  # fmt: skip

    async def _load(self, spec: CiConfigSpec) -> tuple[str, scm.Scm]:
        asked = spec.source.scm
        url, *_ = without_credential(spec.source.git.url)
        if asked is None:
            # Nobody delivers and nobody wants to know: an SCM without secrets and without a callback is exactly that.
            return NO_SCM, scm.load("generic", scm.ScmSettings(url), self._http)
        if asked.webhook_secret is not None:
            secrets = tuple((await self._secret(asked.webhook_secret.secret_ref)).values())
        else:
            secrets = tuple(
                v for k, v in (await self._secret(SecretReference(name=f"ci-{self._environment.name}"))).items() if k == "webhook"
            )
        token = b""
        if asked.credentials is not None:
            secret = await self._secret(asked.credentials.secret_ref)
            token = secret.get("token") or secret.get("password") or b""
        settings = scm.ScmSettings(
            url, asked.url.rstrip("/"), asked.repository.strip("/"), _text(token), tuple(s.strip() for s in secrets if s.strip()),
            asked.callback_url,
        )  # fmt: skip
        try:
            adapter = scm.load(asked.type, settings, self._http)
        except scm.UnknownScm as error:
            raise NotReady(str(error)) from error
        for problem in adapter.problems():
            _LOG.warning("spec.source.%s", problem)
        return asked.type, adapter

    async def _secret(self, reference: SecretReference) -> dict[str, bytes]:
        try:
            secret = await self._client.get(SECRETS, reference.name, self._environment.namespace)
        except NotFound:
            raise NotReady(f"the Secret {reference.name} does not exist") from None
        except (ApiError, OSError, TimeoutError) as error:
            raise NotReady(f"the Secret {reference.name} can't be read: {error}") from error
        try:
            return {key: base64.b64decode(value) for key, value in sorted((secret.get("data") or {}).items())}
        except (binascii.Error, TypeError):
            raise NotReady(f"the Secret {reference.name} is not base64") from None


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace").strip()
