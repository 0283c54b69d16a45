"""From a CiConfig to the objects of its CI server, all named ``ci-NAME``. Pure: equal input, equal objects."""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import unquote, urlsplit

from boatyard.ci import object_keys
from boatyard.ci.ciconfig_fields import CiConfigSpec
from boatyard.ci.drift import digest
from boatyard.ci.engines import engine
from boatyard.ci.engines.engine import Place
from boatyard.ci.kinds import CICONFIG_LABEL, GROUP, LONGEST_NAME, CiConfig
from boatyard.machinery.meta.names import dns1035_label
from boatyard.machinery.meta.objects import Object, name, namespace, owner_reference, uid
from boatyard.machinery.meta.quantity import parse_quantity
from boatyard.machinery.meta.timestamps import duration_seconds
from boatyard.machinery.runtime.settings import Settings

SERVER_LABEL = "boatyard.dev/ci-server"
"""On the pod of a CI server, and only there: the CiConfig's name."""
HASH_ANNOTATION = "boatyard.dev/hash"
"""On that pod: of what it was made from. Another hash means another pod."""
DATA, OBJECTS = "/data", "/objects"
CLASS = "boatyard"


def part_name(ciconfig: str) -> str:
    """The name of everything that belongs to a CiConfig."""
    return f"ci-{ciconfig}"


def base_path(ciconfig: Object) -> str:
    """Below it the gateway leads to the CI server, on any host."""
    return f"/ci/{namespace(ciconfig)}/{name(ciconfig)}"


def problems(ciconfig: Object, spec: CiConfigSpec) -> list[str]:
    """What the schema can't refuse, each as ``path: what is wrong``; a CI server is provisioned only when there is nothing."""
    found = [f"metadata.name: {told}" for told in dns1035_label(name(ciconfig))]
    if len(name(ciconfig)) > LONGEST_NAME:
        found.append(f"metadata.name: must be no more than {LONGEST_NAME} characters")
    try:
        engine.load(spec.strategy.master.engine)
    except engine.UnknownEngine as error:
        found.append(f"spec.strategy.master.engine: {error}")
    storage = spec.strategy.master.storage
    try:
        if parse_quantity(storage.size) <= 0:
            found.append("spec.strategy.master.storage.size: must be more than nothing")
    except ValueError as error:
        found.append(f"spec.strategy.master.storage.size: {error}")
    durations = {"spec.builds.timeout": spec.builds.timeout, "spec.builds.retention.ttl": spec.builds.retention.ttl}
    if (hibernation := spec.strategy.master.hibernation) and hibernation.idle_after:
        durations["spec.strategy.master.hibernation.idleAfter"] = hibernation.idle_after
    for path, value in durations.items():
        try:
            if duration_seconds(value) <= 0:
                found.append(f"{path}: must be longer than nothing")
        except ValueError as error:
            found.append(f"{path}: {error}")
    if spec.strategy.standard_build is not None:
        from boatyard.ci.builders.builder import UnknownBuilder, builder

        try:
            builder(spec.strategy.standard_build.type, spec.strategy.standard_build.spec)
        except UnknownBuilder as error:
            found.append(f"spec.strategy.standardBuild: {error}")
    return found


def service_account(ciconfig: Object) -> Object:
    return _part(ciconfig, "v1", "ServiceAccount", {})


def role(ciconfig: Object, spec: CiConfigSpec) -> Object:
    """What a CI server may do: its own CiConfig, the builds of its namespace, the Secrets that the CiConfig names."""
    secrets = [part_name(name(ciconfig))]
    git, scm = spec.source.git, spec.source.scm
    for holder in (git.credentials, scm.credentials if scm else None, scm.webhook_secret if scm else None):
        if holder is not None:
            secrets.append(holder.secret_ref.name)
    rules = [
        {"apiGroups": [GROUP], "resources": ["ciconfigs"], "resourceNames": [name(ciconfig)], "verbs": ["get", "list", "watch"]},
        {"apiGroups": [GROUP], "resources": ["builds"], "verbs": ["get", "list", "watch", "create", "patch"]},
        {"apiGroups": [GROUP], "resources": ["builds/status"], "verbs": ["get", "patch"]},
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": list(dict.fromkeys(secrets)), "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
    ]
    return _part(ciconfig, "rbac.authorization.k8s.io/v1", "Role", {"rules": rules})


def role_binding(ciconfig: Object) -> Object:
    own = part_name(name(ciconfig))
    return _part(ciconfig, "rbac.authorization.k8s.io/v1", "RoleBinding", {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": own},
        "subjects": [{"kind": "ServiceAccount", "name": own, "namespace": namespace(ciconfig)}],
    })  # fmt: skip


