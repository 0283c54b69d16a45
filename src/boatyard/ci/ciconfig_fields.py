"""The fields of a ``CiConfig``: what a team declares about its repository, its CI server and its builds."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from boatyard.ci.pipeline_fields import Duration
from boatyard.machinery.schema.kind import Condition, View, doc


class SecretReference(View):
    """A Secret in the namespace of the object that names it."""

    name: Annotated[str, doc("Name of the Secret.", min_length=1, max_length=253)]


class Credentials(View):
    """Where a credential lies. It is mounted only into the program that needs it, and never copied."""

    secret_ref: Annotated[
        SecretReference,
        doc("A Secret with the keys `username` and `password`, or `token`, or `ssh-privatekey` and `known_hosts`."),
    ]


class WebhookSecret(View):
    """Where the secret lies by which the SCM signs its deliveries."""

    secret_ref: Annotated[SecretReference, doc("A Secret; every value in it may sign a delivery, so that it can be rotated.")]


class Git(View):
    """The repository as git sees it."""

    url: Annotated[
        str, doc("Where to fetch: https, http or ssh; or a path, where pods see one.", min_length=1, max_length=2000)
    ]
    branches: Annotated[
        tuple[str, ...],
        doc("Branches whose pushes are built; `*` stands for any characters. None given: all of them.", set_list=True),
    ] = ()
    credentials: Annotated[Credentials | None, doc("For repositories that aren't public.")] = None


class Scm(View):
    """The source-code management system around the repository: who sends webhooks and gets verdicts."""

    type: Annotated[Literal["github", "gitlab", "bitbucket", "gitea", "generic"], doc("Its kind.")]
    url: Annotated[str, doc("Its address; taken from the repository's when empty.")] = ""
    repository: Annotated[str, doc("`owner/name` there; taken from the repository's address when empty.")] = ""
    credentials: Annotated[Credentials | None, doc("For its API: needs the right to write commit statuses.")] = None
    webhook_secret: Annotated[
        WebhookSecret | None, doc("Signs the deliveries. Without it a secret is made, in the Secret `ci-NAME` under `webhook`.")
    ] = None
    callback_url: Annotated[str, doc("`generic` only: where reports are posted to.")] = ""
    context: Annotated[str, doc("The name of the status on a commit; `boatyard/NAME` when empty.", max_length=200)] = ""


class PullRequests(View):
    """Which pull requests are built. What is built is the head merged into its target."""

    enabled: Annotated[bool, doc("Whether pull requests are built at all.")] = True
    targets: Annotated[tuple[str, ...], doc("Target branches; `*` stands for any characters. None given: all.", set_list=True)] = ()


class Source(View):
    """What is built."""

    git: Annotated[Git, doc("The repository.")]
    scm: Annotated[Scm | None, doc("Who tells of changes. Without it builds are started by hand only.")] = None
    pull_requests: Annotated[PullRequests, doc("Which pull requests are built.")] = PullRequests()


class Storage(View):
    """The CI server's volume."""

    size: Annotated[str, doc("How large, e.g. 10Gi.", pattern=r"^[0-9]+(\.[0-9]+)?([KMGTPE]i?|k)?$")] = "1Gi"
    storage_class: Annotated[str, doc("Storage class; the cluster's default when empty.")] = msgspec.field(default="", name="class")


class Hibernation(View):
    """When an idle CI server is put to sleep. Nothing sent to it while asleep is lost."""

    idle_after: Annotated[Duration, doc("How long nothing must have happened.")] = ""
    schedule: Annotated[
        tuple[str, ...], doc("Times of sleep as cron expressions with a duration: `0 20 * * 1-5 for 10h`.", max_length=20)
    ] = ()


class EnvVar(View):
    """An environment variable, as in a container."""

    name: Annotated[str, doc("Its name.", min_length=1, pattern=r"^[-._a-zA-Z][-._a-zA-Z0-9]*$")]
    value: Annotated[str, doc("Its value.")] = ""
    value_from: Annotated[dict[str, Any] | None, doc("Its value from a Secret, ConfigMap or field.", core="v1.EnvVarSource")] = None


class Master(View):
    """The team's CI server."""

    engine: Annotated[
        Literal["boatyard", "buildbot", "jenkins"], doc("Which CI runs. This version runs `boatyard` and refuses the others.")
    ] = "boatyard"
    image: Annotated[str, doc("Image of the CI server; the engine's own when empty.")] = ""
    resources: Annotated[
        dict[str, Any] | None, doc("Requests and limits of the CI server's container.", core="v1.ResourceRequirements")
    ] = None
    storage: Annotated[Storage, doc("The volume that holds its history.")] = Storage()
    hibernation: Annotated[
        Hibernation | None, doc("When to sleep. Kept and checked; this version never puts a CI server to sleep.")
    ] = None
    env: Annotated[tuple[EnvVar, ...], doc("Environment of the CI server.", map_keys=("name",))] = ()


