"""Provisions a team's CI server from its CiConfig, and repairs what drifts.

Everything made belongs to the CiConfig by owner reference: its deletion takes all of it, and nothing that is not its own. An object
of the same name that belongs to somebody else is left alone and told of in a condition.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from boatyard.ci import ciconfig_parts as parts
from boatyard.ci import ports
from boatyard.ci.ciconfig_fields import CiConfigSpec
from boatyard.ci.drift import covers
from boatyard.ci.kinds import CICONFIG_LABEL, Build, CiConfig
from boatyard.machinery.meta.conditions import is_true, set_condition
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
from boatyard.machinery.meta.errors import AlreadyExists, Conflict, Invalid, NotFound
from boatyard.machinery.meta.objects import Object, annotations, deleting, labels, name, namespace, owned_by, revision, uid
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.meta.timestamps import parse_time
from boatyard.machinery.runtime.controller import Controller, Request, Watch, owner_requests
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.settings import Settings

FIELD_MANAGER = "boatyard-ciconfig"
ACTIVITY_SECONDS = 60.0
"""``status.lastActivity`` is as fine as this: a write per build would be too many."""
RESTART_SECONDS = 5.0
"""Between the end of a CI server's pod and the next one."""
PORT_INDEX = "ci-server"


def controller(manager: Manager, settings: Settings) -> Controller:
    """The CiConfigs' controller."""
    configs = Configs(manager, settings)
    owned = owner_requests("CiConfig")
    kinds = (PODS, SERVICES, INGRESSES, SECRETS, SERVICE_ACCOUNTS, ROLES, ROLE_BINDINGS, PERSISTENT_VOLUME_CLAIMS)
    # One worker: two passes at once could choose the same port.
    watches = [*(Watch(kind, owned) for kind in kinds), Watch(Build.resource, configs.active)]
    return Controller("ciconfig", CiConfig.resource, configs.reconcile, watches=watches)


class _Foreign(Exception):
    """An object of that name belongs to somebody else."""


