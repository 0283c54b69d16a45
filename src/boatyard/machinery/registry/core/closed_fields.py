"""Fields of pods that Kubernetes knows but doesn't open yet: whatever they say is dropped, without a word."""

from __future__ import annotations

from boatyard.machinery.meta.objects import Object


def drop_closed(spec: Object) -> None:
    """Take them out of a pod's spec, in place."""
    spec.pop("hostnameOverride", None)
    for container in spec.get("containers") or ():
        container.pop("restartPolicy", None)
        _drop(container)
    for container in spec.get("initContainers") or ():
        if container.get("restartPolicy") != "Always":
            # Containers that restart by other rules than their pod's.
            container.pop("restartPolicy", None)
        _drop(container)


def _drop(container: Object) -> None:
    container.pop("restartPolicyRules", None)
    if (lifecycle := container.get("lifecycle")) and lifecycle.pop("stopSignal", None) is not None and not lifecycle:
        del container["lifecycle"]
