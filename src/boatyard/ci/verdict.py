"""What a pod's status means for its build. Pure: a pod and the time in, a verdict out, or None while it runs."""

from __future__ import annotations

from dataclasses import dataclass

from boatyard.ci.pod import COLLECT, SLACK_SECONDS, SOURCE
from boatyard.ci.pod_report import PodReport, container_statuses, read, test_results
from boatyard.machinery.meta.objects import Object, deleting
from boatyard.machinery.meta.timestamps import duration_seconds, parse_time

LOST_REASONS = (
    "Evicted", "NodeLost", "NodeShutdown", "Shutdown", "Terminated", "Preempting", "Preempted", "InfrastructureLost",
    "NodeAffinity", "UnexpectedAdmissionError", "OutOfcpu", "OutOfmemory", "OutOfpods", "OutOfephemeral-storage", "PodGone",
)  # fmt: skip
"""``status.reason`` of a failed pod whose build is not to blame."""
IMAGE_REASONS = (
    "ErrImagePull",
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "ImageInspectError",
    "RegistryUnavailable",
)
CREATE_REASONS = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError", "ContainerCannotRun", "StartError")
IMAGE_PATIENCE_SECONDS = 120.0
"""How long an image may fail to be pulled before the build ends: registries have bad minutes."""
CONFIG_PATIENCE_SECONDS = 30.0
"""How long a container may fail to be created, e.g. while a Secret it needs is on its way."""
UNSCHEDULABLE_SECONDS = 3600.0
"""How long a pod may wait for a node."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an attempt ended, or has to end."""

    outcome: str
    """Succeeded, Failed, Error, Cancelled or Lost."""
    reason: str
    message: str = ""
    end: bool = False
    """The pod has not ended by itself: it is to be deleted first."""


def judge(build: Object, pod: Object, now: float, *, pulls: bool = True) -> Verdict | None:
    """The verdict on the attempt that ``pod`` is. ``pulls`` is False where no image is ever pulled: waiting doesn't help there."""
    status = pod.get("status") or {}
    phase = status.get("phase", "Pending")
    ended = phase in ("Succeeded", "Failed")
    report = read(pod)
    if ended and (reason := _loss(pod)):
        return Verdict("Lost", reason, status.get("message") or f"The pod was lost: {reason}.")
    if not ended and deleting(pod) and not _all_ended(pod):
        # A grace period of 0: its node has confirmed that nothing of it is left, or somebody forced it away.
        gone = pod["metadata"].get("deletionGracePeriodSeconds") == 0
        return Verdict("Lost", "PodDeleted", "The pod was deleted from outside.") if gone else None
    if ended or _all_ended(pod):
        return _ended(build, pod, report)
    return _stuck(build, pod, now, pulls)


def _loss(pod: Object) -> str:
    """Why the infrastructure is to blame, or empty."""
    status = pod.get("status") or {}
    if status.get("reason") in LOST_REASONS:
        return status["reason"]
    for condition in status.get("conditions") or ():
        if condition.get("type") == "DisruptionTarget" and condition.get("status") == "True":
            return condition.get("reason") or "Disrupted"
    for told in container_statuses(pod):
        state = (told.get("state") or {}).get("terminated") or {}
        if state.get("reason") in ("ContainerStatusUnknown", "SupervisorLost"):
            return state["reason"]
    return ""


def _all_ended(pod: Object) -> bool:
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    expected = len(pod["spec"].get("containers") or ())
    return len(statuses) >= expected > 0 and all((told.get("state") or {}).get("terminated") for told in statuses)