class Configs:
    """Passes over CiConfigs."""

    def __init__(self, manager: Manager, settings: Settings) -> None:
        self._client, self._world, self._settings = manager.client, manager.world, settings
        self._configs = manager.cache(CiConfig.resource)
        self._pods = manager.cache(PODS, indexes={PORT_INDEX: _server_index})
        self._latest: dict[tuple[str, str], str] = {}
        """When a build of a CiConfig last began or ended, as far as the cache has shown."""
        kinds = (SERVICES, INGRESSES, SECRETS, SERVICE_ACCOUNTS, ROLES, ROLE_BINDINGS, PERSISTENT_VOLUME_CLAIMS)
        self._caches = {kind: manager.cache(kind) for kind in kinds}
        self._recorder = manager.recorder("ciconfig-controller")
        self._assigned: dict[tuple[str, str], int] = {}
        """Ports that were given out and that no pod in the cache shows yet."""

    def active(self, build: Object) -> Iterable[Request]:
        """A build that began or ended concerns its CiConfig, if that is news to its status."""
        config = labels(build).get(CICONFIG_LABEL, "")
        key = (namespace(build), config)
        moments = (build["metadata"].get("creationTimestamp"), (build.get("status") or {}).get("finishedAt"))
        latest = self._latest[key] = max(self._latest.get(key, ""), *(moment or "" for moment in moments))
        known = self._configs.get(config, key[0])
        if known is not None and _is_news(latest, (known.get("status") or {}).get("lastActivity", "")):
            yield Request(*key)

    async def reconcile(self, request: Request) -> float | None:
        """One pass over one CiConfig."""
        ciconfig = self._configs.get(request.name, request.namespace)
        if ciconfig is None or deleting(ciconfig):
            self._assigned.pop((request.namespace, request.name), None)
            self._latest.pop((request.namespace, request.name), None)
            return None
        try:
            spec = CiConfig.read(ciconfig).spec
            wrong = parts.problems(ciconfig, spec)
        except msgspec.ValidationError as error:
            spec, wrong = None, [str(error)]
        if spec is None or wrong:
            await self._tell(ciconfig, False, "Invalid", "; ".join(wrong))
            return None
        if spec.paused:
            await self._tell(ciconfig, True, "Paused", "The CiConfig is paused: nothing is made or repaired.")
            return None
        try:
            await self._converge(ciconfig, spec)
            again = await self._server(ciconfig, spec)
        except _Foreign as error:
            await self._tell(ciconfig, True, "NameTaken", str(error))
            return 60.0
        except Invalid as error:
            await self._tell(ciconfig, True, "Refused", str(error))
            return None
        await self._tell(ciconfig, True, "", "")
        return again

    async def _converge(self, ciconfig: Object, spec: CiConfigSpec) -> None:
        wanted: tuple[tuple[Resource, Object], ...] = (
            (SERVICE_ACCOUNTS, parts.service_account(ciconfig)),
            (ROLES, parts.role(ciconfig, spec)),
            (ROLE_BINDINGS, parts.role_binding(ciconfig)),
            (SECRETS, parts.secret(ciconfig, self._settings)),
            (PERSISTENT_VOLUME_CLAIMS, parts.claim(ciconfig, spec)),
            (SERVICES, parts.service(ciconfig)),
            (INGRESSES, parts.ingress(ciconfig, self._settings)),
        )
        for resource, body in wanted:
            await self._repair(ciconfig, resource, body)

    async def _repair(self, ciconfig: Object, resource: Resource, body: Object) -> None:
        """Make or mend one object; nothing is written when nothing is wrong."""
        actual = self._caches[resource].get(name(body), namespace(body))
        if actual is not None:
            if not owned_by(actual, ciconfig):
                raise _Foreign(f"{resource.kind} {name(body)} exists and doesn't belong to this CiConfig.")
            if deleting(actual):
                return  # its end brings the next pass
            if covers(actual, body):
                return
            if resource == PERSISTENT_VOLUME_CLAIMS:
                body = _resized(actual, body)
                if covers(actual, body):
                    return
        else:
            try:
                await self._client.create(resource, body, namespace(body), field_manager=FIELD_MANAGER)
                return
            except AlreadyExists:
                found = await self._client.get(resource, name(body), namespace(body))
                if not owned_by(found, ciconfig):
                    raise _Foreign(f"{resource.kind} {name(body)} exists and doesn't belong to this CiConfig.") from None
                if covers(found, body):
                    return
        applied = await self._client.apply(resource, body, field_manager=FIELD_MANAGER)
        if not covers(applied, body):
            # What somebody added to a list of ours stays under apply: it is theirs. In these objects nothing is.
            await self._client.patch(resource, name(body), body, namespace(body), field_manager=FIELD_MANAGER)
        await self._recorder.event(ciconfig, "Normal", "Repaired", f"{resource.kind} {name(body)} was put right.")

    async def _server(self, ciconfig: Object, spec: CiConfigSpec) -> float | None:
        """The CI server's pod: made, or made anew when it drifted or died."""
        own = parts.part_name(name(ciconfig))
        actual = self._pods.get(own, namespace(ciconfig))
        if actual is not None and not owned_by(actual, ciconfig):
            raise _Foreign(f"Pod {own} exists and doesn't belong to this CiConfig.")
        if actual is not None and deleting(actual):
            return None
        body = parts.pod(ciconfig, spec, self._settings, self._port(ciconfig, actual))
        if actual is None:
            try:
                await self._client.create(PODS, body, namespace(body), field_manager=FIELD_MANAGER)
            except AlreadyExists:
                return 1.0  # the cache will show it
            return None
        dead = (actual.get("status") or {}).get("phase") in ("Succeeded", "Failed")
        same = annotations(actual).get(parts.HASH_ANNOTATION) == annotations(body)[parts.HASH_ANNOTATION]
        if same and not dead:
            if not covers(labels(actual), labels(body)):
                await self._client.patch(PODS, own, {"metadata": {"labels": labels(body)}}, namespace(body))
            return None
        why = "it ended" if dead else "what it is made from has changed"
        if dead and (wait := _seconds_since(actual, self._world.now())) < RESTART_SECONDS:
            return RESTART_SECONDS - wait
        await self._recorder.event(ciconfig, "Normal", "Restarting", f"The CI server's pod is made anew: {why}.")
        try:
            await self._client.delete(PODS, own, namespace(body), uid=uid(actual))
        except (NotFound, Conflict):
            pass
        return None

    def _port(self, ciconfig: Object, actual: Object | None) -> int:
        """The port it has, or a free one."""
        key = (namespace(ciconfig), name(ciconfig))
        if actual is not None and (port := _port_of(actual)):
            self._assigned.pop(key, None)
            return port
        if key not in self._assigned:
            servers = self._pods.by_index(PORT_INDEX, "all")
            taken = {_port_of(one) for one in servers if (namespace(one), name(one)) != (key[0], parts.part_name(key[1]))}
            taken |= {port for other, port in self._assigned.items() if other != key}  # membership only
            self._assigned[key] = ports.choose(*key, taken)
        return self._assigned[key]

    # --- status ---

    async def _tell(self, ciconfig: Object, valid: bool, reason: str, message: str) -> None:
        """Write the status if it says something new. ``reason``: why it can't be ready; empty: ask the pod."""
        now, generation = self._world.now(), ciconfig["metadata"].get("generation", 1)
        old = ciconfig.get("status") or {}
        pod = self._pods.get(parts.part_name(name(ciconfig)), namespace(ciconfig))
        ready = valid and not reason and pod is not None and is_true(pod, "Ready")
        if not reason:
            reason, message = ("Ready", "") if ready else _why_not(pod)
        listed = set_condition(
            old.get("conditions"), "Valid", valid, "Valid" if valid else "Invalid", "" if valid else message, now, generation
        )
        listed = set_condition(listed, "Ready", ready, reason, message, now, generation)
        status: dict[str, Any] = {
            "phase": "Failed" if not valid or reason in ("NameTaken", "Refused") else "Awake" if ready else "Provisioning",
            "url": self._settings.gateway_url + parts.base_path(ciconfig),
            "observedGeneration": generation,
            "conditions": listed,
        }
        if (scm := (ciconfig["spec"].get("source") or {}).get("scm")) and isinstance(scm, dict):
            status["webhook"] = f"{status['url']}/hooks/{scm.get('type', '')}"
        claim = self._caches[PERSISTENT_VOLUME_CLAIMS].get(parts.part_name(name(ciconfig)), namespace(ciconfig))
        if claim is not None:
            bound = {"claim": name(claim), "volume": claim["spec"].get("volumeName")}
            status["volume"] = {key: value for key, value in bound.items() if value}
        latest = self._latest.get((namespace(ciconfig), name(ciconfig)), "")
        if _is_news(latest, old.get("lastActivity", "")):
            status["lastActivity"] = latest
        if covers(old, status):
            return
        patch = {"metadata": {"resourceVersion": revision(ciconfig)}, "status": status}
        try:
            await self._client.patch(CiConfig.resource, name(ciconfig), patch, namespace(ciconfig), subresource="status")
        except NotFound:
            return
        if not valid:
            await self._recorder.event(ciconfig, "Warning", reason, message)


