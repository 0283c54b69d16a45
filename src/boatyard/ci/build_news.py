"""Which changes are news to the build controller. Pure.

A pass over a build looks at the whole of it, so one for every change does no harm but costs: a build that succeeds changes twenty
times, and seven of these changes give a pass something to do. What is refused here is what a pass would do nothing about. Whatever
has to be looked at again in time (a pod that doesn't begin, a timeout) has its pass planned by the one before; after a restart
everything is looked at.
"""

from __future__ import annotations

from typing import Any

from boatyard.ci import build_state
from boatyard.ci.kinds import LOGS_FINALIZER
from boatyard.machinery.meta.objects import Object, annotations, deleting, finalizers, uid


def build_changed(old: Object | None, new: Object | None, pods_left: bool) -> bool:
    """Whether a Build's change is news. ``pods_left``: pods of a Build of its name are known."""
    if new is None:
        return pods_left  # nobody else lets them go
    if build_state.stage(new) == "waiting":
        return False  # the queue's business
    if old is None or uid(old) != uid(new) or deleting(old) != deleting(new) or annotations(old) != annotations(new):
        return True
    if finalizers(old) != finalizers(new):
        return True
    if (build_state.phase(old), build_state.phase(new)) == ("Starting", "Running"):
        return False  # the controller's own word about its pod
    return _without_reports(old) != _without_reports(new)


def pod_changed(build: Object | None, old: Object | None, new: Object | None) -> bool:
    """Whether the change of a pod is news for its Build (None: there is none, or not yet)."""
    if build is None:
        return new is not None and deleting(new) and LOGS_FINALIZER in finalizers(new)
    stage = build_state.stage(build)
    if new is None:
        return stage == "active" or deleting(build)
    if stage == "final":
        # A pod that shows up late is to be let go; one that is on its way out needs no more than that.
        return old is None
    return _said(old) != _said(new)


def _without_reports(build: Object) -> Object:
    return {**(build.get("status") or {}), "reported": None}


def _said(pod: Object | None) -> Any:
    """All by which a pass decides. That a pod has got its node, or is made and nothing more, changes nothing."""
    if pod is None:
        return None
    status = pod.get("status") or {}
    conditions = [one for one in status.get("conditions") or () if one.get("type") != "PodScheduled"]
    metadata = pod["metadata"]
    begun = (
        conditions,
        status.get("initContainerStatuses"),
        status.get("containerStatuses"),
        status.get("reason"),
        metadata.get("deletionTimestamp"),
        metadata.get("deletionGracePeriodSeconds"),
        status.get("startTime"),
        status.get("phase") in ("Succeeded", "Failed"),
    )
    return begun if any(begun) else None
