"""What an accepted event shall become: a Build's document, nothing, or a wait for something that is out of reach.

Reads the repository through its port and the declared state; what a build is made of is decided by ``ci.compose``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec

from boatyard.ci import compose
from boatyard.ci.build_fields import PullRequestSource
from boatyard.ci.ciconfig_fields import CiConfigSpec
from boatyard.ci.compose import ComposeError
from boatyard.ci.kinds import Build, Pipeline
from boatyard.ci.pipeline import PipelineError, read_pipeline
from boatyard.ci.scm.events import PullRequest, Push, Trigger
from boatyard.ciserver import triggers
from boatyard.ciserver.deliveries import NotReady
from boatyard.ciserver.inbox import Intent, Rerun
from boatyard.ciserver.repository import (
    PIPELINE_FILE,
    CommitMissing,
    MergeConflict,
    Repository,
    RepositoryUnavailable,
    Source,
    Unbuildable,
)
from boatyard.ciserver.team import Team
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.runtime.world import World

GIVE_UP_SECONDS = 300.0
"""How long an event waits for its repository before it becomes a Build in Error."""
_NO_COMMIT = "0" * 40


class Skip(NamedTuple):
    """It starts nothing."""

    why: str


class Wait(NamedTuple):
    """Something is out of reach; ask again."""

    why: str


class Refused(Exception):
    """It can't be built."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason, self.message = reason, message
        super().__init__(f"{reason}: {message}")


class Planner:
    """Plans one intent at a time; keeps nothing."""

    def __init__(
        self,
        team: Team,
        repository: Callable[[], Awaitable[Repository]],
        document: Callable[[int], Awaitable[Object | None]],
        world: World,
    ) -> None:
        self._team, self._repository, self._document, self._world = team, repository, document, world

    async def plan(self, intent: Intent) -> Object | Skip | Wait:
        """The Build's document, or why there is none (yet)."""
        try:
            event = intent.event
            if isinstance(event, Rerun):
                return await self._rerun(intent, event)
            return await self._event(intent, event)
        except NotReady as error:
            return Wait(str(error))
        except RepositoryUnavailable as error:
            if self._world.now() - intent.received < GIVE_UP_SECONDS:
                return Wait(str(error))
            return await self.refusal(intent, "RepositoryUnavailable", f"The repository can't be reached: {error}")
        except Refused as error:
            return await self.refusal(intent, error.reason, error.message)

    async def refusal(self, intent: Intent, reason: str, message: str) -> Object:
        """The document of a Build that is an Error from its beginning. Raises NotReady."""
        event = intent.event
        if isinstance(event, Rerun):
            found = await self._document(event.of)
            event = event_of(found) if found is not None else None
        trigger = _trigger(intent, event, None) if event is not None else compose.Trigger(
            type="retry", revision=_NO_COMMIT, delivery=intent.delivery)  # fmt: skip
        return compose.refused_build(self._team.object, trigger, intent.number, reason, message)

    async def _event(self, intent: Intent, event: Trigger) -> Object | Skip:
        owner, spec = self._team.object, self._team.spec
        if isinstance(event, PullRequest) and event.fork:
            return compose.compose_build(owner, None, _trigger(intent, event, None), intent.number)
        repository = await self._repository()
        try:
            source = await (repository.push(event) if isinstance(event, Push) else repository.pull_request(event))
        except MergeConflict as error:
            raise Refused("MergeConflict", f"The pull request can't be built: {error}. Merge or rebase, and push again.") from error
        except CommitMissing as error:
            raise Refused("CommitMissing", f"{error}. It may have been overwritten by a forced push.") from error
        except Unbuildable as error:
            raise Refused("Unbuildable", str(error)) from error
        pipeline = _pipeline(source)
        why = await self._unwanted(event, spec, source, pipeline, repository) if pipeline is not None else ""
        if why:
            return Skip(why)
        try:
            return compose.compose_build(owner, pipeline, _trigger(intent, event, source), intent.number)
        except ComposeError as error:
            told = "\n".join(str(one) for one in error.errors)
            raise Refused("InvalidPipeline" if pipeline is not None else "NoPipeline", told) from error

    async def _unwanted(
        self, event: Trigger, spec: CiConfigSpec, source: Source, pipeline: Pipeline, repository: Repository
    ) -> str:
        on = pipeline.spec.on
        why = triggers.refused_by_pipeline(event, spec, on)
        if not why and triggers.asks_for_paths(event, on):
            why = triggers.refused_by_paths(event, spec, on, await repository.changed(source))
        return why

    async def _rerun(self, intent: Intent, event: Rerun) -> Object | Skip:
        found = await self._document(event.of)
        if found is None:
            return Skip(f"there is no build {event.of} (any more)")
        again = event_of(found)
        if found["spec"].get("refusal") and again is not None:
            # It never had a plan that could be repeated.
            document = await self._event(intent._replace(event=again), again)
        else:
            document = compose.repeated_build(found, intent.number, event.by)
        if isinstance(document, dict):
            why = {"type": "retry", "by": event.by[:200], "retryOf": found["metadata"]["name"], "delivery": intent.delivery}
            document["spec"]["trigger"] = {key: value for key, value in why.items() if value}
        return document


def event_of(build: Object) -> Trigger | None:
    """The event that a Build's source tells of, as far as it can be built again."""
    try:
        source = Build.read(build).spec.source
    except msgspec.ValidationError:
        return None
    pull = source.pull_request
    if pull is None:
        return Push(ref=source.ref or "refs/heads/main", after=source.revision, subject=source.subject, author=source.author)
    return PullRequest(
        number=pull.number, head_sha=pull.head, head_ref=source.ref, target_ref=pull.target_ref, target_sha=pull.target,
        fork=pull.fork, title=pull.title, author=source.author,
    )  # fmt: skip


def _pipeline(source: Source) -> Pipeline | None:
    if source.pipeline_problem:
        raise Refused("InvalidPipeline", source.pipeline_problem)
    if source.pipeline is None:
        return None
    try:
        pipeline = read_pipeline(source.pipeline)
    except PipelineError as error:
        raise Refused("InvalidPipeline", "\n".join(f"{PIPELINE_FILE}, {fault}" for fault in error.errors[:50])) from error
    if pipeline.spec.on is not None and pipeline.spec.on.schedule:
        raise Refused(
            "InvalidPipeline", f"{PIPELINE_FILE}: spec.on.schedule: this version starts no builds at set times; leave it out"
        )
    return pipeline


def _trigger(intent: Intent, event: Trigger, source: Source | None) -> compose.Trigger:
    if isinstance(event, Push):
        return compose.Trigger(
            type="push", revision=event.after, ref=event.ref, subject=source.subject if source else event.subject,
            author=source.author if source else event.author, by=event.sender, delivery=intent.delivery,
        )  # fmt: skip
    target = source.target if source else event.target_sha
    pull = PullRequestSource(
        number=event.number, head=event.head_sha, target=target or event.head_sha, target_ref=event.target_ref, title=event.title,
        fork=event.fork,
    )  # fmt: skip
    return compose.Trigger(
        type="pullRequest", revision=event.head_sha, ref=event.head_ref, pull_request=pull, delivery=intent.delivery,
        subject=source.subject if source else event.title, author=source.author if source else event.author, by=event.sender,
    )  # fmt: skip
