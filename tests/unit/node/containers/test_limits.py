"""Resources as limits, and the class of service."""

from __future__ import annotations

import pytest

from boatyard.node.containers.limits import limits, pod_memory_bytes, qos_class


def box(name="c", *, limit=None, request=None, **more):
    resources = {key: value for key, value in (("limits", limit), ("requests", request)) if value}
    return {"name": name, "resources": resources, **more}


def pod(*containers, inits=()):
    return {"spec": {"containers": list(containers), "initContainers": list(inits)}}


def test_limits_are_bytes_and_thousandths():
    made = limits(box(limit={"memory": "1.5Gi", "cpu": "0.5"}, request={"cpu": "100m"}))
    assert (made.memory_bytes, made.cpu_millis, made.cpu_request_millis) == (1536 * 1024**2, 500, 100)


def test_a_request_that_isn_t_there_is_the_limit():
    assert limits(box(limit={"cpu": "2"})).cpu_request_millis == 2000


def test_a_pod_has_a_memory_limit_only_if_every_container_has_one():
    gib = {"memory": "1Gi"}
    assert pod_memory_bytes(pod(box(limit=gib), box())) is None
    assert pod_memory_bytes(pod(box(limit=gib), box(limit=gib))) == 2 << 30
    assert pod_memory_bytes(pod(box(limit=gib), inits=[box(limit={"memory": "4Gi"})])) == 4 << 30
    assert pod_memory_bytes(pod(box(limit=gib), inits=[box(limit=gib, restartPolicy="Always")])) == 2 << 30


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (pod(box()), "BestEffort"),
        (pod(box(request={"cpu": "1"})), "Burstable"),
        (pod(box(limit={"cpu": "1", "memory": "1Gi"})), "Guaranteed"),
        (pod(box(limit={"cpu": "1", "memory": "1Gi"}), box()), "Burstable"),
    ],
)
def test_the_class_of_service_is_kubernetes_own(made, expected):
    assert qos_class(made) == expected
