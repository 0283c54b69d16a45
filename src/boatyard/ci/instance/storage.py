"""The volume that holds a CI server's history."""

from __future__ import annotations

from boatyard.ci.instance.account import metadata
from boatyard.ci.kinds import CiConfig
from boatyard.machinery.meta.objects import Object


def claim(config: CiConfig, live: Object | None) -> Object:
    """The volume claim. What Kubernetes doesn't let change (the class) stays as it is; a volume never shrinks."""
    storage = config.spec.strategy.master.storage
    spec: Object = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage.size}}}
    if live is not None:
        spec["resources"] = {"requests": {"storage": live["spec"]["resources"]["requests"]["storage"]}}
    elif storage.storage_class:
        spec["storageClassName"] = storage.storage_class
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata(config), "spec": spec}
