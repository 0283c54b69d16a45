"""Ends of logs as termination messages (``terminationMessagePolicy: FallbackToLogsOnError``)."""

from __future__ import annotations

from boatyard.machinery.meta.objects import Object
from boatyard.node.kubelet.log_file import tail_text
from boatyard.node.lifecycle.decision import Start
from boatyard.node.lifecycle.history import Histories
from boatyard.node.paths import PodPaths

LONGEST_LINES, LONGEST_BYTES = 80, 2048


class LogTails:
    """Read once per failed start."""

    def __init__(self, paths: PodPaths) -> None:
        self._paths = paths
        self._read: dict[Start, str] = {}

    def messages(self, pod: Object, past: Histories) -> dict[Start, str]:
        """The message of every start that failed without leaving one, where its container asks for that."""
        for container in (*(pod["spec"].get("initContainers") or ()), *pod["spec"]["containers"]):
            if container.get("terminationMessagePolicy") != "FallbackToLogsOnError":
                continue
            for state in past.of(container["name"]).attempts:
                start = (state.name, state.attempt)
                if state.state == "exited" and state.exit_code != 0 and not state.message and start not in self._read:
                    self._read[start] = tail_text(self._paths.log(*start), LONGEST_LINES, LONGEST_BYTES)
        return self._read