def _is_news(latest: str, known: str) -> bool:
    return bool(latest) and (not known or parse_time(latest) - parse_time(known) >= ACTIVITY_SECONDS)


def _server_index(pod: Object) -> tuple[str, ...]:
    return ("all",) if parts.SERVER_LABEL in labels(pod) else ()


def _port_of(pod: Object) -> int:
    for container in pod["spec"].get("containers") or ():
        for port in container.get("ports") or ():
            if port.get("name") == "http":
                return port.get("containerPort", 0)
    return 0


def _why_not(pod: Object | None) -> tuple[str, str]:
    """Why the CI server doesn't answer (yet), from its pod."""
    if pod is None or deleting(pod):
        return "PodStarting", "The CI server's pod is on its way."
    status = pod.get("status") or {}
    for told in status.get("containerStatuses") or ():
        waiting = (told.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") and waiting["reason"] != "ContainerCreating":
            return waiting["reason"], waiting.get("message") or f"Container {told['name']} waits."
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return condition.get("reason") or "Unschedulable", condition.get("message", "")
    if status.get("phase") == "Failed":
        return status.get("reason") or "PodFailed", status.get("message") or "The CI server's pod has failed."
    return "PodStarting", "The CI server doesn't answer yet."


def _seconds_since(pod: Object, now: float) -> float:
    """Since the pod's containers ended; long ago when that isn't known."""
    ends = [
        ((told.get("state") or {}).get("terminated") or {}).get("finishedAt")
        for told in (pod.get("status") or {}).get("containerStatuses") or ()
    ]
    known = [parse_time(end) for end in ends if end]
    return now - max(known) if known else float("inf")


def _resized(actual: Object, body: Object) -> Object:
    """A claim's spec is settled once it is bound; only its size may be asked to grow."""
    wanted = body["spec"]["resources"]
    return {**body, "spec": {**{key: actual["spec"].get(key) for key in body["spec"]}, "resources": wanted}}
