"""The end of a build: what its pod said is gathered, archived, written down, and then everything of it is torn down."""

from __future__ import annotations

import json
import logging
from typing import Any

from boatyard.ci import object_keys, pod_report
from boatyard.ci.kinds import ARCHIVE_FINALIZER, BUILD_LABEL, LOGS_FINALIZER, Build
from boatyard.ci.log_collector import MAX_LOG_BYTES
from boatyard.ci.pod import attempt_of
from boatyard.ci.steps.collect import RESULTS
from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import PERSISTENT_VOLUME_CLAIMS, PODS, SERVICES
from boatyard.machinery.meta.errors import Conflict, NotFound
from boatyard.machinery.meta.objects import Object, copied, deleting, finalizers, labels, name, namespace, owned_by, revision, uid
from boatyard.machinery.objects.store import ObjectStore
from boatyard.machinery.runtime.cache import Cache
from boatyard.machinery.runtime.world import World

log = logging.getLogger(__name__)

MAX_RESULTS_BYTES = 4 * 1024 * 1024
MAX_STATUS_BYTES = 60 * 1024
ONCE_SECONDS = 30.0


async def results(store: ObjectStore, build: Object, pod: Object | None, *, logs_cut: bool, logs_missing: bool) -> dict[str, Any]:
    """What the pod found out: steps, tests, artifacts, problems; fields of the Build's status."""
    problems: list[str] = []
    if logs_cut:
        problems.append(f"Of a container's log only the first {MAX_LOG_BYTES >> 20} MiB are kept.")
    if logs_missing:
        problems.append("Logs are incomplete: the rest could not be read or stored in time.")
    found: dict[str, Any] = {}
    if pod is not None:
        report = pod_report.read(pod)
        found["steps"] = pod_report.step_statuses(build["spec"], report.steps)
        said = report.collect or {}
        if said.get("full") is True:
            said = await _full(store, build, attempt_of(pod)) or said
        if tests := pod_report.test_results(said):
            found["tests"] = tests
        if kept := pod_report.artifacts(said):
            found["artifacts"] = kept
            found["artifactsTotal"] = max(len(kept), len(said.get("artifacts") or ()), _total(said))
        problems += pod_report.problems(said)
        asked = build["spec"].get("tests") or build["spec"].get("artifacts")
        if asked and report.collect is None and report.steps:
            problems.append("Test reports and artifacts were not collected: the pod ended before.")
    if problems:
        found["problems"] = problems
    return _fitting(found)


async def archive(store: ObjectStore, build: Object, status: Object) -> None:
    """Store the Build's document with that status. Idempotent. Raises OSError."""
    document = copied(build)
    document["status"] = _merged(document.get("status") or {}, status)
    for field in ("managedFields", "resourceVersion"):
        document["metadata"].pop(field, None)
    spec = build["spec"]
    key = object_keys.document(namespace(build), spec["ciConfig"], spec["number"])
    await store.put(key, json.dumps(document, separators=(",", ":")).encode())


class Teardown:
    """Takes away what belongs to a build and is needed no more."""

    def __init__(self, client: Client, world: World, pods: Cache, claims: Cache, services: Cache) -> None:
        self._client, self._world = client, world
        self._pods, self._claims, self._services = pods, claims, services
        self._released: dict[str, float] = {}

    async def release_pod(self, pod: Object) -> None:
        """Its logs are safe, or as safe as they will be: let it go. Once is enough, even while a cache still shows it."""
        now = self._world.monotonic()
        if self._released.get(uid(pod), -ONCE_SECONDS) + ONCE_SECONDS > now:
            return
        if LOGS_FINALIZER in finalizers(pod):
            kept = [one for one in finalizers(pod) if one != LOGS_FINALIZER]
            # Finalizers are a list without keys: naming the revision keeps those of others.
            patch = {"metadata": {"finalizers": kept or None, "resourceVersion": revision(pod)}}
            try:
                pod = await self._client.patch(PODS, name(pod), patch, namespace(pod))
            except NotFound:
                return
        if not deleting(pod):
            await self.delete_pod(pod)
        self._released[uid(pod)] = now

    def forget_pod(self, pod_uid: str) -> None:
        """The pod is gone."""
        self._released.pop(pod_uid, None)

    async def delete_pod(self, pod: Object) -> None:
        """Ask for its end."""
        try:
            await self._client.delete(PODS, name(pod), namespace(pod), uid=uid(pod))
        except (NotFound, Conflict):
            pass  # gone, or another one of that name

    async def leftovers(self, build: Object, keep: int = 0) -> bool:
        """Take away everything but what belongs to the attempt ``keep``; True when there was nothing."""
        key = f"{namespace(build)}/{name(build)}"
        pods, claims, services = (
            [one for one in cache.by_index(BUILD_LABEL, key) if owned_by(one, build) and (not keep or 0 < attempt_of(one) < keep)]
            for cache in (self._pods, self._claims, self._services)
        )
        for pod in pods:
            await self.release_pod(pod)
        for resource, left in ((PERSISTENT_VOLUME_CLAIMS, claims), (SERVICES, services)):
            for one in left:
                if not deleting(one):
                    await self._delete(resource, one)
        return not (pods or claims or services)

    async def build(self, build: Object) -> None:
        """Take the Build itself out of the API: its document is archived."""
        await self._delete(Build.resource, build)

    async def release_build(self, build: Object) -> None:
        """Let a Build go that somebody deleted."""
        kept = [one for one in finalizers(build) if one != ARCHIVE_FINALIZER]
        patch = {"metadata": {"finalizers": kept or None, "resourceVersion": revision(build)}}
        try:
            await self._client.patch(Build.resource, name(build), patch, namespace(build))
        except NotFound:
            pass

    async def _delete(self, resource: Any, obj: Object) -> None:
        try:
            await self._client.delete(resource, name(obj), namespace(obj), uid=uid(obj))
        except (NotFound, Conflict):
            pass


def build_index(obj: Object) -> tuple[str, ...]:
    """Whatever carries a build's label is found by ``namespace/build``."""
    build = labels(obj).get(BUILD_LABEL)
    return (f"{namespace(obj)}/{build}",) if build else ()


async def _full(store: ObjectStore, build: Object, attempt: int) -> dict[str, Any] | None:
    spec = build["spec"]
    key = object_keys.artifact(namespace(build), spec["ciConfig"], spec["number"], attempt, RESULTS)
    try:
        document = json.loads(await store.get(key, end=MAX_RESULTS_BYTES))
    except (KeyError, ValueError, RecursionError, OSError) as error:
        log.warning("full results of %s/%s: %s", namespace(build), name(build), error)
        return None
    return document if isinstance(document, dict) else None


def _total(said: dict[str, Any]) -> int:
    value = said.get("artifactsTotal")
    return value if isinstance(value, int) and 0 <= value < 1_000_000 else 0


def _fitting(found: dict[str, Any]) -> dict[str, Any]:
    """Bounded, whatever was said: long lists lose their ends."""
    while len(json.dumps(found)) > MAX_STATUS_BYTES - 20_000:
        if found.get("artifacts"):
            found["artifacts"] = found["artifacts"][: len(found["artifacts"]) // 2]
        elif (found.get("tests") or {}).get("failures"):
            found["tests"]["failures"] = found["tests"]["failures"][: len(found["tests"]["failures"]) // 2]
        elif found.get("problems"):
            found["problems"] = found["problems"][: len(found["problems"]) // 2]
        else:
            break
    return found


def _merged(old: Object, patch: Object) -> Object:
    merged = {key: value for key, value in {**old, **patch}.items() if value is not None}
    return merged
