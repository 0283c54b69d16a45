"""What a pod's status means for its build."""

from __future__ import annotations

import json
from typing import Any

import pytest

from boatyard.ci import pod_report
from boatyard.ci.pod import build_pod
from boatyard.ci.verdict import judge
from unit.ci.documents import build, settings

NOW = 1_767_225_600.0 + 100
GOOD = "boatyard/1\n1 ok 0 1767225600000 10\n2 ok 0 1767225600010 10\n3 ok 0 1767225600020 10\n"
PASSED = json.dumps({"outcome": "ok", "tests": {"total": 4, "passed": 4, "failed": 0, "skipped": 0, "files": 1, "millis": 5}})


def pod(phase: str = "Running", *, waiting: dict[str, Any] | None = None, spec: dict[str, Any] | None = None, **ended: Any) -> Any:
    """A pod; ``ended``: container -> terminated state."""
    made = build_pod(build(), 1, settings())
    made["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    made["spec"] |= spec or {}

    def status(container: Any) -> Any:
        state: Any = {"running": {}}
        if container["name"] in ended:
            state = {"terminated": {"exitCode": 0, "reason": "Completed", **ended[container["name"]]}}
        if container["name"] in (waiting or {}):
            state = {"waiting": (waiting or {})[container["name"]]}
        return {"name": container["name"], "image": container["image"], "state": state}

    made["status"] = {
        "phase": phase, "startTime": "2026-01-01T00:00:01Z",
        "initContainerStatuses": [status(one) for one in made["spec"]["initContainers"]],
        "containerStatuses": [status(one) for one in made["spec"]["containers"]],
    }  # fmt: skip
    return made


def verdict(made: Any, now: float = NOW, **options: Any) -> tuple[str, str] | None:
    found = judge(build(), made, now, **options)
    return (found.outcome, found.reason) if found else None


def finished(
    build_said: str = GOOD, exit_code: int = 0, collect: dict[str, Any] | None = None, phase: str = "", **state: Any
) -> Any:
    told = {"exitCode": exit_code, "message": build_said, **state}
    return pod(
        phase or ("Failed" if exit_code else "Succeeded"), source={"message": '{"outcome":"ok"}'}, build=told,
        collect=collect if collect is not None else {"message": PASSED},
    )  # fmt: skip


def test_while_it_runs_there_is_no_verdict():
    assert verdict(pod()) is None
    assert verdict(pod(source={"message": ""})) is None


def test_all_steps_good():
    assert verdict(finished()) == ("Succeeded", "Succeeded")


def test_a_failed_step_is_named():
    made = finished("boatyard/1\n1 ok 0 1 1\n2 failed 3 1 1\n3 ok 0 1 1\n", 3)
    found = judge(build(), made, NOW)
    assert found is not None and (found.outcome, found.reason) == ("Failed", "StepFailed")
    assert found.message == "Step 'test' ended with exit code 3."


def test_failed_tests_fail_a_build_whose_steps_were_good():
    said = json.dumps({"outcome": "testsFailed", "tests": {"total": 4, "failed": 1}})
    found = judge(build(), finished(collect={"exitCode": 1, "message": said}, phase="Failed"), NOW)
    assert found is not None and (found.outcome, found.reason, found.message) == ("Failed", "TestsFailed", "1 of 4 tests failed.")


def test_a_collect_that_broke_changes_nothing():
    assert verdict(finished(collect={"exitCode": 137, "reason": "OOMKilled"}, phase="Failed")) == ("Succeeded", "Succeeded")


@pytest.mark.parametrize(
    ("millis", "told"), [(300_000, "'test' took longer than 5m"), (1_000, "timeout of 1h. It was in step 'test'")]
)
def test_whose_time_was_up_is_told(millis, told):
    found = judge(build(), finished(f"boatyard/1\n1 ok 0 1 1\n2 timeout 143 1 {millis}\n3 skipped 0 1 0\n", 143), NOW)
    assert found is not None and found.reason == "Timeout" and told in found.message


def test_out_of_memory_is_explained():
    made = finished("boatyard/1\n1 ok 0 1 1\n", 137, reason="OOMKilled")
    made["spec"]["containers"][0]["resources"] = {"limits": {"memory": "512Mi"}}
    found = judge(build(), made, NOW)
    assert found is not None and found.reason == "OOMKilled"
    assert "'build' in step 'test' needed more than its limit of 512Mi" in found.message


def test_a_process_that_was_killed_and_a_step_that_coped():
    assert verdict(finished(GOOD, reason="OOMKilled")) == ("Succeeded", "Succeeded")


@pytest.mark.parametrize("reason", ["Evicted", "NodeLost", "InfrastructureLost", "Preempting"])
def test_what_is_not_the_builds_fault(reason):
    made = pod("Failed")
    made["status"]["reason"] = reason
    assert verdict(made) == ("Lost", reason)


def test_a_disruption_is_told_by_a_condition():
    made = pod("Failed", source={}, build={"exitCode": 143}, collect={"exitCode": 143})
    made["status"]["conditions"] = [{"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet"}]
    assert verdict(made) == ("Lost", "TerminationByKubelet")


def test_a_supervisor_that_died():
    gone = {"exitCode": 137, "reason": "SupervisorLost"}
    assert verdict(pod("Failed", source={}, build=gone, collect=gone)) == ("Lost", "SupervisorLost")


def test_a_pod_deleted_from_outside_is_lost_once_it_is_over():
    made = pod()
    made["metadata"]["deletionTimestamp"] = "2026-01-01T00:01:00Z"
    made["metadata"]["deletionGracePeriodSeconds"] = 30
    assert verdict(made) is None
    made["metadata"]["deletionGracePeriodSeconds"] = 0
    assert verdict(made) == ("Lost", "PodDeleted")
    cancelled = finished("boatyard/1\n1 cancelled 143 1 1\n", 143)
    cancelled["metadata"]["deletionTimestamp"] = "2026-01-01T00:01:00Z"
    assert verdict(cancelled) == ("Lost", "PodDeleted")


def test_results_count_even_if_the_pod_was_deleted_after_them():
    made = finished()
    made["metadata"]["deletionTimestamp"] = "2026-01-01T00:01:00Z"
    assert verdict(made) == ("Succeeded", "Succeeded")


@pytest.mark.parametrize("reason", ["MergeConflict", "SourceUnavailable", "CommitMissing"])
def test_source_says_why_it_failed(reason):
    said = json.dumps({"outcome": "error", "reason": reason, "message": "because"})
    found = judge(build(), pod("Failed", source={"exitCode": 1, "message": said}), NOW)
    assert found is not None and (found.outcome, found.reason, found.message) == ("Error", reason, "because")


@pytest.mark.parametrize("said", ["", "nonsense", "[1]", '{"reason": 5}', '{"reason": {"a": 1}, "message": []}'])
def test_a_source_that_talks_nonsense_is_an_error_all_the_same(said):
    assert verdict(pod("Failed", source={"exitCode": 1, "message": said})) == ("Error", "SourceFailed")


def test_an_image_that_cannot_be_had():
    made = pod("Pending", waiting={"build": {"reason": "ErrImagePull", "message": "no such image"}})
    assert verdict(made, pulls=False) == ("Error", "ImageUnavailable")
    assert verdict(made) is None
    assert verdict(made, NOW + 100) == ("Error", "ImageUnavailable")
    found = judge(build(), made, NOW + 100)
    assert found is not None and found.end and "no such image" in found.message


def test_an_image_without_a_shell():
    told = {"exitCode": 128, "reason": "StartError", "message": 'exec: "/bin/sh": stat /bin/sh: no such file or directory'}
    found = judge(build(), pod("Failed", source={}, build=told, collect={"exitCode": 143}), NOW)
    assert found is not None and found.reason == "NoShell" and "has no /bin/sh" in found.message


def test_a_pod_that_no_node_takes():
    made = pod("Pending")
    made["status"] = {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}
    assert verdict(made) is None
    assert verdict(made, NOW + 4000) == ("Error", "Unschedulable")


def test_a_pod_that_its_node_refuses():
    made = pod("Failed")
    made["status"] = {"phase": "Failed", "reason": "UnsupportedByNode", "message": "spec.os: no"}
    assert verdict(made) == ("Error", "PodRefused")


def test_a_pod_that_never_ends_is_ended_from_outside():
    assert verdict(pod(), NOW + 3600 + 900) == ("Failed", "Timeout")


def test_a_container_that_ended_without_a_word():
    assert verdict(finished("", 5)) == ("Failed", "StepFailed")
    assert verdict(finished("", 137)) == ("Lost", "ContainerKilled")
    assert verdict(finished("", 0)) == ("Error", "NoVerdict")


def test_words_of_hostile_images_are_bounded_and_never_an_error():
    for said in ("boatyard/1\n" + "9" * 4000, "boatyard/1\n1 ok 0 " + "9" * 15 + " 1", "boatyard/1\n1 bad 0 1 1", "\0" * 100):
        made = finished(said)
        judge(build(), made, NOW)
        pod_report.step_statuses(build()["spec"], pod_report.read(made).steps)
    for said in ({"tests": []}, {"tests": {"total": -1}}, {"failures": [1, {"name": 5}]}, {"artifacts": "x"}, {"problems": {}}):
        assert pod_report.problems(said) == []
        pod_report.test_results(said)
        pod_report.artifacts(said)
