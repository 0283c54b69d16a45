"""Admits waiting builds. One pass plans for all of them: what starts next depends on all that run."""

from __future__ import annotations

from collections.abc import Iterable

from boatyard.ci import build_state
from boatyard.ci.ciconfig_fields import Builds
from boatyard.ci.kinds import CICONFIG_LABEL, Build, CiConfig
from boatyard.ci.queue import Limits, Plan, Quota, Team, Waiting, plan
from boatyard.machinery.meta.core import CONFIG_MAPS
from boatyard.machinery.meta.errors import Conflict, NotFound
from boatyard.machinery.meta.objects import Object, name, namespace, revision, uid
from boatyard.machinery.runtime.controller import Controller, Request, Watch
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.settings import Settings

LIMITS_NAME = "build-limits"
"""A ConfigMap in the system namespace: ``total`` and ``perNamespace``, how many builds may run at once."""
QUEUE = Request("", "queue")
STAGE_INDEX = "build-stage"
RETRY_SECONDS = 0.1
"""After a build was changed by somebody else before it could be admitted."""


def controller(manager: Manager, settings: Settings) -> Controller:
    """The queue's controller."""
    queue = Queue(manager, settings)
    watches = (Watch(CiConfig.resource, lambda obj: (QUEUE,)), Watch(CONFIG_MAPS, queue.limits_changed))
    made = Controller("build-queue", Build.resource, queue.reconcile, watches=watches, requests=lambda build: ())

    def changed(old: Object | None, new: Object | None) -> None:
        # A pass looks at all that wait: only what lets one in, or adds one, is worth it.
        if _stage(old) != _stage(new):
            made.enqueue(QUEUE)

    manager.cache(Build.resource).on_change(changed)
    return made


def stage_index(build: Object) -> tuple[str, ...]:
    """Waiting and active builds are found without looking at finished ones."""
    found = build_state.stage(build)
    return (found,) if found in ("waiting", "active") else ()


def _stage(build: Object | None) -> str:
    return build_state.stage(build) if build is not None else ""


class Queue:
    """Carries out :func:`boatyard.ci.queue.plan`."""

    def __init__(self, manager: Manager, settings: Settings) -> None:
        self._client, self._world, self._settings = manager.client, manager.world, settings
        self._builds = manager.cache(Build.resource, indexes={STAGE_INDEX: stage_index})
        self._configs = manager.cache(CiConfig.resource)
        self._config_maps = manager.cache(CONFIG_MAPS)
        self._recorder = manager.recorder("build-queue")
        self._outrun = False
        self._assumed: dict[str, Team] = {}
        """By uid: builds that were admitted and that the cache still shows as waiting."""
        self._quotas: dict[Team, tuple[str, Quota]] = {}
        """What each CiConfig may have, with the revision that says so: a pass asks for every team, and few change."""

    def limits_changed(self, config_map: Object) -> Iterable[Request]:
        """The limits' ConfigMap concerns the queue."""
        return (QUEUE,) if (namespace(config_map), name(config_map)) == (self._settings.system_namespace, LIMITS_NAME) else ()

    async def reconcile(self, request: Request) -> float | None:
        """Admit what fits, tell the others that they wait."""
        self._outrun = False
        documents = {(namespace(one), name(one)): one for one in self._builds.by_index(STAGE_INDEX, "waiting")}
        still = {uid(one) for one in documents.values()}  # membership only
        self._assumed = {key: team for key, team in self._assumed.items() if key in still}
        waiting = [_waiting(one) for one in documents.values() if uid(one) not in self._assumed]
        found = self._plan(waiting)
        for one in found.admit:
            build = documents[(one.namespace, one.name)]
            if await self._write(build, build_state.admitted(build, self._world.now())):
                self._assumed[uid(build)] = one.team
        for one in found.refuse:
            build = documents[(one.namespace, one.name)]
            limit = self._quota(one.team).waiting
            told = f"More than {limit} builds of {one.ciconfig} wait already."
            await self._write(
                build, {"phase": "Error", "reason": "QueueFull", "message": told, **_finished(build, self._world.now())}
            )
        placed = {(one.namespace, one.name) for one in (*found.admit, *found.refuse)}  # membership only
        for one in waiting:
            build = documents[(one.namespace, one.name)]
            if (one.namespace, one.name) not in placed and build_state.phase(build) != "Queued":
                await self._write(build, build_state.queued(build, *self._why(one)))
        return RETRY_SECONDS if self._outrun else None

    def _plan(self, waiting: list[Waiting]) -> Plan:
        running: dict[Team, int] = {}
        for team in (*(_team(one) for one in self._builds.by_index(STAGE_INDEX, "active")), *self._assumed.values()):
            running[team] = running.get(team, 0) + 1
        quotas = {team: self._quota(team) for team in dict.fromkeys((*running, *(one.team for one in waiting)))}
        return plan(waiting, running, quotas, self._limits())

    def _quota(self, team: Team) -> Quota:
        config = self._configs.get(team[1], team[0])
        if config is None:
            self._quotas.pop(team, None)
            return Quota(Builds().concurrency, Builds().queue_limit)
        known = self._quotas.get(team)
        if known is None or known[0] != revision(config):
            declared = CiConfig.read(config).spec
            quota = Quota(0 if declared.paused else declared.builds.concurrency, declared.builds.queue_limit)
            known = self._quotas[team] = revision(config), quota
        return known[1]

    def _limits(self) -> Limits:
        data = (self._config_maps.get(LIMITS_NAME, self._settings.system_namespace) or {}).get("data") or {}
        total, each = (int(data[key]) if data.get(key, "").isdigit() else None for key in ("total", "perNamespace"))
        return Limits(total, each)

    def _why(self, one: Waiting) -> tuple[str, str]:
        config = self._configs.get(one.ciconfig, one.namespace)
        if config is not None and config["spec"].get("paused"):
            return "Paused", f"{one.ciconfig} is paused."
        return (
            "WaitingForTurn",
            f"As many builds run as may: {self._quota(one.team).running} of {one.ciconfig}, or of all together.",
        )

    async def _write(self, build: Object, status: Object) -> bool:
        patch = {"metadata": {"resourceVersion": revision(build)}, "status": status}
        try:
            await self._client.patch(Build.resource, name(build), patch, namespace(build), subresource="status")
        except NotFound:
            return False
        except Conflict:
            self._outrun = True
            return False
        return True


def _finished(build: Object, now: float) -> Object:
    return {
        "finishedAt": build_state.rfc3339(now),
        "conditions": build_state.conditions(build, now, archived=False, outcome="Error", why="not archived yet"),
    }


def _team(build: Object) -> Team:
    return namespace(build), build["metadata"].get("labels", {}).get(CICONFIG_LABEL) or build["spec"]["ciConfig"]


def _waiting(build: Object) -> Waiting:
    spec = build["spec"]
    created = build["metadata"].get("creationTimestamp", "")
    return Waiting(*_team(build), name(build), spec.get("number", 0), created, spec.get("priority", 0))
