"""Runs builds: a pod per attempt, a verdict from what the pod says, another attempt when the infrastructure failed it.

What a pass knows, it knows from the Build, its pods and the object store; so it may be ended after every line. The order of writes
is what makes that safe: an attempt is written into the status before its pod is made, the document is archived before the final
status is written, and only then the pod is let go.
"""

from __future__ import annotations

from collections.abc import Iterable

from boatyard.ci import build_state, trust
from boatyard.ci.build_end import Teardown, archive, build_index, results
from boatyard.ci.build_news import build_changed, pod_changed
from boatyard.ci.kinds import BUILD_LABEL, LOGS_FINALIZER, Build, CiConfig
from boatyard.ci.log_collector import LogCollector
from boatyard.ci.pod import build_pod, claims, logs_prefix, pod_name, service
from boatyard.ci.verdict import Verdict, judge
from boatyard.machinery.meta.conditions import is_true
from boatyard.machinery.meta.core import PERSISTENT_VOLUME_CLAIMS, PODS, SERVICES
from boatyard.machinery.meta.errors import AlreadyExists, BadRequest, Forbidden, Invalid, NotFound
from boatyard.machinery.meta.objects import Object, deleting, finalizers, labels, name, namespace, owned_by, revision, uid
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.meta.timestamps import duration_seconds, parse_time
from boatyard.machinery.runtime.controller import Controller, Request, Watch
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.settings import Settings

LOGS_PATIENCE_SECONDS = 60.0
"""How long the outcome may wait, after the pod's end, for logs and documents to be stored."""
LOOK_AGAIN_SECONDS = 15.0
"""While a pod hasn't begun, or is stuck."""
WORKERS = 8


def controller(manager: Manager, settings: Settings) -> Controller:
    """The builds' controller."""
    builds = Builds(manager, settings)
    watches = (Watch(PODS, _build_of, builds.pod_is_news), Watch(PERSISTENT_VOLUME_CLAIMS, _build_of))
    made = Controller("build", Build.resource, builds.reconcile, watches=watches, workers=WORKERS, is_news=builds.build_is_news)

    def stored(pod: Object) -> None:
        if builds.logs.complete(pod):
            for request in _build_of(pod):
                made.enqueue(request)

    builds.logs = LogCollector(manager.client, builds.pods, settings.object_store, manager.world, stored)
    manager.add_loop("build-logs", builds.logs.run)
    return made


def _build_of(obj: Object) -> Iterable[Request]:
    build = labels(obj).get(BUILD_LABEL)
    return (Request(namespace(obj), build),) if build else ()


