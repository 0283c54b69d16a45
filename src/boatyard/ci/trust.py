"""What pod templates from repositories may ask for: Kubernetes' restricted Pod Security Standard, and nothing of others.

Source of the rules: https://kubernetes.io/docs/concepts/security/pod-security-standards/ (restricted). What that standard demands
to be *set* (non-root, no privilege escalation, seccomp) is set by :mod:`boatyard.ci.pod`; here is refused what contradicts it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

from boatyard.ci.ciconfig_fields import Trust
from boatyard.ci.pipeline import RESERVED_CONTAINERS
from boatyard.ci.triggers import any_matches
from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.objects import Object

VOLUME_KINDS = ("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret")
RESERVED_PREFIX = "boatyard"
"""Of volume names that are Boatyard's own."""
OWN_DOMAIN = "boatyard.dev"
RESERVED_DIRECTORIES = ("/boatyard", "/workspace", "/opt/boatyard")
LONGEST_GRACE_SECONDS = 120
_NOT_YOURS = {
    "nodeName": "the scheduler chooses the node",
    "schedulerName": "the cluster's scheduler is used",
    "priorityClassName": "use the CiConfig's builds.priority",
    "priority": "use the CiConfig's builds.priority",
    "activeDeadlineSeconds": "use the pipeline's timeout",
    "ephemeralContainers": "not part of a template",
    "hostNetwork": "the host's network is not for builds",
    "hostPID": "the host's processes are not for builds",
    "hostIPC": "the host's shared memory is not for builds",
    "shareProcessNamespace": "containers with keys of Boatyard's own run beside yours",
}
_NO_TOKEN = "builds get no API token unless the CiConfig's trust.serviceAccounts allows one"
_SELINUX_TYPES = ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")


def violations(template: Object, trust: Trust, path: str = "spec.podTemplate") -> list[FieldError]:
    """Everything in a pod template that its repository may not ask for; empty when all is fine. Never raises, whatever it holds."""
    spec = template.get("spec")
    if not isinstance(spec, dict):
        return [FieldError(f"{path}.spec", "FieldValueRequired", "Required value")]
    found = (*_metadata(_dict(template.get("metadata")), f"{path}.metadata"), *_violations(spec, trust, f"{path}.spec"))
    return [FieldError(where, "FieldValueForbidden", f"Forbidden: {why}") for where, why in found]


def _metadata(metadata: Object, path: str) -> Iterator[tuple[str, str]]:
    """By its labels a pod becomes an endpoint of a Service: one that called itself a CI server would get what is sent to that."""
    for field in ("labels", "annotations"):
        for key in _dict(metadata.get(field)):
            domain = str(key).rpartition("/")[0].lower()
            if domain == OWN_DOMAIN or domain.endswith(f".{OWN_DOMAIN}"):
                yield f"{path}.{field}[{key}]", f"names below {OWN_DOMAIN} are Boatyard's own"


def _violations(spec: Object, trust: Trust, path: str) -> Iterator[tuple[str, str]]:
    for field, why in _NOT_YOURS.items():
        if spec.get(field):
            yield f"{path}.{field}", why
    if spec.get("restartPolicy") not in (None, "Never"):
        yield f"{path}.restartPolicy", "a build's pod is never restarted"
    if spec.get("automountServiceAccountToken") and not trust.service_accounts:
        yield (
            f"{path}.automountServiceAccountToken",
            _NO_TOKEN,
        )
    grace = spec.get("terminationGracePeriodSeconds")
    if isinstance(grace, int) and grace > LONGEST_GRACE_SECONDS:
        yield f"{path}.terminationGracePeriodSeconds", f"must not be more than {LONGEST_GRACE_SECONDS}"
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account and account not in trust.service_accounts:
        yield f"{path}.serviceAccountName", f"{account!r} is not in the CiConfig's trust.serviceAccounts"
    for index, toleration in _dicts(spec.get("tolerations")):
        key = toleration.get("key", "")
        if "*" not in trust.tolerations and (not key or key not in trust.tolerations):
            yield f"{path}.tolerations[{index}]", f"the taint {key or 'of any key'!r} is not in the CiConfig's trust.tolerations"
    yield from _security(_dict(spec.get("securityContext")), f"{path}.securityContext")
    for index, volume in _dicts(spec.get("volumes")):
        yield from _volume(volume, trust, account, f"{path}.volumes[{index}]")
    for index, reference in _dicts(spec.get("imagePullSecrets")):
        yield from _secret(reference.get("name"), trust, f"{path}.imagePullSecrets[{index}].name")
    for group in ("initContainers", "containers"):
        for index, container in _dicts(spec.get(group)):
            yield from _container(container, trust, f"{path}.{group}[{index}]")


