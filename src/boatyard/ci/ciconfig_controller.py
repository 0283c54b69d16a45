"""Keeps a CI instance for every CiConfig: composes what it needs, repairs what drifted, tells how it is, leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from boatyard.ci.engines.engine import Engine, UnknownEngine, load
from boatyard.ci.instance import PREFIX, account, base_path, drift, instance_name, network, storage
from boatyard.ci.instance.limits import unserved
from boatyard.ci.instance.progress import Progress, of_pod
from boatyard.ci.kinds import FINAL_PHASES, LONGEST_NAME, Build, CiConfig
from boatyard.machinery.meta.conditions import set_condition
from boatyard.machinery.meta.core import (
    INGRESSES,
    PERSISTENT_VOLUME_CLAIMS,
    PODS,
    ROLE_BINDINGS,
    ROLES,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
)
from boatyard.machinery.meta.errors import AlreadyExists, NotFound
from boatyard.machinery.meta.names import dns1035_label
from boatyard.machinery.meta.objects import (
    Object,
    annotations,
    deleting,
    finalizers,
    labels,
    name,
    namespace,
    owned_by,
    owner_reference,
    revision,
    uid,
)
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.runtime.controller import Controller, Request, Watch
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.settings import Settings

MANAGER = "boatyard-ciconfig"
FINALIZER = "boatyard.dev/instance"
"""On a CiConfig until its builds are over and gone, and their logs and artifacts with them."""
OWNED = (SECRETS, SERVICE_ACCOUNTS, ROLES, ROLE_BINDINGS, PERSISTENT_VOLUME_CLAIMS, PODS, SERVICES, INGRESSES)
CISERVERS = "ciservers"
BUILDS = "ciconfig"
DELETION_SECONDS = 2.0


def controller(manager: Manager, settings: Settings) -> Controller:
    ciconfigs = CiConfigs(manager, settings)
    watches = [Watch(resource, by_name) for resource in OWNED]
    watches.append(Watch(Build.resource, ciconfigs.activity))
    return Controller("ciconfig", CiConfig.resource, ciconfigs.reconcile, watches=watches, workers=4, is_news=is_news)


def is_news(old: Object | None, new: Object | None) -> bool:
    """Whether a CiConfig's change is anything but the word about it, which is this controller's own."""
    if old is None or new is None:
        return True
    before, after = (
        {key: value for key, value in one["metadata"].items() if key not in ("resourceVersion", "managedFields")}
        for one in (old, new)
    )
    return before != after or old.get("spec") != new.get("spec")


def by_name(obj: Object) -> Iterable[Request]:
    """The CiConfig whose instance an object of this name would belong to: also of one that is in its way."""
    if name(obj).startswith(PREFIX):
        yield Request(namespace(obj), name(obj).removeprefix(PREFIX))


class NameTaken(Exception):
    """An object of that name belongs to somebody else."""


class CiConfigs:
    """The passes over CiConfigs."""

    def __init__(self, manager: Manager, settings: Settings) -> None:
        self._client, self._world, self._settings = manager.client, manager.world, settings
        self._configs = manager.cache(CiConfig.resource)
        self._builds = manager.cache(Build.resource, indexes={BUILDS: _config_of})
        self._caches = {resource: manager.cache(resource) for resource in OWNED}
        self._caches[PODS].add_index(CISERVERS, _is_ciserver)
        self._recorder = manager.recorder("boatyard-ciconfig")
        self._active: dict[Request, str] = {}
        """When a build of each CiConfig last began or ended, to the minute: what the cache of builds has told so far."""

    def activity(self, build: Object) -> Iterable[Request]:
        """A build that began or ended concerns its CiConfig, once a minute; one that is gone concerns one that is being deleted."""
        request = Request(namespace(build), build["spec"]["ciConfig"])
        status = build.get("status") or {}
        minute = max(status.get("startedAt") or "", status.get("finishedAt") or "")[:16]
        if minute > self._active.get(request, ""):
            self._active[request] = minute
            yield request
        config = self._configs.get(request.name, request.namespace)
        if config is not None and deleting(config):
            yield request

    async def reconcile(self, request: Request) -> float | None:
        """One pass."""
        live = self._configs.get(request.name, request.namespace)
        if live is None:
            self._active.pop(request, None)
            return None
        if deleting(live):
            return await self._delete(live)
        if FINALIZER not in finalizers(live):
            # Before the first thing is made. The write brings the next pass.
            patch = {"metadata": {"finalizers": [*finalizers(live), FINALIZER], "resourceVersion": revision(live)}}
            await self._client.patch(CiConfig.resource, name(live), patch, namespace(live), field_manager=MANAGER)
            return None
        try:
            config = CiConfig.read(live)
            engine = load(config.spec.strategy.master.engine)
        except (msgspec.ValidationError, UnknownEngine) as error:
            return await self._tell(live, None, Progress(False, "InvalidSpec", str(error)), valid=False)
        if problem := _name_problem(request.name):
            return await self._tell(live, config, Progress(False, "InvalidName", problem), valid=False)
        if wrong := "; ".join(unserved(config)):
            return await self._tell(live, config, Progress(False, "NotServed", wrong), valid=False)
        if config.spec.paused:
            return await self._tell(
                live, config, self._progress(config)._replace(ready=False, reason="Paused", message="paused by its spec")
            )
        try:
            for resource, wanted in self._wanted(config, engine):
                await self._ensure(live, resource, wanted)
        except NameTaken as taken:
            return await self._tell(live, config, Progress(False, "NameTaken", str(taken)))
        return await self._tell(live, config, self._progress(config))

    def _wanted(self, config: CiConfig, engine: Engine) -> Iterable[tuple[Resource, Object]]:
        """Everything that makes the instance; what is needed comes before what needs it."""
        port = network.choose_port(config, self._caches[PODS].by_index(CISERVERS, account.CISERVER))
        yield SECRETS, account.secret(config, self._live(SECRETS, config), self._world, self._settings.secrets_key)
        yield SERVICE_ACCOUNTS, account.service_account(config)
        yield ROLES, account.role(config, engine.rules(config))
        yield ROLE_BINDINGS, account.role_binding(config)
        yield PERSISTENT_VOLUME_CLAIMS, storage.claim(config, self._live(PERSISTENT_VOLUME_CLAIMS, config))
        yield SERVICES, network.service(config)
        yield INGRESSES, network.ingress(config, self._settings)
        yield PODS, drift.stamped(engine.pod(config, port, self._settings))

    def _live(self, resource: Resource, config: CiConfig) -> Object | None:
        return self._caches[resource].get(instance_name(config.metadata.name), config.metadata.namespace)

    async def _ensure(self, owner: Object, resource: Resource, wanted: Object) -> None:
        """Make the object, or bring it back to what is wanted. Raises NameTaken for one that isn't ours."""
        live = self._caches[resource].get(name(wanted), namespace(wanted))
        wanted = {**wanted, "metadata": {**wanted["metadata"], "ownerReferences": [owner_reference(owner)]}}
        if live is not None and not owned_by(live, owner):
            raise NameTaken(f"{resource.kind} {name(wanted)} exists and isn't this CiConfig's: rename or delete it")
        if resource is PODS:
            await self._ensure_pod(owner, live, wanted)
        elif live is None:
            try:
                await self._client.create(resource, wanted, namespace(wanted), field_manager=MANAGER)
            except AlreadyExists:
                # Made a moment ago, by a pass that died or by somebody else: the cache will tell, and with it comes another pass.
                return
        elif not drift.covers(live, wanted):
            await self._client.apply(resource, wanted, field_manager=MANAGER)
            await self._recorder.event(
                owner, "Normal", "Repaired", f"{resource.kind} {name(wanted)} was brought back to what is declared"
            )

    async def _ensure_pod(self, owner: Object, live: Object | None, wanted: Object) -> None:
        if live is None:
            try:
                await self._client.create(PODS, wanted, namespace(wanted), field_manager=MANAGER)
            except AlreadyExists:
                return
        elif deleting(live):
            return
        elif (live.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            await self._replace(owner, live, f"it ended: {(live.get('status') or {}).get('reason') or 'its node gave it up'}")
        elif annotations(live).get(drift.TEMPLATE_HASH) != annotations(wanted)[drift.TEMPLATE_HASH]:
            await self._replace(owner, live, "what it is made from has changed")
        elif not drift.covers(labels(live), labels(wanted)):
            await self._client.apply(PODS, {**wanted, "spec": live["spec"]}, field_manager=MANAGER)

    async def _replace(self, owner: Object, pod: Object, why: str) -> None:
        """End the pod; the next pass after it is gone makes a new one."""
        await self._recorder.event(owner, "Normal", "Replacing", f"the CI server's pod is made anew: {why}")
        try:
            await self._client.delete(PODS, name(pod), namespace(pod), uid=uid(pod))
        except NotFound:
            return

    async def _delete(self, live: Object) -> float | None:
        """End the builds, wait until they are gone, then take their objects away. The rest follows its owner."""
        if FINALIZER not in finalizers(live):
            return None
        builds = [b for b in self._builds.by_index(BUILDS, f"{namespace(live)}/{name(live)}") if owned_by(b, live)]
        for build in builds:
            if not deleting(build):
                try:
                    await self._client.delete(Build.resource, name(build), namespace(build), uid=uid(build))
                except NotFound:
                    continue
        if builds:
            running = sum((b.get("status") or {}).get("phase") not in FINAL_PHASES for b in builds)
            message = f"{len(builds)} builds are being deleted, {running} of them not over yet"
            await self._tell(live, None, Progress(False, "Deleting", message))
            return DELETION_SECONDS
        async for info in self._settings.object_store.list(f"builds/{namespace(live)}/{name(live)}/"):
            await self._settings.object_store.delete(info.key)
        rest = [finalizer for finalizer in finalizers(live) if finalizer != FINALIZER]
        patch = {"metadata": {"finalizers": rest or None, "resourceVersion": revision(live)}}
        await self._client.patch(CiConfig.resource, name(live), patch, namespace(live), field_manager=MANAGER)
        return None

    def _progress(self, config: CiConfig) -> Progress:
        return of_pod(self._live(PODS, config), self._live(PERSISTENT_VOLUME_CLAIMS, config))

    async def _tell(self, live: Object, config: CiConfig | None, progress: Progress, *, valid: bool = True) -> None:
        """Write the status, if it says anything new."""
        before = live.get("status") or {}
        generation, now = live["metadata"].get("generation", 0), self._world.now()
        conditions = before.get("conditions")
        told = "the spec makes sense" if valid else progress.message
        conditions = set_condition(conditions, "Valid", valid, "Valid" if valid else progress.reason, told, now, generation)
        conditions = set_condition(conditions, "Ready", progress.ready, progress.reason, progress.message, now, generation)
        failed = not valid or progress.reason == "NameTaken"
        status: Object = {
            **before, "conditions": conditions, "observedGeneration": generation,
            "phase": "Awake" if progress.ready else "Failed" if failed else "Provisioning",
        }  # fmt: skip
        if config is not None:
            status["url"] = f"{self._settings.gateway_url}{base_path(namespace(live), name(live))}/"
            scm = config.spec.source.scm
            if scm is not None:
                status["webhook"] = f"{status['url']}hooks/{scm.type}"
            claim = self._live(PERSISTENT_VOLUME_CLAIMS, config)
            if claim is not None:
                status["volume"] = {"claim": name(claim), **({"volume": v} if (v := claim["spec"].get("volumeName")) else {})}
        active = self._active.get(Request(namespace(live), name(live)), "")
        if active and f"{active}:00Z" > (before.get("lastActivity") or ""):
            status["lastActivity"] = f"{active}:00Z"
        if status == before:
            return
        if status["phase"] != before.get("phase"):
            kind = "Warning" if failed else "Normal"
            await self._recorder.event(live, kind, progress.reason, progress.message)
        patch = {"metadata": {"resourceVersion": revision(live)}, "status": status}
        await self._client.patch(CiConfig.resource, name(live), patch, namespace(live), subresource="status", field_manager=MANAGER)


def _name_problem(own: str) -> str:
    problems = dns1035_label(own)
    if len(own) > LONGEST_NAME:
        problems.append(f"must be no more than {LONGEST_NAME} characters")
    if own.startswith(PREFIX):
        # The first build of `ci-x` would be named as the instance of `x-1`.
        problems.append(f"must not begin with {PREFIX!r}")
    return f"metadata.name: {'; '.join(problems)}" if problems else ""


def _config_of(build: Object) -> list[str]:
    return [f"{namespace(build)}/{build['spec']['ciConfig']}"]


def _is_ciserver(pod: Object) -> list[str]:
    component = labels(pod).get(account.COMPONENT_LABEL)
    return [component] if component else []