def _ended(build: Object, pod: Object, report: PodReport) -> Verdict:
    status = pod.get("status") or {}
    if status.get("reason") == "DeadlineExceeded":
        return Verdict("Failed", "Timeout", _timeout_told(build))
    if status.get("reason") and not report.terminated:
        return Verdict("Error", "PodRefused", f"{status['reason']}: {status.get('message', '')}"[:4000])
    before = _before_steps(pod, report)
    if before is not None:
        return before
    if killed := _out_of_memory(pod, report, build):
        return killed
    if unstartable := _unstartable(pod, report):
        return unstartable
    for number, step in sorted(report.steps.items()):
        name = _step_name(build, number)
        if step.outcome == "Timeout":
            limit = _step_timeout(build, number)
            own = bool(limit) and step.duration_millis >= 990 * duration_seconds(limit)
            told = f"Step {name!r} took longer than {limit}." if own else f"{_timeout_told(build)} It was in step {name!r}."
            return Verdict("Failed", "Timeout", told)
        if step.outcome == "Cancelled":
            if deleting(pod):
                return Verdict("Lost", "PodDeleted", "The pod was deleted from outside.")
            return Verdict("Lost", "Terminated", f"The pod was ended from outside during step {name!r}.")
        if step.outcome == "Failed":
            return Verdict("Failed", "StepFailed", f"Step {name!r} ended with exit code {step.exit_code}.")
    silent = _silent(build, pod, report)
    if silent is not None:
        return silent
    said = report.collect or {}
    if said.get("outcome") == "testsFailed":
        counts = (test_results(said) or {}).get("counts") or {}
        return Verdict("Failed", "TestsFailed", f"{counts.get('failed', 0)} of {counts.get('total', 0)} tests failed.")
    return Verdict("Succeeded", "Succeeded")


def _before_steps(pod: Object, report: PodReport) -> Verdict | None:
    """A failure of ``source`` or of an init container of the template."""
    for container in pod["spec"].get("initContainers") or ():
        state = report.terminated.get(container["name"])
        if state is None or state.get("exitCode") == 0 or container.get("restartPolicy") == "Always":
            continue
        if container["name"] == SOURCE:
            said = report.source or {}
            if said.get("reason") == "Cancelled" or (state.get("exitCode") in (143, 137) and not said):
                return Verdict("Lost", "Terminated", "The pod was ended from outside while the source was fetched.")
            reason = said.get("reason") if isinstance(said.get("reason"), str) else ""
            message = said.get("message") if isinstance(said.get("message"), str) else ""
            why = state.get("message") or state.get("reason", "")
            default = f"Fetching the source ended with exit code {state.get('exitCode')}: {why}"
            return Verdict("Error", (reason or "SourceFailed")[:100], (message or default)[:4000])
        if state.get("reason") == "OOMKilled":
            return Verdict("Failed", "OOMKilled", _memory_told(pod, container, ""))
        told = f"Init container {container['name']!r} ended with exit code {state.get('exitCode')}."
        return Verdict("Failed", "InitContainerFailed", told)
    return None


def _out_of_memory(pod: Object, report: PodReport, build: Object) -> Verdict | None:
    for container in pod["spec"].get("containers") or ():
        state = report.terminated.get(container["name"])
        if state is None or state.get("reason") != "OOMKilled":
            continue
        if container["name"] == COLLECT:
            continue
        own = [
            number for number, step in enumerate(build["spec"].get("steps") or (), 1) if step.get("container") == container["name"]
        ]
        hit = [number for number in own if number not in report.steps or report.steps[number].outcome == "Failed"]
        if not hit:
            continue  # a process was killed, and the step coped with that
        return Verdict("Failed", "OOMKilled", _memory_told(pod, container, _step_name(build, hit[0])))
    return None


def _memory_told(pod: Object, container: Object, step: str) -> str:
    limit = ((container.get("resources") or {}).get("limits") or {}).get("memory")
    where = f"container {container['name']!r}" + (f" in step {step!r}" if step else "")
    what = f"its limit of {limit}" if limit else "what the machine had (it has no limit of its own)"
    return f"Out of memory: {where} needed more than {what}. Raise resources.limits.memory, or let the build use less."


def _unstartable(pod: Object, report: PodReport) -> Verdict | None:
    """A container whose command could not even start."""
    for container in pod["spec"].get("containers") or ():
        state = report.terminated.get(container["name"])
        if state is None:
            continue
        message = state.get("message") or ""
        if state.get("reason") in CREATE_REASONS or (
            state.get("exitCode") in (126, 127, 128) and "no such file" in message.lower()
        ):
            if "/bin/sh" in message or "executable file not found" in message:
                told = f"The image {container.get('image', '')!r} has no /bin/sh, which steps need: choose an image with a shell."
                return Verdict("Error", "NoShell", f"{told} ({message[:500]})")
            told = f"Container {container['name']!r} could not start: {message[:2000] or state.get('reason')}"
            return Verdict("Error", "ContainerCannotRun", told)
    return None


