"""The fields of a ``Build``: everything that is needed to run it, and what became of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from boatyard.ci.ciconfig_fields import SecretReference
from boatyard.ci.pipeline_fields import Artifact, Duration, JunitReports, SourceOptions, Step
from boatyard.machinery.schema.kind import Condition, View, doc

Phase = Literal["Pending", "Queued", "Starting", "Running", "Succeeded", "Failed", "Error", "Cancelled"]
Sha = Annotated[str, doc("A commit's full hash.", pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$")]


class PullRequestSource(View):
    """The pull request that is built."""

    number: Annotated[int, doc("Its number on the SCM.", ge=1)]
    head: Annotated[Sha, doc("Its commit.")]
    target: Annotated[Sha, doc("The commit that the head is merged into.")]
    target_ref: Annotated[str, doc("The branch it shall go to.")] = ""
    title: Annotated[str, doc("Its title.", max_length=500)] = ""
    fork: Annotated[bool, doc("The head lies in somebody else's repository. Such a build doesn't run.")] = False


class BuildSource(View):
    """Exactly what is built. Every attempt builds the same tree."""

    revision: Annotated[Sha, doc("The commit; for a pull request its head.")]
    ref: Annotated[str, doc("Where the commit was found, e.g. refs/heads/main.", max_length=1000)] = ""
    url: Annotated[str, doc("Where to fetch.", max_length=2000)] = ""
    credentials: Annotated[SecretReference | None, doc("Secret for fetching; only `source` sees it.")] = None
    pull_request: Annotated[PullRequestSource | None, doc("Set when a pull request is built.")] = None
    subject: Annotated[str, doc("First line of the commit's message.", max_length=500)] = ""
    author: Annotated[str, doc("Who wrote the commit.", max_length=200)] = ""
    options: Annotated[SourceOptions, doc("Depth, submodules.")] = SourceOptions()


class BuildTrigger(View):
    """Why there is this build."""

    type: Annotated[Literal["push", "pullRequest", "schedule", "manual", "retry"], doc("What started it.")] = "manual"
    by: Annotated[str, doc("Who.", max_length=200)] = ""
    delivery: Annotated[str, doc("Id of the webhook's delivery.", max_length=200)] = ""
    retry_of: Annotated[str, doc("Name of the build that this one repeats.")] = ""


class Refusal(View):
    """Why this build is one in Error from its beginning: its number was given, but it can't run."""

    reason: Annotated[
        str,
        doc(
            "InvalidPipeline, MergeConflict, CommitMissing, ForkNotTrusted, …", pattern=r"^[A-Za-z]([A-Za-z0-9]*)$", max_length=100
        ),
    ]
    message: Annotated[str, doc("What is wrong, where, and what to do.", max_length=8192)] = ""


class Retries(View):
    """How often to start again."""

    infrastructure: Annotated[int, doc("After the loss of its pod or node. A failed step is never repeated.", ge=0, le=20)] = 3


class BuildSpec(View):
    """Immutable and complete: nothing else needs to be read to run the build."""

    ci_config: Annotated[str, doc("Name of the CiConfig it belongs to.", min_length=1, max_length=40)]
    number: Annotated[int, doc("Its number within the CiConfig.", ge=1)]
    source: Annotated[BuildSource, doc("What is built.")]
    trigger: Annotated[BuildTrigger, doc("Why.")] = BuildTrigger()
    parameters: Annotated[dict[str, str], doc("Parameters with their values; steps see them as environment variables.")] = {}
    pod_template: Annotated[
        dict[str, Any] | None,
        doc("The pod; containers in which steps run have no command.", core="v1.PodTemplateSpec"),
    ] = None
    steps: Annotated[tuple[Step, ...], doc("What runs, one after the other.", max_length=100)] = ()
    tests: Annotated[tuple[JunitReports, ...], doc("Reports to read after the steps.", max_length=20)] = ()
    artifacts: Annotated[tuple[Artifact, ...], doc("Files to keep after the steps.", max_length=50)] = ()
    timeout: Annotated[Duration, doc("Longest run of an attempt.")] = "1h"
    retries: Annotated[Retries, doc("How often to start again.")] = Retries()
    priority: Annotated[int, doc("Of two waiting builds, the higher one starts first.", ge=-1000, le=1000)] = 0
    ttl: Annotated[Duration, doc("How long after its end it stays in the API.")] = "1h"
    refusal: Annotated[Refusal | None, doc("Set when it can't run: it ends in Error with this reason at once.")] = None


