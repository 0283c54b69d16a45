"""The node's metrics: derived from its pods at the moment of the question, never counted along."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from boatyard.machinery.meta.objects import Object


def exposition(pods: Iterable[Object]) -> bytes:
    """Prometheus' text format."""
    phases: Counter[str] = Counter(dict.fromkeys(("Pending", "Running", "Succeeded", "Failed"), 0))
    states: Counter[str] = Counter(dict.fromkeys(("waiting", "running", "terminated"), 0))
    restarts = 0
    for pod in pods:
        status = pod.get("status") or {}
        phases[status.get("phase") or "Pending"] += 1
        for one in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
            states.update(one.get("state") or {})
            restarts += one.get("restartCount", 0)
    lines = ["# HELP boatyard_node_pods Pods bound to this node.", "# TYPE boatyard_node_pods gauge"]
    lines += [f'boatyard_node_pods{{phase="{phase}"}} {count}' for phase, count in sorted(phases.items())]
    lines += ["# HELP boatyard_node_containers Containers of this node's pods.", "# TYPE boatyard_node_containers gauge"]
    lines += [f'boatyard_node_containers{{state="{state}"}} {count}' for state, count in sorted(states.items())]
    lines += ["# HELP boatyard_node_container_restarts Restarts of containers of the pods that are here.",
              "# TYPE boatyard_node_container_restarts gauge", f"boatyard_node_container_restarts {restarts}"]  # fmt: skip
    return ("\n".join(lines) + "\n").encode()
