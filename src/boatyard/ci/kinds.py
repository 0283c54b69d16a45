"""The kinds of ``ci.boatyard.dev``: what a team declares, one run of it, and what a repository says about itself."""

from __future__ import annotations

from typing import Annotated

from boatyard.ci.build_fields import BuildSpec, BuildStatus
from boatyard.ci.ciconfig_fields import CiConfigSpec, CiConfigStatus
from boatyard.ci.pipeline_fields import PipelineSpec
from boatyard.machinery.schema.kind import Column, Metadata, Model, doc, kind

GROUP, VERSION = "ci.boatyard.dev", "v1alpha1"

CICONFIG_LABEL = "boatyard.dev/ciconfig"
"""On everything that belongs to a CiConfig: its name."""
BUILD_LABEL = "boatyard.dev/build"
"""On everything that belongs to a Build: its name."""
ATTEMPT_LABEL = "boatyard.dev/attempt"
"""On a build's pod: the attempt's number."""
LOGS_FINALIZER = "boatyard.dev/logs"
"""On a build's pod until its logs are in the object store."""
ARCHIVE_FINALIZER = "boatyard.dev/archive"
"""On a Build until its document is in the object store."""
CANCEL_ANNOTATION = "boatyard.dev/cancel"
"""On a Build: end it. The value says who and why, for people."""
RETRY_ANNOTATION = "boatyard.dev/retry"
"""On a finished Build: build the same commit once more. The value is unique to the request (`who/id`); the CI server makes the new
Build, once per value."""
LONGEST_NAME = 40
"""Of a CiConfig, so that what is named after it and a build's number stays a DNS label."""
FINAL_PHASES = ("Succeeded", "Failed", "Error", "Cancelled")
"""Phases of a Build that never change again."""


@kind(
    group=GROUP, version=VERSION, plural="ciconfigs", short_names=("cic",),
    columns=(
        Column("Phase", ".status.phase"),
        Column("Engine", ".spec.strategy.master.engine", priority=1),
        Column("Repository", ".spec.source.git.url"),
        Column("URL", ".status.url", priority=1),
        Column("Reason", '.status.conditions[?(@.type=="Ready")].reason', priority=1),
        Column("Age", ".metadata.creationTimestamp", type="date"),
    ),
)  # fmt: skip
class CiConfig(Model[CiConfigSpec, CiConfigStatus]):
    """A team's CI: its repository, a CI server of its own, and how its builds run.

    From it come a volume claim, a CI server's pod, a service and a route, all named ``ci-NAME``. The name is a DNS-1035 label of up
    to 40 characters; builds are named after it.
    """

    spec: Annotated[CiConfigSpec, doc("What the team asks for.")]
    status: Annotated[CiConfigStatus | None, doc("What became of it.")] = None


@kind(
    group=GROUP, version=VERSION, plural="builds", short_names=("bld",), immutable_spec=True,
    columns=(
        Column("Phase", ".status.phase"),
        Column("Reason", ".status.reason"),
        Column("Ref", ".spec.source.ref"),
        Column("Revision", ".spec.source.revision", priority=1),
        Column("Tests", ".status.tests.counts.total", type="integer", priority=1),
        Column("Failed", ".status.tests.counts.failed", type="integer", priority=1),
        Column("Message", ".status.message", priority=1),
        Column("Age", ".metadata.creationTimestamp", type="date"),
    ),
)  # fmt: skip
class Build(Model[BuildSpec, BuildStatus]):
    """One run of a repository's steps at one commit, in a pod of its own. Named ``CICONFIG-NUMBER``.

    The spec never changes. Annotate it with ``boatyard.dev/cancel`` to end it. A finished build leaves the API after its ``ttl``;
    its archived document, logs and artifacts stay in the object store.
    """

    spec: Annotated[BuildSpec, doc("Everything needed to run it.")]
    status: Annotated[BuildStatus | None, doc("What became of it.")] = None


@kind(group=GROUP, version=VERSION, plural="pipelines", stored=False)
class Pipeline(Model[PipelineSpec, None]):
    """What a repository says about its builds, in the file ``boatyard.yaml`` at its top. Validated, never stored.

    ``apiVersion`` and ``kind`` may be left out.
    """

    metadata: Metadata = Metadata()
    spec: Annotated[PipelineSpec, doc("What runs, where, and when.")]
