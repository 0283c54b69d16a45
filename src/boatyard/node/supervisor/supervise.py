"""A pod's supervisor at work: requests of the agent in, containers kept, changes out."""

from __future__ import annotations

import json
import os
import socket

from boatyard.node.supervisor import frames
from boatyard.node.supervisor.channel import Channel
from boatyard.node.supervisor.container import Container
from boatyard.node.supervisor.execution import Execution
from boatyard.node.supervisor.loop import READ, Loop
from boatyard.node.supervisor.pod import Pod
from boatyard.node.supervisor.spawn import SpawnError

TYPE_CHECKING = False  # typing itself would cost a supervisor 10 ms at its start
if TYPE_CHECKING:
    from typing import Any

    from boatyard.node.cgroups.port import Cgroups


class Supervisor:
    """Requests (each answered in order, ``{"ok": true}`` or ``{"error": text}``): start, signal, watch, exec, stop.

    A connection that watches also gets ``{"containers": [states]}`` at once and after every change; while it doesn't read, only
    the newest state waits for it.
    """

    def __init__(self, pod: Pod, cgroups: Cgroups, listener: socket.socket) -> None:
        self._pod, self._cgroups = pod, cgroups
        self._containers: dict[str, Container] = {}
        self._executions: dict[Channel, Execution] = {}
        self._watchers: dict[Channel, bool] = {}
        """Whether a change is still to be told."""
        self._stopping: list[Channel] = []
        self.loop = Loop(self._child_ended)
        self._listener = listener
        self.loop.watch(listener.fileno(), READ, self._accept)

    def run(self) -> None:
        self.loop.run()

    def _accept(self, _events: int) -> None:
        connection, _ = self._listener.accept()
        channel = Channel(self.loop, connection, self._frame)
        channel.on_close = lambda: self._gone(channel)

    def _gone(self, channel: Channel) -> None:
        if (execution := self._executions.get(channel)) is not None:
            execution.kill()
            self._forget_executions()
        self._watchers.pop(channel, None)
        if channel in self._stopping:
            self._stopping.remove(channel)

    def _frame(self, channel: Channel, kind: int, payload: bytes) -> None:
        request = json.loads(payload) if kind == frames.MESSAGE else None
        if (execution := self._executions.get(channel)) is not None:
            execution.receive(kind, payload, request)
            return
        if request is None:
            channel.close()
            return
        try:
            answer = getattr(self, f"_do_{request['op']}")(channel, request)
        except (KeyError, AttributeError, SpawnError, OSError) as error:
            answer = {"error": f"{error}"}
        if answer is not None:
            channel.say(answer)

    def _do_start(self, _channel: Channel, request: dict[str, Any]) -> dict[str, Any]:
        config = request["container"]
        container = Container(self._pod, self._cgroups, self.loop, config, self._changed)
        if container.key not in self._containers:
            if self._stopping:
                return {"error": "the pod is being removed"}
            self._containers[container.key] = container
            container.start()
        return {"ok": True}

    def _do_signal(self, _channel: Channel, request: dict[str, Any]) -> dict[str, Any]:
        if (container := self._newest(request["container"])) is not None:
            container.signal(request["signal"])
        return {"ok": True}

    def _do_watch(self, channel: Channel, _request: dict[str, Any]) -> dict[str, Any]:
        """The state is told before the answer: whoever has the answer knows the state."""
        self._watchers[channel] = True
        channel.drained = lambda: self._tell(channel)
        self._tell(channel)
        return {"ok": True}

    def _do_exec(self, channel: Channel, request: dict[str, Any]) -> dict[str, Any] | None:
        container = self._newest(request["container"])
        if container is None or not container.running:
            return {"error": f"container {request['container']} is not running"}

        execution = Execution(self.loop, channel, request, container)
        channel.say({"ok": True})
        self._executions[channel] = execution
        return None

    def _do_stop(self, channel: Channel, _request: dict[str, Any]) -> dict[str, Any] | None:
        """End all containers, remove their groups, answer, and end."""
        self._stopping.append(channel)
        for container in self._containers.values():
            container.signal(9)
        self._stop_when_empty()
        return None

    def _stop_when_empty(self) -> None:
        if self._stopping and all(container.over and container.holder is None for container in self._containers.values()):
            self._cgroups.remove(self._pod.containers_group)
            for channel in list(self._stopping):
                channel.say({"ok": True})
            self.loop.stop()

    def _newest(self, name: str) -> Container | None:
        starts = [container for container in self._containers.values() if container.config["name"] == name]
        return max(starts, key=lambda container: container.config["attempt"], default=None)

    def _child_ended(self, pid: int, code: int) -> None:
        for container in self._containers.values():
            if container.child_ended(pid, code):
                break
        else:
            any(execution.child_ended(pid, code) for execution in list(self._executions.values()))
            self._forget_executions()
        self._stop_when_empty()

    def _forget_executions(self) -> None:
        for channel, execution in list(self._executions.items()):
            if execution.over and not channel.open:
                del self._executions[channel]

    def _changed(self) -> None:
        for channel in list(self._watchers):
            self._watchers[channel] = True
            self._tell(channel)
        self._stop_when_empty()

    def _tell(self, channel: Channel) -> None:
        if self._watchers.get(channel) and channel.idle:
            self._watchers[channel] = False
            channel.say({"containers": [container.state for container in self._containers.values()]})


def listen(directory: str) -> socket.socket:
    """The pod's control socket, ``control`` in its directory, reached over /proc: a socket's path may have 107 bytes only."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            os.unlink(os.path.join(directory, "control"))
        except FileNotFoundError:
            pass
        listener.bind(f"/proc/self/fd/{fd}/control")
        listener.listen(16)
        listener.setblocking(False)
        return listener
    finally:
        os.close(fd)
