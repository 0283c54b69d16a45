"""Which changes of Builds and pods a pass would do something about."""

from __future__ import annotations

from typing import Any

import pytest

from boatyard.ci.build_news import build_changed, pod_changed
from boatyard.ci.kinds import CANCEL_ANNOTATION, LOGS_FINALIZER


def build(phase: str = "", *, revision: int = 1, annotations: Any = None, deleted: bool = False, **status: Any) -> Any:
    metadata: dict[str, Any] = {"name": "shop-7", "namespace": "team", "uid": "u", "resourceVersion": str(revision)}
    if annotations:
        metadata["annotations"] = annotations
    if deleted:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return {"metadata": metadata, "spec": {}, "status": {**({"phase": phase} if phase else {}), **status}}


def pod(*, node: str = "", deleted: bool = False, finalizers: Any = (LOGS_FINALIZER,), **status: Any) -> Any:
    metadata: dict[str, Any] = {"name": "shop-7", "namespace": "team", "uid": "p", "finalizers": list(finalizers)}
    if deleted:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return {"metadata": metadata, "spec": {"nodeName": node} if node else {}, "status": status}


RUNS = {"phase": "Running", "containerStatuses": [{"name": "a", "state": {"running": {}}}]}
ENDED = {"phase": "Succeeded", "containerStatuses": [{"name": "a", "state": {"terminated": {"exitCode": 0}}}]}


@pytest.mark.parametrize(
    "old, new, news",
    [
        (None, build(), False),
        (build(), build("Queued"), False),
        (build("Queued"), build("Queued", annotations={CANCEL_ANNOTATION: "ann"}), True),
        (build("Queued"), build("Queued", deleted=True), True),
        (build("Queued"), build("Starting"), True),
        (None, build("Running"), True),
        (build("Starting"), build("Running"), False),
        (build("Running"), build("Running", reported=[{"state": "pending"}]), False),
        (build("Running"), build("Running", attempts=[{"outcome": "Failed"}]), True),
        (build("Running"), build("Starting", attempts=[{}, {}]), True),
        (build("Running"), build("Running", annotations={CANCEL_ANNOTATION: "ann"}), True),
        (build("Running"), build("Succeeded"), True),
        (build("Succeeded"), build("Succeeded", reported=[{"state": "success"}]), False),
        (build("Succeeded"), build("Succeeded", deleted=True), True),
    ],
)
def test_news_of_a_build(old: Any, new: Any, news: bool) -> None:
    assert build_changed(old, new, pods_left=False) is news


@pytest.mark.parametrize("pods_left", [True, False])
def test_a_build_that_is_gone_is_news_while_pods_of_it_are_there(pods_left: bool) -> None:
    assert build_changed(build("Succeeded"), None, pods_left) is pods_left


@pytest.mark.parametrize(
    "old, new, news",
    [
        (None, pod(), False),
        (pod(), pod(node="n1", conditions=[{"type": "PodScheduled", "status": "True"}]), False),
        (None, pod(**RUNS), True),
        (pod(node="n1"), pod(node="n1", **RUNS), True),
        (pod(**RUNS), pod(**ENDED), True),
        (pod(**RUNS), pod(deleted=True, **RUNS), True),
        (pod(**RUNS), pod(conditions=[{"type": "DisruptionTarget", "status": "True"}], **RUNS), True),
        (pod(), pod(phase="Failed", reason="Evicted"), True),
        (pod(**RUNS), None, True),
    ],
)
def test_news_of_the_pod_of_an_active_build(old: Any, new: Any, news: bool) -> None:
    assert pod_changed(build("Running"), old, new) is news


def test_news_of_the_pod_of_a_finished_build() -> None:
    over = build("Succeeded")
    assert pod_changed(over, None, pod(**ENDED)), "one that shows up late is let go"
    assert not pod_changed(over, pod(**ENDED), pod(finalizers=(), **ENDED)), "letting it go is our own doing"
    assert not pod_changed(over, pod(**ENDED), None)
    assert pod_changed(build("Succeeded", deleted=True), pod(**ENDED), None), "a Build that waits for it may go"


def test_a_pod_without_a_build_is_news_when_it_waits_to_be_let_go() -> None:
    assert not pod_changed(None, None, pod(**RUNS))
    assert not pod_changed(None, pod(), pod(deleted=True, finalizers=()))
    assert pod_changed(None, pod(), pod(deleted=True))