class Attempt(View):
    """One pod of the build."""

    number: Annotated[int, doc("1 for the first.")]
    pod: Annotated[str, doc("Name of the pod.")]
    node: Annotated[str, doc("Where it ran.")] = ""
    started_at: Annotated[str, doc("When its pod started.", format="date-time")] = ""
    finished_at: Annotated[str, doc("When it was over.", format="date-time")] = ""
    logs: Annotated[str, doc("Key prefix of its logs in the object store.")] = ""
    outcome: Annotated[str, doc("Empty while it runs; then Succeeded, Failed, Error, Cancelled or Lost (not its fault).")] = ""
    reason: Annotated[str, doc("Why.")] = ""
    message: Annotated[str, doc("Why, in a sentence.")] = ""


class StepStatus(View):
    """What became of a step in the last attempt."""

    name: Annotated[str, doc("Its name.")]
    container: Annotated[str, doc("Where it ran.")] = ""
    outcome: Annotated[
        Literal["Succeeded", "Failed", "Skipped", "Timeout", "Cancelled", "Lost"], doc("Lost: its container ended before it did.")
    ] = "Skipped"
    exit_code: Annotated[int | None, doc("Exit code; 128 + signal when a signal ended it.")] = None
    started_at: Annotated[str, doc("When it began.", format="date-time")] = ""
    duration_millis: Annotated[int, doc("How long it took, in thousandths of a second.")] = 0


class FailedTest(View):
    """A test that failed or broke."""

    name: Annotated[str, doc("Class and name.")]
    message: Annotated[str, doc("The beginning of what it said.")] = ""
    file: Annotated[str, doc("The report that told.")] = ""


class CaseCounts(View):
    """Tests in all reports together."""

    total: Annotated[int, doc("All.")] = 0
    passed: Annotated[int, doc("Good.")] = 0
    failed: Annotated[int, doc("Failures and errors.")] = 0
    skipped: Annotated[int, doc("Not run.")] = 0


class ReportResults(View):
    """What the reports said."""

    counts: Annotated[CaseCounts, doc("How many.")] = CaseCounts()
    failures: Annotated[tuple[FailedTest, ...], doc("The first 20.")] = ()
    files: Annotated[int, doc("How many reports were read.")] = 0
    duration_millis: Annotated[int, doc("The sum of what the tests took.")] = 0
    problems: Annotated[tuple[str, ...], doc("Reports that couldn't be read, and why.")] = ()


class StoredArtifact(View):
    """A file that was kept."""

    name: Annotated[str, doc("The artifact it belongs to.")] = ""
    path: Annotated[str, doc("Its path in the workspace.")]
    size_bytes: Annotated[int, doc("Its size.")] = 0
    sha256: Annotated[str, doc("Hash of its content.")] = ""


class Reported(View):
    """What the SCM was told. Written by the CI server."""

    context: Annotated[str, doc("Name of the status.")] = ""
    state: Annotated[str, doc("pending, success, failure or error.")]
    at: Annotated[str, doc("When.", format="date-time")] = ""
    note: Annotated[str, doc("Why it wasn't taken, if so.")] = ""


class BuildStatus(View):
    """What became of it; below 64 KiB. All but ``reported`` is written by the build controller."""

    phase: Annotated[Phase, doc("Where it stands; the last four are final.")] = "Pending"
    reason: Annotated[str, doc("Why, in one word: StepFailed, TestsFailed, OOMKilled, Timeout, …")] = ""
    message: Annotated[str, doc("Why, in a sentence.", max_length=8192)] = ""
    attempts: Annotated[tuple[Attempt, ...], doc("Every pod it had, the last one last.", map_keys=("number",))] = ()
    steps: Annotated[tuple[StepStatus, ...], doc("What became of its steps in the last attempt.")] = ()
    tests: Annotated[ReportResults | None, doc("What the test reports said.")] = None
    artifacts: Annotated[tuple[StoredArtifact, ...], doc("Files that were kept; the first 100.")] = ()
    artifacts_total: Annotated[int, doc("How many files were kept in all.")] = 0
    problems: Annotated[tuple[str, ...], doc("What went wrong without changing the outcome: logs cut, files not kept.")] = ()
    started_at: Annotated[str, doc("When it left the queue.", format="date-time")] = ""
    finished_at: Annotated[str, doc("When the outcome was known.", format="date-time")] = ""
    archive: Annotated[str, doc("Key of its archived document in the object store.")] = ""
    reported: Annotated[tuple[Reported, ...], doc("What the SCM was told.")] = ()
    observed_generation: Annotated[int, doc("The generation of the spec that this status is about.")] = 0
    conditions: Annotated[
        tuple[Condition, ...],
        doc("Complete: the outcome is final. Archived: document and logs are in the object store.", map_keys=("type",)),
    ] = ()
