"""Admits waiting builds. One pass plans for all of them: what starts next depends on all that run."""

from __future__ import annotations

from boatyard.ci import build_state
from boatyard.ci.ciconfig_fields import Builds
from boatyard.ci.kinds import CICONFIG_LABEL, Build, CiConfig
from boatyard.ci.queue import Limits, Quota, Team, Waiting, plan
from boatyard.machinery.meta.core import CONFIG_MAPS
from boatyard.machinery.meta.errors import Conflict, NotFound
from boatyard.machinery.meta.objects import Object, name, namespace, revision, uid
from boatyard.machinery.runtime.controller import Controller, Request, Watch
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.settings import Settings

LIMITS_NAME = "build-limits"
"""A ConfigMap in the system namespace: ``total`` and ``perNamespace``, how many builds may run at once."""
QUEUE = Request("", "queue")
RETRY_SECONDS = 0.1
"""After a build was changed by somebody else before it could be admitted."""


def controller(manager: Manager, settings: Settings) -> Controller:
    """The queue's controller."""
    queue = Queue(manager, settings)
    watches = (Watch(CiConfig.resource, lambda obj: (QUEUE,)),)
    made = Controller("build-queue", Build.resource, queue.reconcile, watches=watches, requests=lambda build: ())

    def changed(old: Object | None, new: Object | None) -> None:
        if queue.take_in(old, new):
            made.enqueue(QUEUE)

    manager.cache(Build.resource).on_change(changed)
    queue.limits.on_change(lambda old, new: made.enqueue(QUEUE))
    return made


class Queue:
    """Carries out :func:`boatyard.ci.queue.plan`."""

    def __init__(self, manager: Manager, settings: Settings) -> None:
        self._client, self._world, self._settings = manager.client, manager.world, settings
        self._configs = manager.cache(CiConfig.resource)
        # Only this one: of others' there may be many, and long ones.
        self.limits = manager.cache(
            CONFIG_MAPS, namespace=settings.system_namespace, field_selector=f"metadata.name={LIMITS_NAME}"
        )
        self._outrun = False
        self._waiting: dict[str, tuple[Object, Waiting]] = {}
        """By uid: the builds that wait."""
        self._places: dict[str, Team] = {}
        """By uid: the builds that have a place, also those whose admission the cache doesn't show yet."""
        self._assumed: dict[str, None] = {}
        """The latter."""
        self._running: dict[Team, int] = {}
        """How many places each team has."""
        self._quotas: dict[Team, tuple[str, Quota]] = {}
        """What each CiConfig may have, with the revision that says so: a pass asks for every team, and few change."""

    def take_in(self, old: Object | None, new: Object | None) -> bool:
        """Note a Build's change. Whether it is worth a pass: one begins to wait, or one gives back its place."""
        if old is not None and (new is None or uid(old) != uid(new)):
            self._waiting.pop(uid(old), None)
            freed = self._give_back(uid(old))
            return freed if new is None else self.take_in(None, new) or freed
        assert new is not None
        key, stage = uid(new), build_state.stage(new)
        if stage == "waiting":
            if key in self._assumed:
                return False
            known, one = self._waiting.get(key), _waiting(new)
            self._waiting[key] = new, one
            return known is None or known[1] != one
        self._assumed.pop(key, None)
        self._waiting.pop(key, None)
        if stage != "active":
            return self._give_back(key)
        self._take_place(key, _team(new))
        return False

    def _take_place(self, key: str, team: Team) -> None:
        if key not in self._places:
            self._places[key] = team
            self._running[team] = self._running.get(team, 0) + 1

    def _give_back(self, key: str) -> bool:
        self._assumed.pop(key, None)
        team = self._places.pop(key, None)
        if team is None:
            return False
        self._running[team] -= 1
        if not self._running[team]:
            del self._running[team]
        return True

    async def reconcile(self, request: Request) -> float | None:
        """Admit what fits, tell the others that they wait."""
        self._outrun = False
        if not self._waiting:
            return None
        waiting = {(one.namespace, one.name): (build, one) for build, one in self._waiting.values()}
        quotas = {one.team: self._quota(one.team) for _, one in waiting.values()}
        found = plan((one for _, one in waiting.values()), self._running, quotas, self._limits())
        for one in found.admit:
            build, _ = waiting.pop((one.namespace, one.name))
            if await self._write(build, build_state.admitted(build, self._world.now())) and uid(build) in self._waiting:
                del self._waiting[uid(build)]
                self._assumed[uid(build)] = None
                self._take_place(uid(build), one.team)
        for one in found.refuse:
            build, _ = waiting.pop((one.namespace, one.name))
            limit = self._quota(one.team).waiting
            told = f"More than {limit} builds of {one.ciconfig} wait already."
            await self._write(
                build, {"phase": "Error", "reason": "QueueFull", "message": told, **_finished(build, self._world.now())}
            )
        for build, one in waiting.values():
            if build_state.phase(build) != "Queued":
                await self._write(build, build_state.queued(build, *self._why(one)))
        return RETRY_SECONDS if self._outrun else None

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
        data = (self.limits.get(LIMITS_NAME, self._settings.system_namespace) or {}).get("data") or {}
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
