"""Pods stay for a while on a node that is not ready or out of reach (admission plugin DefaultTolerationSeconds)."""

from __future__ import annotations

from boatyard.machinery.meta.objects import Object

SECONDS = 300
NODE_TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


def tolerate_absence(spec: Object) -> None:
    """Add what the pod doesn't say itself."""
    tolerations = spec.get("tolerations") or []
    for taint in NODE_TAINTS:
        if not any(_about(toleration, taint) for toleration in tolerations):
            tolerations.append({"key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": SECONDS})
    spec["tolerations"] = tolerations


def _about(toleration: Object, taint: str) -> bool:
    return toleration.get("key") in (taint, "", None) and toleration.get("effect") in ("NoExecute", "", None)