class Builds:
    """Passes over builds."""

    logs: LogCollector

    def __init__(self, manager: Manager, settings: Settings) -> None:
        self._client, self._world, self._settings = manager.client, manager.world, settings
        self._store = settings.object_store
        index = {BUILD_LABEL: build_index}
        self._builds = manager.cache(Build.resource)
        self.pods = manager.cache(PODS, indexes=index)
        self._configs = manager.cache(CiConfig.resource)
        self._teardown = Teardown(
            manager.client,
            manager.world,
            self.pods,
            manager.cache(PERSISTENT_VOLUME_CLAIMS, indexes=index),
            manager.cache(SERVICES, indexes=index),
        )
        self._recorder = manager.recorder("build-controller")
        self.pods.on_change(self._pod_changed)
        self._ended: dict[str, float] = {}
        """By a pod's uid: when it was first seen over. Forgotten by a restart, which then waits anew, no longer."""

    def build_is_news(self, old: Object | None, new: Object | None) -> bool:
        """Whether a pass would do anything about a Build's change."""
        build = new if new is not None else old or {}
        return build_changed(old, new, bool(self.pods.by_index(BUILD_LABEL, f"{namespace(build)}/{name(build)}")))

    def pod_is_news(self, old: Object | None, new: Object | None) -> bool:
        """Whether a pass would do anything about a pod's change."""
        pod = new if new is not None else old or {}
        build = labels(pod).get(BUILD_LABEL)
        return build is not None and pod_changed(self._builds.get(build, namespace(pod)), old, new)

    async def reconcile(self, request: Request) -> float | None:
        """One pass over one build."""
        build = self._builds.get(request.name, request.namespace)
        if build is None:
            return await self._orphans(request)
        match build_state.stage(build):
            case "final":
                return await self._finished(build)
            case "active":
                return await self._active(build)
            case "ending":
                return await self._never_started(build)
        return None  # it waits: the queue's business

    # --- before and after ---

    async def _never_started(self, build: Object) -> float | None:
        refusal = build["spec"].get("refusal")
        verdict = build_state.cancelled(build)
        if verdict is None and refusal:
            verdict = Verdict("Error", refusal.get("reason", "Refused"), refusal.get("message", ""))
        assert verdict is not None
        return await self._end(build, None, verdict)

    async def _finished(self, build: Object) -> float | None:
        nothing_left = await self._teardown.leftovers(build)
        if not is_true(build, "Archived"):
            await archive(self._store, build, {})
            listed = build_state.conditions(build, self._world.now(), archived=True, outcome=build_state.phase(build))
            await self._write(build, {"conditions": listed})
            return None
        left = self._seconds_left(build)
        if deleting(build):
            if nothing_left:
                await self._teardown.release_build(build)
            return None
        if left > 0:
            return left
        # What was reported meanwhile belongs into the archive too.
        await archive(self._store, build, {})
        await self._teardown.build(build)
        return None

    def _seconds_left(self, build: Object) -> float:
        finished = (build.get("status") or {}).get("finishedAt")
        ended = parse_time(finished) if finished else self._world.now()
        return ended + duration_seconds(build["spec"].get("ttl") or "1h") - self._world.now()

    async def _orphans(self, request: Request) -> float | None:
        """Pods whose Build is gone hold nobody's logs."""
        for pod in self.pods.by_index(BUILD_LABEL, f"{request.namespace}/{request.name}"):
            if LOGS_FINALIZER in finalizers(pod) and deleting(pod):
                try:
                    await self._client.get(Build.resource, request.name, request.namespace)
                except NotFound:
                    await self._teardown.release_pod(pod)
        return None

    # --- while it has a place ---

    async def _active(self, build: Object) -> float | None:
        number = len(build_state.attempts(build))
        if number > 1:
            await self._teardown.leftovers(build, keep=number)
        pod = self.pods.get(pod_name(name(build), number), namespace(build))
        if pod is not None and not owned_by(pod, build):
            return LOOK_AGAIN_SECONDS  # of an earlier Build of this name: it is on its way out
        decision = build_state.decision(build) or build_state.cancelled(build)
        if pod is None:
            return await self._without_pod(build, number, decision)
        self.logs.follow(pod, logs_prefix(build, number))
        now = self._world.now()
        over = _over(pod)
        verdict = decision if decision is not None else judge(build, pod, now, pulls=not self._settings.embedded)
        if verdict is None:
            return await self._going_on(build, pod)
        if verdict.end and not over:
            return await self._put_down(build, pod, verdict)
        waited = now - self._ended.setdefault(uid(pod), now)
        complete = self.logs.complete(pod)
        if not complete and waited < (LOGS_PATIENCE_SECONDS if verdict.outcome != "Lost" else LOGS_PATIENCE_SECONDS / 4):
            return LOOK_AGAIN_SECONDS
        if verdict.outcome == "Lost" and build_state.retry_allowed(build):
            return await self._again(build, pod, verdict)
        return await self._end(build, pod, verdict, logs_complete=complete)

    async def _without_pod(self, build: Object, number: int, decision: Verdict | None) -> float | None:
        if decision is not None:
            return await self._end(build, None, decision)
        current = build_state.attempts(build)[-1]
        if build_state.phase(build) == "Running" or current.get("startedAt"):
            verdict = Verdict("Lost", "PodGone", f"The pod {current['pod']} is gone.")
            if build_state.retry_allowed(build):
                return await self._again(build, None, verdict)
            return await self._end(build, None, verdict)
        return await self._make_pod(build, number)

    async def _make_pod(self, build: Object, number: int) -> float | None:
        previous = build_state.attempts(build)[-2:-1]
        if previous and previous[0].get("finishedAt"):
            pause = build_state.pause_before(build, self._world.now(), parse_time(previous[0]["finishedAt"]))
            if pause > 0:
                return pause
        if refused := self._refused(build):
            return await self._end(build, None, refused)
        # The cache may lag: a pod must not be made again for a build that is over.
        fresh = await self._client.get(Build.resource, name(build), namespace(build))
        if revision(fresh) != revision(build):
            return 1.0 if uid(fresh) == uid(build) else None
        try:
            wanted = [(PERSISTENT_VOLUME_CLAIMS, claim) for claim in claims(build, number)]
            wanted += [(SERVICES, declared)] if (declared := service(build)) else []
            wanted.append((PODS, build_pod(build, number, self._settings)))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            # Where the API server doesn't check templates they may hold anything.
            told = f"spec.podTemplate is not a pod's: {type(error).__name__}: {error}"
            return await self._end(build, None, Verdict("Error", "TemplateRefused", told[:4000]))
        try:
            for resource, body in wanted:
                await self._make(resource, body)
        except (Invalid, BadRequest) as error:
            return await self._end(build, None, Verdict("Error", "TemplateRefused", str(error)[:4000]))
        except Forbidden as error:
            await self._recorder.event(build, "Warning", "PodRefused", str(error))
            return 30.0  # a quota: it may have room later
        return LOOK_AGAIN_SECONDS

    def _refused(self, build: Object) -> Verdict | None:
        config = self._configs.get(build["spec"]["ciConfig"], namespace(build))
        if config is None:
            return Verdict("Error", "NoCiConfig", f"There is no CiConfig {build['spec']['ciConfig']!r}.")
        pull = build["spec"]["source"].get("pullRequest") or {}
        if pull.get("fork"):
            return Verdict("Error", "ForkNotTrusted", "Builds of forks don't run.")
        if not build["spec"].get("podTemplate") or not build["spec"].get("steps"):
            return Verdict("Error", "NothingToRun", "The Build has no podTemplate or no steps.")
        given = build["spec"]["source"].get("credentials")
        declared = CiConfig.read(config).spec.source.git.credentials
        if given and (declared is None or given.get("name") != declared.secret_ref.name):
            # Who may make Builds must not thereby be able to send any Secret of the namespace to an address of his choice.
            told = f"The Build fetches with the Secret {given.get('name')!r}, which is not the one that its CiConfig names."
            return Verdict("Error", "CredentialRefused", told)
        wrong = trust.violations(build["spec"]["podTemplate"], CiConfig.read(config).spec.trust)
        if wrong:
            return Verdict("Error", "TemplateRefused", "; ".join(str(one) for one in wrong)[:4000])
        return None

    async def _make(self, resource: Resource, body: Object) -> None:
        try:
            await self._client.create(resource, body, namespace(body))
        except AlreadyExists:
            pass  # made by an earlier pass; if it is somebody else's, the next pass finds that out

    async def _going_on(self, build: Object, pod: Object) -> float | None:
        status = pod.get("status") or {}
        starting = build_state.phase(build) == "Starting"
        if starting and _begun(status):
            await self._write(build, build_state.running(build, pod))
            starting = False
        elif deleting(pod):
            return None
        return LOOK_AGAIN_SECONDS * (1 if starting else 4)

    async def _put_down(self, build: Object, pod: Object, verdict: Verdict) -> float | None:
        """End the pod; first remember why."""
        if build_state.decision(build) is None:
            await self._write(build, build_state.decided(build, pod, verdict))
        if not deleting(pod):
            await self._teardown.delete_pod(pod)
        return LOOK_AGAIN_SECONDS

    async def _again(self, build: Object, pod: Object | None, verdict: Verdict) -> float | None:
        number = len(build_state.attempts(build))
        written = await self._write(build, build_state.next_attempt(build, pod, verdict, self._world.now()))
        if written is not None:
            told = f"Attempt {number} was lost: {verdict.message} Attempt {number + 1} follows."
            await self._recorder.event(build, "Warning", verdict.reason, told)
        return None

    async def _end(self, build: Object, pod: Object | None, verdict: Verdict, *, logs_complete: bool = True) -> float | None:
        now = self._world.now()
        cut = pod is not None and self.logs.was_cut(pod)
        found = await results(self._store, build, pod, logs_cut=cut, logs_missing=not logs_complete)
        status = build_state.final(build, pod, verdict, now, found)
        try:
            await archive(self._store, build, status)
        except OSError as error:
            if pod is not None and now - self._ended.setdefault(uid(pod), now) < LOGS_PATIENCE_SECONDS:
                raise
            # The verdict doesn't wait for ever for an object store: it is archived later.
            listed = build_state.conditions(build, now, archived=False, outcome=status["phase"], why=str(error))
            status["conditions"] = listed
        if await self._write(build, status) is None:
            return None
        if status["phase"] != "Succeeded":
            await self._recorder.event(build, "Warning", verdict.reason or status["phase"], verdict.message or status["phase"])
        return None

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        """What was remembered of a pod goes with it."""
        if new is None and old is not None and _build_of(old):
            self.logs.forget(uid(old))
            self._teardown.forget_pod(uid(old))
            self._ended.pop(uid(old), None)

    async def _write(self, build: Object, status: Object) -> Object | None:
        """Patch the status if the Build is still as it was read; None when it is gone. Raises Conflict."""
        patch = {"metadata": {"resourceVersion": revision(build)}, "status": status}
        try:
            return await self._client.patch(Build.resource, name(build), patch, namespace(build), subresource="status")
        except NotFound:
            return None


def _over(pod: Object) -> bool:
    """Whether nothing of it runs any more."""
    status = pod.get("status") or {}
    if status.get("phase") in ("Succeeded", "Failed"):
        return True
    told = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    if deleting(pod) and (not (pod.get("spec") or {}).get("nodeName") or pod["metadata"].get("deletionGracePeriodSeconds") == 0):
        return True
    return bool(told) and all((one.get("state") or {}).get("terminated") for one in told)


def _begun(status: Object) -> bool:
    told = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    states = [one.get("state") or {} for one in told]
    return any(state.get("running") is not None or state.get("terminated") for state in states)