def _container(container: Object, trust: Trust, path: str) -> Iterator[tuple[str, str]]:
    if container.get("name") in RESERVED_CONTAINERS:
        yield f"{path}.name", f"{container['name']!r} is the name of a container of Boatyard's own"
    image = container.get("image", "")
    if trust.images and not any_matches(trust.images, str(image)):
        yield f"{path}.image", f"{image!r} is not in the CiConfig's trust.images"
    yield from _security(_dict(container.get("securityContext")), f"{path}.securityContext")
    for index, port in _dicts(container.get("ports")):
        if port.get("hostPort"):
            yield f"{path}.ports[{index}].hostPort", "ports of the host are not for builds"
    for index, mount in _dicts(container.get("volumeMounts")):
        # Two leading slashes are one, and a relative path counts from the root.
        target = posixpath.normpath("/" + str(mount.get("mountPath", "")).lstrip("/"))
        for reserved in RESERVED_DIRECTORIES:
            if target == "/" or target == reserved or (target.startswith(reserved + "/") and reserved != "/workspace"):
                yield f"{path}.volumeMounts[{index}].mountPath", f"{target} is Boatyard's own; choose another directory"
                break
        if mount.get("mountPropagation") not in (None, "None"):
            yield f"{path}.volumeMounts[{index}].mountPropagation", "mounts of builds are their own"
    for index, variable in _dicts(container.get("env")):
        reference = _dict(_dict(variable.get("valueFrom")).get("secretKeyRef"))
        yield from _secret(reference.get("name"), trust, f"{path}.env[{index}].valueFrom.secretKeyRef.name")
    for index, source in _dicts(container.get("envFrom")):
        yield from _secret(_dict(source.get("secretRef")).get("name"), trust, f"{path}.envFrom[{index}].secretRef.name")


def _security(context: Object, path: str) -> Iterator[tuple[str, str]]:
    if context.get("privileged"):
        yield f"{path}.privileged", "builds are never privileged"
    if context.get("allowPrivilegeEscalation"):
        yield f"{path}.allowPrivilegeEscalation", "builds can't gain privileges"
    added = _dict(context.get("capabilities")).get("add")
    for capability in added if isinstance(added, list) else []:
        if capability != "NET_BIND_SERVICE":
            yield f"{path}.capabilities.add", f"{capability!r} is not for builds"
    if context.get("procMount") not in (None, "", "Default"):
        yield f"{path}.procMount", "must be Default"
    if context.get("runAsNonRoot") is False:
        yield f"{path}.runAsNonRoot", "builds never run as root"
    for field in ("runAsUser", "runAsGroup"):
        if context.get(field) == 0:
            yield f"{path}.{field}", "builds never run as root"
    if context.get("sysctls"):
        yield f"{path}.sysctls", "the kernel's settings are not for builds"
    for field in ("seccompProfile", "appArmorProfile"):
        if _dict(context.get(field)).get("type") == "Unconfined":
            yield f"{path}.{field}.type", "must be RuntimeDefault or Localhost"
    options = _dict(context.get("seLinuxOptions"))
    if options.get("user") or options.get("role") or options.get("type", "") not in _SELINUX_TYPES:
        yield f"{path}.seLinuxOptions", "only a container's type and a level may be chosen"
    if _dict(context.get("windowsOptions")).get("hostProcess"):
        yield f"{path}.windowsOptions.hostProcess", "the host is not for builds"


def _volume(volume: Object, trust: Trust, account: object, path: str) -> Iterator[tuple[str, str]]:
    name = str(volume.get("name", ""))
    if name == "workspace" or name.startswith(RESERVED_PREFIX):
        yield f"{path}.name", f"{name!r} is the name of a volume of Boatyard's own"
    for kind in volume:
        if kind == "hostPath":
            wanted = posixpath.normpath(str(_dict(volume["hostPath"]).get("path", "")))
            if not any(
                wanted == one or wanted.startswith(one.rstrip("/") + "/") for one in map(posixpath.normpath, trust.host_paths)
            ):
                yield f"{path}.hostPath.path", f"{wanted} is not in the CiConfig's trust.hostPaths"
        elif kind != "name" and kind not in VOLUME_KINDS:
            yield f"{path}.{kind}", f"volumes of this kind are not for builds; there are {', '.join(VOLUME_KINDS)}"
    yield from _secret(_dict(volume.get("secret")).get("secretName"), trust, f"{path}.secret.secretName")
    yield from _secret(
        _dict(_dict(volume.get("csi")).get("nodePublishSecretRef")).get("name"), trust, f"{path}.csi.nodePublishSecretRef"
    )
    claim = _dict(volume.get("persistentVolumeClaim")).get("claimName")
    if isinstance(claim, str) and claim.startswith("ci-"):
        yield f"{path}.persistentVolumeClaim.claimName", "claims of CI servers are not for builds"
    wanted = _dict(_dict(_dict(volume.get("ephemeral")).get("volumeClaimTemplate")).get("spec"))
    for field in ("volumeName", "dataSource", "dataSourceRef"):
        if wanted.get(field):
            yield f"{path}.ephemeral.volumeClaimTemplate.spec.{field}", "what others have stored is not for builds"
    for index, source in _dicts(_dict(volume.get("projected")).get("sources")):
        where = f"{path}.projected.sources[{index}]"
        yield from _secret(_dict(source.get("secret")).get("name"), trust, f"{where}.secret.name")
        if source.get("serviceAccountToken") and (account or "default") not in trust.service_accounts:
            yield f"{where}.serviceAccountToken", _NO_TOKEN
        if source.get("clusterTrustBundle"):
            yield f"{where}.clusterTrustBundle", "not for builds"


def _secret(name: Any, trust: Trust, path: str) -> Iterator[tuple[str, str]]:
    if not name:
        return
    if str(name).startswith("ci-"):
        yield path, "Secrets of CI servers are not for builds"
    elif "*" not in trust.secrets and name not in trust.secrets:
        yield path, f"the Secret {name!r} is not in the CiConfig's trust.secrets"


def _dict(value: Any) -> Object:
    return value if isinstance(value, dict) else {}


def _dicts(value: Any) -> Iterator[tuple[int, Object]]:
    for index, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, dict):
            yield index, item
