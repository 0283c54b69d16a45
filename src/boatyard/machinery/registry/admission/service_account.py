"""Who a pod is to the API (admission plugin ServiceAccount): its account, and a token of it unless it wants none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boatyard.machinery.meta.core import SERVICE_ACCOUNTS
from boatyard.machinery.meta.errors import Forbidden
from boatyard.machinery.meta.objects import Object

if TYPE_CHECKING:
    from boatyard.machinery.registry.ledger import Ledger

DEFAULT = "default"
MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
TOKEN_SECONDS = 3607
"""An hour and a few seconds, by which Kubernetes knows tokens it gave by itself."""


def give_account(ledger: Ledger, pod: Object) -> None:
    """Set the account and mount its token. Raises Forbidden when the account isn't there.

    The account ``default`` comes with every namespace, a moment later: a pod that names none isn't refused for being quicker.
    """
    spec, metadata = pod["spec"], pod["metadata"]
    name = spec.get("serviceAccountName") or DEFAULT
    spec["serviceAccountName"] = spec["serviceAccount"] = name
    account = ledger.object(SERVICE_ACCOUNTS, metadata["namespace"], name)
    if account is None:
        if name != DEFAULT:
            told = f'error looking up service account {metadata["namespace"]}/{name}: serviceaccount "{name}" not found'
            about = metadata.get("name") or metadata.get("generateName", "")
            raise Forbidden(f'pods "{about}" is forbidden: {told}', {"name": about, "kind": "pods"})
        account = {}
    if account.get("imagePullSecrets") and not spec.get("imagePullSecrets"):
        spec["imagePullSecrets"] = account["imagePullSecrets"]
    automount = spec.get("automountServiceAccountToken")
    if automount is None:
        automount = account.get("automountServiceAccountToken", True)
    if automount:
        _mount_token(spec, f"kube-api-access-{ledger.world.token(5)}")


def _mount_token(spec: Object, volume: str) -> None:
    mounted = False
    for container in [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]:
        mounts = container.get("volumeMounts") or []
        if any(mount.get("mountPath") == MOUNT_PATH for mount in mounts):
            continue
        container["volumeMounts"] = [*mounts, {"name": volume, "mountPath": MOUNT_PATH, "readOnly": True}]
        mounted = True
    if mounted:
        spec["volumes"] = [
            *(spec.get("volumes") or ()),
            {"name": volume, "projected": {"defaultMode": 0o644, "sources": _sources()}},
        ]


def _sources() -> list[Object]:
    namespace = {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
    return [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": TOKEN_SECONDS}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [namespace]}},
    ]