def secret(ciconfig: Object, settings: Settings) -> Object:
    """The CI server's keys, derived: a Secret that was deleted comes back as it was, and webhooks go on working."""

    def derived(purpose: str) -> bytes:
        words = f"{purpose}\n{namespace(ciconfig)}\n{name(ciconfig)}\n{uid(ciconfig)}"
        return hmac.new(settings.secrets_key, words.encode(), hashlib.sha256).hexdigest().encode()

    values = {
        "gateway-token": derived("gateway"),
        "webhook": derived("webhook"),
        "uploads": object_keys.uploads_key(settings.secrets_key, namespace(ciconfig), name(ciconfig)),
    }
    data = {key: base64.b64encode(value).decode() for key, value in values.items()}
    return _part(ciconfig, "v1", "Secret", {"type": "Opaque", "data": data})


def claim(ciconfig: Object, spec: CiConfigSpec) -> Object:
    storage = spec.strategy.master.storage
    wanted: Object = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage.size}}}
    if storage.storage_class:
        wanted["storageClassName"] = storage.storage_class
    return _part(ciconfig, "v1", "PersistentVolumeClaim", {"spec": wanted})


def service(ciconfig: Object) -> Object:
    return _part(ciconfig, "v1", "Service", {
        "spec": {
            "type": "ClusterIP", "selector": {SERVER_LABEL: name(ciconfig)},
            "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": "http"}],
        },
    })  # fmt: skip


def ingress(ciconfig: Object, settings: Settings) -> Object:
    """Two ways to the same service: a path on any host, and a host of its own. Made once, never changed."""
    backend = {"service": {"name": part_name(name(ciconfig)), "port": {"name": "http"}}}
    host = f"{name(ciconfig)}.{namespace(ciconfig)}.{settings.domain}"
    return _part(ciconfig, "networking.k8s.io/v1", "Ingress", {
        "spec": {
            "ingressClassName": CLASS,
            "rules": [
                {"http": {"paths": [{"path": base_path(ciconfig), "pathType": "Prefix", "backend": backend}]}},
                {"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}},
            ],
        },
    })  # fmt: skip


def pod(ciconfig: Object, spec: CiConfigSpec, settings: Settings, port: int) -> Object:
    """The CI server's pod, marked with the hash of all that it was made from."""
    own = part_name(name(ciconfig))
    prefix = object_keys.prefix(namespace(ciconfig), name(ciconfig)).rstrip("/")
    path = unquote(urlsplit(settings.objects_url).path).rstrip("/")
    local = settings.objects_url.startswith("file://")
    place = Place(
        port=port, url=settings.gateway_url + base_path(ciconfig), base_path=base_path(ciconfig), secret=own, data=DATA,
        objects=f"file://{OBJECTS}" if local else f"{settings.objects_url}/{prefix}", settings=settings,
    )  # fmt: skip
    container = engine.load(spec.strategy.master.engine).container(ciconfig, spec, place)
    mounts: list[Object] = [{"name": "data", "mountPath": DATA}]
    volumes: list[Object] = [{"name": "data", "persistentVolumeClaim": {"claimName": own}}]
    if local:
        mounts.append({"name": "objects", "mountPath": OBJECTS, "readOnly": True})
        volumes.append({"name": "objects", "hostPath": {"path": f"{path}/{prefix}", "type": "DirectoryOrCreate"}})
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    pod_spec: Object = {
        "serviceAccountName": own, "automountServiceAccountToken": True, "restartPolicy": "Always", "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 15,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{**container, "volumeMounts": mounts, "securityContext": security}],
        "volumes": volumes,
    }  # fmt: skip
    if not settings.embedded:
        pod_spec["securityContext"] |= {"runAsUser": 1000, "fsGroup": 1000}
    made = _part(ciconfig, "v1", "Pod", {"spec": pod_spec})
    made["metadata"]["labels"][SERVER_LABEL] = name(ciconfig)
    made["metadata"]["annotations"] = {HASH_ANNOTATION: digest(pod_spec)}
    return made


def _part(ciconfig: Object, api_version: str, kind: str, body: Object) -> Object:
    labels = {CICONFIG_LABEL: name(ciconfig), "app.kubernetes.io/name": "ciserver", "app.kubernetes.io/managed-by": "boatyard"}
    return {
        "apiVersion": api_version, "kind": kind,
        "metadata": {
            "name": part_name(name(ciconfig)), "namespace": namespace(ciconfig), "labels": labels,
            "ownerReferences": [owner_reference({**ciconfig, "apiVersion": CiConfig.resource.api_version, "kind": "CiConfig"})],
        },
        **body,
    }  # fmt: skip
