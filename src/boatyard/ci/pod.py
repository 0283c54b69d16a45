"""From a Build to the pod of one attempt. Pure: the same Build gives the same pod, whoever makes it."""

from __future__ import annotations

import json
from typing import Any

from boatyard.ci import object_keys
from boatyard.ci.build_fields import BuildSpec
from boatyard.ci.kinds import ATTEMPT_LABEL, BUILD_LABEL, CICONFIG_LABEL, LOGS_FINALIZER, Build
from boatyard.machinery.meta.objects import Object, copied, labels, name, namespace, owner_reference
from boatyard.machinery.meta.timestamps import duration_seconds
from boatyard.machinery.runtime.settings import Settings

SHARED, WORKSPACE, TERMINATION = "/boatyard", "/workspace", "/dev/termination-log"
SOURCE, COLLECT = "source", "collect"
CREDENTIALS, KEY = "/run/boatyard/credentials", "/run/boatyard/key"
POD_MESSAGE_BYTES = 12 * 1024
"""What a kubelet keeps of the termination messages of all containers of a pod (``maxPodTerminationMessageLogLength``)."""
MESSAGE_BYTES = 4096
SLACK_SECONDS = 900
"""Beyond the build's timeout, which the step runner keeps, until the pod is ended from outside: uploads have to fit in there."""
GRACE_SECONDS = 30
BUILD_USER = 1000
"""Of images that name no user of their own, on Kubernetes. The node agent gives every pod a user by itself."""


def pod_name(build: str, attempt: int) -> str:
    """The name of an attempt's pod: the build's, with ``-rK`` from the second attempt on."""
    return build if attempt == 1 else f"{build}-r{attempt}"


def claim_name(pod: str, volume: str) -> str:
    """The name of the claim behind an ephemeral volume, as Kubernetes forms it."""
    return f"{pod}-{volume}"


def build_pod(build: Object, attempt: int, settings: Settings) -> Object:
    """The pod of an attempt. The Build's template has passed :func:`boatyard.ci.trust.violations` before."""
    view = Build.read(build)
    template = copied(view.spec.pod_template or {})
    spec: Object = template.get("spec") or {}
    own_name = pod_name(name(build), attempt)
    collecting = bool(view.spec.tests or view.spec.artifacts)
    working = spec.get("containers") or []
    count = len(working) + len(spec.get("initContainers") or []) + 1 + collecting
    message_bytes = min(MESSAGE_BYTES, POD_MESSAGE_BYTES // max(count, 1))
    context = _Context(build, view.spec, attempt, settings, message_bytes)
    containers = [_working(container, context) for container in working]
    if collecting:
        containers.append(_collect(context))
    metadata = template.get("metadata") or {}
    identity = {CICONFIG_LABEL: view.spec.ci_config, BUILD_LABEL: name(build), ATTEMPT_LABEL: str(attempt)}
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": own_name, "namespace": namespace(build), "labels": {**(metadata.get("labels") or {}), **identity},
            "annotations": {**(metadata.get("annotations") or {}), "kubectl.kubernetes.io/default-container": working[0]["name"]},
            "finalizers": [LOGS_FINALIZER], "ownerReferences": [owner_reference(build)],
        },
        "spec": {
            **{key: value for key, value in spec.items() if key not in ("containers", "initContainers", "volumes")},
            "restartPolicy": "Never",
            "automountServiceAccountToken": bool(spec.get("serviceAccountName") and spec.get("automountServiceAccountToken", True)),
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": context.grace_seconds,
            "activeDeadlineSeconds": int(duration_seconds(view.spec.timeout)) + SLACK_SECONDS,
            "securityContext": _pod_security(spec.get("securityContext") or {}, settings),
            "initContainers": [_source(context), *(_hardened(one) for one in spec.get("initContainers") or [])],
            "containers": containers,
            "volumes": [*_volumes(spec.get("volumes") or [], own_name), *_own_volumes(context, collecting)],
        },
    }  # fmt: skip


def claims(build: Object, attempt: int) -> list[Object]:
    """The claims of an attempt, from its ephemeral volumes. They belong to the Build and go with the attempt."""
    spec = ((build["spec"].get("podTemplate") or {}).get("spec")) or {}
    own_name = pod_name(name(build), attempt)
    found: list[Object] = []
    for volume in spec.get("volumes") or []:
        template = (volume.get("ephemeral") or {}).get("volumeClaimTemplate")
        if template:
            metadata = template.get("metadata") or {}
            identity = {CICONFIG_LABEL: build["spec"]["ciConfig"], BUILD_LABEL: name(build), ATTEMPT_LABEL: str(attempt)}
            found.append({
                "apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "metadata": {
                    "name": claim_name(own_name, volume["name"]), "namespace": namespace(build),
                    "labels": {**(metadata.get("labels") or {}), **identity}, "ownerReferences": [owner_reference(build)],
                },
                "spec": copied(template.get("spec") or {}),
            })  # fmt: skip
    return found