def _silent(build: Object, pod: Object, report: PodReport) -> Verdict | None:
    """A container that ended badly without a word about it, or a step that nobody spoke of."""
    for container in pod["spec"].get("containers") or ():
        state = report.terminated.get(container["name"])
        if container["name"] == COLLECT:
            continue
        if state is None:
            return Verdict("Lost", "ContainerLost", f"What became of container {container['name']!r} is not known.")
        code = state.get("exitCode", 0)
        own = [
            number for number, step in enumerate(build["spec"].get("steps") or (), 1) if step.get("container") == container["name"]
        ]
        missing = [number for number in own if number not in report.steps]
        if code in (137, 143) and missing:
            step = _step_name(build, missing[0])
            told = f"Container {container['name']!r} was ended from outside (exit code {code}) in step {step!r}."
            return Verdict("Lost", "ContainerKilled", told)
        if code != 0:
            return Verdict("Failed", "StepFailed", f"Container {container['name']!r} ended with exit code {code}.")
        if missing and not (state.get("message") or "").startswith("boatyard/1"):
            told = f"Container {container['name']!r} ended without a word about step {_step_name(build, missing[0])!r}."
            return Verdict("Error", "NoVerdict", told)
    return None


def _stuck(build: Object, pod: Object, now: float, pulls: bool) -> Verdict | None:
    """A pod that will not go on by itself."""
    status = pod.get("status") or {}
    created = parse_time(pod["metadata"].get("creationTimestamp") or "1970-01-01T00:00:00Z")
    for told in container_statuses(pod):
        waiting = (told.get("state") or {}).get("waiting") or {}
        reason, message = waiting.get("reason", ""), waiting.get("message") or ""
        waited = now - _waiting_since(pod, created)
        if reason in IMAGE_REASONS and (not pulls or waited > IMAGE_PATIENCE_SECONDS or reason == "InvalidImageName"):
            said = f"The image {told.get('image', '')!r} of container {told['name']!r} can't be had: {message or reason}"
            return Verdict("Error", "ImageUnavailable", said[:4000], end=True)
        if reason in CREATE_REASONS and waited > CONFIG_PATIENCE_SECONDS:
            return Verdict("Error", reason, f"Container {told['name']!r} can't be created: {message or reason}"[:4000], end=True)
    scheduled = next((one for one in status.get("conditions") or () if one.get("type") == "PodScheduled"), {})
    if scheduled.get("reason") == "Unschedulable" and now - created > UNSCHEDULABLE_SECONDS:
        said = f"No node took the pod within {UNSCHEDULABLE_SECONDS / 60:.0f} minutes: {scheduled.get('message', '')}"
        return Verdict("Error", "Unschedulable", said[:4000], end=True)
    if status.get("startTime"):
        over = now - parse_time(status["startTime"]) - duration_seconds(build["spec"].get("timeout") or "1h")
        if over > SLACK_SECONDS:
            return Verdict("Failed", "Timeout", _timeout_told(build), end=True)
    return None


def _waiting_since(pod: Object, created: float) -> float:
    """When its containers could begin: an upper bound of when one began to wait."""
    latest = created
    for told in container_statuses(pod):
        state = (told.get("state") or {}).get("terminated") or {}
        if state.get("finishedAt"):
            latest = max(latest, parse_time(state["finishedAt"]))
    start = (pod.get("status") or {}).get("startTime")
    return max(latest, parse_time(start)) if start else latest


def _timeout_told(build: Object) -> str:
    return f"The build took longer than its timeout of {build['spec'].get('timeout') or '1h'}."


def _step_name(build: Object, number: int) -> str:
    steps = build["spec"].get("steps") or ()
    return steps[number - 1]["name"] if 0 < number <= len(steps) else str(number)


def _steps_in(build: Object, container: str) -> list[int]:
    return [number for number, step in enumerate(build["spec"].get("steps") or (), 1) if step.get("container") == container]


def _step_timeout(build: Object, number: int) -> str:
    steps = build["spec"].get("steps") or ()
    return steps[number - 1].get("timeout", "") if 0 < number <= len(steps) else ""
