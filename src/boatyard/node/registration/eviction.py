"""Which pod has to go when the machine runs short, and which pods outgrew a limit of their own. Decides; workers act."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from boatyard.machinery.meta.objects import Object, deleting
from boatyard.machinery.runtime.world import World
from boatyard.node.containers.limits import qos_class
from boatyard.node.status.pod_status import is_final

_QOS = {"BestEffort": 0, "Burstable": 1, "Guaranteed": 2}
LONGEST_LOGS_BYTES = 4 << 30
"""All logs of one pod together. Far more than any reader wants, little enough for a disk."""


def victim(pods: Iterable[Object]) -> Object | None:
    """The pod that is evicted first: lowest priority, then lowest quality of service, then the youngest."""
    candidates = [pod for pod in pods if not is_final(pod) and not deleting(pod)]
    return min(candidates, key=_rank, default=None)


def _rank(pod: Object) -> tuple[int, int, float, str]:
    created = pod["metadata"].get("creationTimestamp") or ""
    age = -int("".join(character for character in created if character.isdigit()) or 0)
    quality = (pod.get("status") or {}).get("qosClass") or qos_class(pod)  # the server knows it of the pod as a whole, too
    return pod["spec"].get("priority") or 0, _QOS[quality], age, pod["metadata"]["name"]


async def directory_bytes(path: Path, world: World, *, enough: int) -> int:
    """Bytes on disk below ``path``, counted until ``enough`` of them are found; gives way to others every few hundred files."""
    total = seen = 0
    pending = [path]
    while pending and total <= enough:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    seen += 1
                    if seen % 500 == 0:
                        await world.sleep(0)
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(Path(entry.path))
                    else:
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
        except OSError:
            continue  # it vanished while we looked, as files of a build do
    return total