def service(build: Object) -> Object | None:
    """A headless Service of the build's name, when a container of the template declares ports; else None."""
    spec = ((build["spec"].get("podTemplate") or {}).get("spec")) or {}
    ports: dict[tuple[int, str], Object] = {}
    for container in [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]:
        for port in container.get("ports") or []:
            number, protocol = port.get("containerPort"), port.get("protocol", "TCP")
            ports.setdefault((number, protocol), {"name": f"{protocol.lower()}-{number}", "port": number, "protocol": protocol})
    if not ports:
        return None
    identity = {CICONFIG_LABEL: build["spec"]["ciConfig"], BUILD_LABEL: name(build)}
    return {
        "apiVersion": "v1", "kind": "Service",
        "metadata": {
            "name": name(build), "namespace": namespace(build), "labels": identity, "ownerReferences": [owner_reference(build)],
        },
        "spec": {"clusterIP": "None", "selector": {BUILD_LABEL: name(build)}, "ports": list(ports.values())},
    }  # fmt: skip


class _Context:
    """What every container of one pod is composed from."""

    def __init__(self, build: Object, spec: BuildSpec, attempt: int, settings: Settings, message_bytes: int) -> None:
        self.build, self.spec, self.attempt, self.settings, self.message_bytes = build, spec, attempt, settings, message_bytes
        template = (spec.pod_template or {}).get("spec") or {}
        self.grace_seconds: int = template.get("terminationGracePeriodSeconds", GRACE_SECONDS)

    @property
    def image(self) -> str:
        return f"boatyard.dev/ciserver:{self.settings.version or 'latest'}"

    def paths(self) -> list[Object]:
        """Through the environment, because a sandbox without mounts translates paths there."""
        found = {"BOATYARD_SHARED": SHARED, "BOATYARD_WORKSPACE": WORKSPACE, "BOATYARD_TERMINATION": TERMINATION}
        return [{"name": key, "value": value} for key, value in found.items()]


def _working(container: Object, context: _Context) -> Object:
    """A container in which steps run: the runner is its command."""
    grace = min(10, max(1, context.grace_seconds - 5))
    own = [variable.get("name") for variable in container.get("env") or ()]
    given = [one for one in (*_facts(context), *_parameters(context)) if one["name"] not in own]
    fixed = [*context.paths(), {"name": "BOATYARD_GRACE_SECONDS", "value": str(grace)}]
    return {
        **_hardened(container),
        "command": ["/bin/sh", f"{SHARED}/runner", container["name"]],
        "workingDir": container.get("workingDir") or WORKSPACE,
        "env": [*given, *(container.get("env") or ()), *fixed],
        "volumeMounts": [*(container.get("volumeMounts") or ()), *_own_mounts()],
        "terminationMessagePath": TERMINATION,
        "terminationMessagePolicy": "File",
    }


def _source(context: _Context) -> Object:
    spec = context.spec
    plan = {
        "timeout": duration_seconds(spec.timeout),
        "containers": [*dict.fromkeys(step.container for step in spec.steps), *([COLLECT] if spec.tests or spec.artifacts else [])],
        "steps": [
            {
                "number": number, "container": step.container, "when": step.when, "name": step.name, "run": step.run,
                "limit": max(1, round(duration_seconds(step.timeout))) if step.timeout else 0, "dir": step.working_dir,
                "env": {variable.name: variable.value for variable in step.env},
            }
            for number, step in enumerate(spec.steps, 1)
        ],
    }  # fmt: skip
    source: dict[str, Any] = {
        "url": spec.source.url, "revision": spec.source.revision, "ref": spec.source.ref, "depth": spec.source.options.depth,
        "submodules": spec.source.options.submodules,
    }  # fmt: skip
    if pull := spec.source.pull_request:
        source |= {"revision": pull.head, "target": pull.target, "targetRef": pull.target_ref}
    mounts = _own_mounts()
    env = [
        *context.paths(),
        {"name": "BOATYARD_PLAN", "value": _escaped(plan)},
        {"name": "BOATYARD_SOURCE", "value": _escaped(source)},
    ]
    if spec.source.credentials is not None:
        mounts.append({"name": "boatyard-credentials", "mountPath": CREDENTIALS, "readOnly": True})
        env.append({"name": "BOATYARD_GIT_CREDENTIALS", "value": CREDENTIALS})
    told = f"Building {spec.source.revision[:12]}"
    return _own(SOURCE, "boatyard.ci.steps.source", told, env, mounts, context)