class StandardBuild(View):
    """How repositories are built that don't say it themselves, and the container for those that name none."""

    type: Annotated[str, doc("maven, node, python or shell.", pattern=r"^[a-z][a-z0-9]*$")]
    spec: Annotated[dict[str, Any], doc("What the type asks for, e.g. `stack: java17`.")] = {}
    builder: Annotated[str, doc("Image to build in; the type's own for that stack when empty.")] = ""


class Strategy(View):
    """How it is built."""

    master: Annotated[Master, doc("The CI server.")] = Master()
    env: Annotated[tuple[EnvVar, ...], doc("Environment of every build container.", map_keys=("name",))] = ()
    standard_build: Annotated[StandardBuild | None, doc("What a repository without a `boatyard.yaml` of its own gets.")] = None


class Retention(View):
    """How long finished builds stay in the API. Their archive, logs and artifacts stay in the object store."""

    ttl: Annotated[Duration, doc("Time after the end of a build.")] = "1h"


class Builds(View):
    """Limits of this team's builds."""

    concurrency: Annotated[int, doc("How many run at once.", ge=1, le=1000)] = 4
    queue_limit: Annotated[int, doc("How many may wait; a build beyond that ends in Error.", ge=1, le=100_000)] = 1000
    priority: Annotated[int, doc("Of two waiting builds, the higher one starts first.", ge=-1000, le=1000)] = 0
    timeout: Annotated[Duration, doc("Longest run of a build that says nothing itself, and the most it may ask for.")] = "1h"
    infrastructure_retries: Annotated[int, doc("How often a build starts again after its pod or node was lost.", ge=0, le=20)] = 3
    retention: Annotated[Retention, doc("How long finished builds stay in the API.")] = Retention()


class Trust(View):
    """What pod templates from the repository may ask for beyond the restricted Pod Security Standard."""

    host_paths: Annotated[
        tuple[str, ...], doc("Directories of the node that templates may mount, each with everything below.", set_list=True)
    ] = ()
    service_accounts: Annotated[
        tuple[str, ...], doc("Service accounts that templates may use. Their tokens reach the build.", set_list=True)
    ] = ()
    tolerations: Annotated[tuple[str, ...], doc("Keys of taints that templates may tolerate; `*` for any.", set_list=True)] = ()
    secrets: Annotated[
        tuple[str, ...], doc("Secrets that templates may mount or read; `*` for any of the namespace.", set_list=True)
    ] = ()
    images: Annotated[
        tuple[str, ...], doc("Images that templates may use; `*` stands for any characters. None given: any.", set_list=True)
    ] = ()


class CiConfigSpec(View):
    """What a team asks for."""

    source: Annotated[Source, doc("What is built.")]
    strategy: Annotated[Strategy, doc("How it is built.")] = Strategy()
    builds: Annotated[Builds, doc("Limits of its builds.")] = Builds()
    trust: Annotated[Trust, doc("What repositories may ask for beyond what any may.")] = Trust()
    additional_properties: Annotated[dict[str, Any], doc("Free form, handed to the engine as it is.")] = {}
    paused: Annotated[bool, doc("No new builds start and nothing is repaired while this is true.")] = False


class VolumeStatus(View):
    """The volume behind a CI server."""

    claim: Annotated[str, doc("Name of the claim.")] = ""
    volume: Annotated[str, doc("Name of the PersistentVolume bound to it.")] = ""
    snapshot: Annotated[str, doc("Latest snapshot of it.")] = ""


class CiConfigStatus(View):
    """What became of it."""

    phase: Annotated[
        Literal["Provisioning", "Awake", "Hibernating", "Asleep", "Waking", "Failed"],
        doc("Derived from the conditions, for people."),
    ] = "Provisioning"
    url: Annotated[str, doc("Address of the CI server's pages; it never changes.")] = ""
    webhook: Annotated[str, doc("Address for the SCM's webhook.")] = ""
    volume: Annotated[VolumeStatus | None, doc("The volume behind it.")] = None
    last_activity: Annotated[str, doc("When a build last began or ended, give or take a minute.", format="date-time")] = ""
    slept_seconds: Annotated[int, doc("How long it has slept in all.")] = 0
    observed_generation: Annotated[int, doc("The generation of the spec that this status is about.")] = 0
    conditions: Annotated[
        tuple[Condition, ...], doc("Valid: the spec makes sense. Ready: the CI server answers.", map_keys=("type",))
    ] = ()
