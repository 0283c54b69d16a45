"""What the clients write."""

from __future__ import annotations

from typing import Any

CICONFIG: dict[str, Any] = {
    "apiVersion": "ci.boatyard.dev/v1alpha1",
    "kind": "CiConfig",
    "metadata": {"name": "team", "namespace": "default"},
    "spec": {"source": {"git": {"url": "https://git.example/team.git"}}, "strategy": {"master": {"engine": "boatyard"}}},
}


def config_map(name: str, *, labels: dict[str, str] | None = None, **data: str) -> dict[str, Any]:
    """A ConfigMap."""
    metadata = {"name": name, "namespace": "default", **({"labels": labels} if labels else {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