def _collect(context: _Context) -> Object:
    spec, settings = context.spec, context.settings
    asked = {
        "tests": [{"junit": report.junit, "failBuild": report.fail_build} for report in spec.tests],
        "artifacts": [{"path": one.path, "name": one.name or one.path} for one in spec.artifacts],
        "url": settings.gateway_internal_url, "namespace": namespace(context.build), "build": name(context.build),
        "attempt": context.attempt, "messageBytes": context.message_bytes,
    }  # fmt: skip
    env = [
        *context.paths(),
        {"name": "BOATYARD_COLLECT", "value": _escaped(asked)},
        {"name": "BOATYARD_KEY", "value": KEY},
        {"name": "BOATYARD_CA_PEM", "value": settings.gateway_ca_pem},
    ]
    mounts = [*_own_mounts(), {"name": "boatyard-key", "mountPath": KEY, "readOnly": True}]
    return _own(COLLECT, "boatyard.ci.steps.collect", "", env, mounts, context)


def _own(role: str, module: str, told: str, env: list[Object], mounts: list[Object], context: _Context) -> Object:
    """A container of Boatyard's own. The shell's echo is out long before an interpreter has started."""
    start = f'exec "${{BOATYARD_PYTHON:-/opt/boatyard/bin/python}}" -m {module}'
    return _hardened({
        "name": role, "image": context.image, "command": ["/bin/sh", "-c", f"echo '{told}'; {start}" if told else start],
        "env": env, "volumeMounts": mounts, "workingDir": "/",
        "terminationMessagePath": TERMINATION, "terminationMessagePolicy": "File",
    })  # fmt: skip


def _facts(context: _Context) -> list[Object]:
    """What steps may want to know."""
    spec = context.spec
    ref = spec.source.ref
    facts = {
        "CI": "true", "BOATYARD": "true", "BOATYARD_BUILD": name(context.build), "BOATYARD_BUILD_NUMBER": str(spec.number),
        "BOATYARD_ATTEMPT": str(context.attempt), "BOATYARD_REVISION": spec.source.revision, "BOATYARD_REF": ref,
        "BOATYARD_BRANCH": ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else "",
        "BOATYARD_TAG": ref.removeprefix("refs/tags/") if ref.startswith("refs/tags/") else "",
    }  # fmt: skip
    if pull := spec.source.pull_request:
        facts |= {"BOATYARD_PULL_REQUEST": str(pull.number), "BOATYARD_TARGET": pull.target_ref.removeprefix("refs/heads/")}
    return [{"name": key, "value": value.replace("$", "$$")} for key, value in facts.items() if value]


def _parameters(context: _Context) -> list[Object]:
    return [{"name": key, "value": value.replace("$", "$$")} for key, value in context.spec.parameters.items()]


def _escaped(document: Any) -> str:
    """JSON for an environment variable. Kubernetes reads ``$(NAME)`` and ``$$`` there; scripts must arrive as they are."""
    return json.dumps(document, separators=(",", ":")).replace("$", "$$")


def _own_mounts() -> list[Object]:
    return [{"name": "boatyard-shared", "mountPath": SHARED}, {"name": "workspace", "mountPath": WORKSPACE}]


def _own_volumes(context: _Context, collecting: bool) -> list[Object]:
    found: list[Object] = [{"name": "boatyard-shared", "emptyDir": {}}, {"name": "workspace", "emptyDir": {}}]
    if context.spec.source.credentials is not None:
        secret = {"secretName": context.spec.source.credentials.name, "defaultMode": 0o444}
        found.append({"name": "boatyard-credentials", "secret": secret})
    if collecting:
        items = [{"key": "uploads", "path": "uploads"}]
        secret = {"secretName": f"ci-{context.spec.ci_config}", "items": items, "defaultMode": 0o444, "optional": True}
        found.append({"name": "boatyard-key", "secret": secret})
    return found


def _volumes(volumes: list[Object], pod: str) -> list[Object]:
    """The template's volumes; ephemeral ones become the claims that :func:`claims` makes."""
    return [
        {"name": volume["name"], "persistentVolumeClaim": {"claimName": claim_name(pod, volume["name"])}}
        if (volume.get("ephemeral") or {}).get("volumeClaimTemplate")
        else volume
        for volume in volumes
    ]


def _hardened(container: Object) -> Object:
    security = {
        "allowPrivilegeEscalation": False, **(container.get("securityContext") or {}),
    }  # fmt: skip
    security["capabilities"] = {**(security.get("capabilities") or {}), "drop": ["ALL"]}
    return {**container, "securityContext": security}


def _pod_security(given: Object, settings: Settings) -> Object:
    found = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}, **given}
    if not settings.embedded:
        found.setdefault("runAsUser", BUILD_USER)
        found.setdefault("fsGroup", found["runAsUser"])
    return found


def attempt_of(pod: Object) -> int:
    """The attempt that a build's pod is; 0 for another pod."""
    number = labels(pod).get(ATTEMPT_LABEL, "")
    return int(number) if number.isdigit() else 0


def logs_prefix(build: Object, attempt: int) -> str:
    """Where an attempt's logs lie in the object store."""
    spec = build["spec"]
    return object_keys.attempt_logs(namespace(build), spec["ciConfig"], spec["number"], attempt)
