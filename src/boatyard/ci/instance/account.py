"""Who the CI server is and what it may do: service account, role, binding and the instance's own secret."""

from __future__ import annotations

import base64

from boatyard.ci import object_keys
from boatyard.ci.instance import instance_name
from boatyard.ci.kinds import CICONFIG_LABEL, CiConfig
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.runtime.world import World

COMPONENT_LABEL = "boatyard.dev/component"
CISERVER = "ciserver"
WEBHOOK, GATEWAY_TOKEN, UPLOADS = "webhook", "gateway-token", "uploads"
SECRET_CHARACTERS = 40


def metadata(config: CiConfig) -> Object:
    """Name, namespace and labels of the instance's objects."""
    name = config.metadata.name
    return {"name": instance_name(name), "namespace": config.metadata.namespace, "labels": {CICONFIG_LABEL: name}}


def service_account(config: CiConfig) -> Object:
    """The CI server's identity towards the API."""
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(config)}


def role(config: CiConfig, rules: list[Object]) -> Object:
    """What it may do, in its namespace only."""
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata(config), "rules": rules}


def role_binding(config: CiConfig) -> Object:
    """Gives the role to the account."""
    name = instance_name(config.metadata.name)
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": metadata(config),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": config.metadata.namespace}],
    }  # fmt: skip


def secret(config: CiConfig, live: Object | None, world: World, secrets_key: bytes) -> Object:
    """The keys that are made for the instance: what is there stays, what is missing is made anew. The one by which its builds hand
    over their artifacts is derived from ``secrets_key``, so that the gateway can check it without reading anything."""
    data = dict((live or {}).get("data") or {})
    for key in (WEBHOOK, GATEWAY_TOKEN):
        if not data.get(key):
            data[key] = base64.b64encode(world.token(SECRET_CHARACTERS).encode()).decode()
    uploads = object_keys.uploads_key(secrets_key, config.metadata.namespace, config.metadata.name)
    return {
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": metadata(config),
        "data": {**{key: data[key] for key in (WEBHOOK, GATEWAY_TOKEN)}, UPLOADS: base64.b64encode(uploads).decode()},
    }  # fmt: skip
