"""The engine ``boatyard``: our own CI server."""

from __future__ import annotations

from urllib.parse import urlsplit

from boatyard.ci.ciconfig_fields import EnvVar
from boatyard.ci.instance import account, base_path, instance_name
from boatyard.ci.kinds import CICONFIG_LABEL, CiConfig
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.runtime.settings import Settings

IMAGE = "boatyard.dev/ciserver"
LOOPBACK = "127.0.0.1"
SCRIPT = 'exec "${BOATYARD_PYTHON:-python3}" -m boatyard.ciserver'
"""Through a shell: only the image knows where its interpreter is."""


class Boatyard:
    """See :class:`engine.Engine`."""

    def pod(self, config: CiConfig, port: int, settings: Settings) -> Object:
        name, namespace = config.metadata.name, config.metadata.namespace
        master = config.spec.strategy.master
        volumes: list[Object] = [{"name": "data", "persistentVolumeClaim": {"claimName": instance_name(name)}}]
        mounts: list[Object] = [{"name": "data", "mountPath": "/data"}]
        objects = f"{settings.objects_url}/builds/{namespace}/{name}"
        if settings.objects_url.startswith("file:"):
            # The store is a directory of this machine: the CI server sees its own part of it, read-only.
            volumes.append({"name": "objects", "hostPath": {"path": urlsplit(objects).path, "type": "DirectoryOrCreate"}})
            mounts.append({"name": "objects", "mountPath": "/objects", "readOnly": True})
            objects = "file:///objects"
        env: list[Object] = [
            {"name": "BOATYARD_CICONFIG", "value": name},
            {"name": "BOATYARD_NAMESPACE", "value": namespace},
            {"name": "BOATYARD_PORT", "value": str(port)},
            {"name": "BOATYARD_BASE_PATH", "value": base_path(namespace, name)},
            {"name": "BOATYARD_URL", "value": f"{settings.gateway_url}{base_path(namespace, name)}"},
            {"name": "BOATYARD_DATA", "value": "/data"},
            {"name": "BOATYARD_OBJECTS", "value": objects},
            {
                "name": "BOATYARD_GATEWAY_TOKEN",
                "valueFrom": {"secretKeyRef": {"name": instance_name(name), "key": account.GATEWAY_TOKEN}},
            },
        ]
        if urlsplit(settings.gateway_internal_url).hostname == LOOPBACK:
            # The pod shares the machine's network: only this machine shall reach it.
            env.append({"name": "BOATYARD_HOST", "value": LOOPBACK})
        taken = {variable["name"] for variable in env}
        env += [_variable(v) for v in master.env if v.name not in taken]
        container: Object = {
            "name": "ciserver", "image": master.image or f"{IMAGE}:{settings.version}", "command": ["sh", "-c", SCRIPT], "env": env,
            "ports": [{"name": "http", "containerPort": port}], "volumeMounts": mounts,
            "startupProbe": {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 1, "failureThreshold": 120},
            "readinessProbe": {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 10},
            "livenessProbe": {
                "httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 30, "timeoutSeconds": 10, "failureThreshold": 4,
            },
            "securityContext": {
                "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"},
            },
        }  # fmt: skip
        if master.resources:
            container["resources"] = master.resources
        return {
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": instance_name(name), "namespace": namespace,
                "labels": {CICONFIG_LABEL: name, account.COMPONENT_LABEL: account.CISERVER},
            },
            "spec": {
                "serviceAccountName": instance_name(name), "restartPolicy": "Always", "terminationGracePeriodSeconds": 20,
                "enableServiceLinks": False, "securityContext": {"runAsNonRoot": True},
                "containers": [container], "volumes": volumes,
            },
        }  # fmt: skip

    def rules(self, config: CiConfig) -> list[Object]:
        source = config.spec.source
        secrets = [instance_name(config.metadata.name)]
        for holder in (source.git, source.scm):
            if holder is not None and holder.credentials is not None:
                secrets.append(holder.credentials.secret_ref.name)
        if source.scm is not None and source.scm.webhook_secret is not None:
            secrets.append(source.scm.webhook_secret.secret_ref.name)
        return [
            {
                "apiGroups": ["ci.boatyard.dev"], "resources": ["ciconfigs"], "resourceNames": [config.metadata.name],
                "verbs": ["get", "list", "watch"],
            },
            {
                "apiGroups": ["ci.boatyard.dev"], "resources": ["builds"],
                "verbs": ["get", "list", "watch", "create", "update", "patch"],
            },
            {"apiGroups": ["ci.boatyard.dev"], "resources": ["builds/status"], "verbs": ["get", "update", "patch"]},
            {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list", "watch"]},
            {"apiGroups": [""], "resources": ["secrets"], "resourceNames": sorted(set(secrets)), "verbs": ["get"]},
            {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
        ]  # fmt: skip


def _variable(variable: EnvVar) -> Object:
    if variable.value_from is not None:
        return {"name": variable.name, "valueFrom": variable.value_from}
    return {"name": variable.name, "value": variable.value}


ENGINE = Boatyard()
