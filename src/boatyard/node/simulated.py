"""A machine that isn't there: containers that follow a script, in whatever time the world has. For simulations and tests.

Nothing runs by itself: what a container has become is worked out from the clock whenever somebody looks, so a crash of the agent
doesn't touch it, and thousands of pods cost nothing while they wait.
"""

from __future__ import annotations

import heapq
import signal as signals
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import msgspec

from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.timestamps import rfc3339_micro
from boatyard.machinery.runtime.world import World
from boatyard.node.pods.alarm import Alarm
from boatyard.node.probes.actions import Outcome, Target
from boatyard.node.runtime import ContainerConfig, ContainerState, ExecStream, MachineError, PodConfig, PodState, ServiceRoute


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """What one start of a container does. All times are seconds after its start."""

    seconds: float | None = 0.0
    """How long it runs; None: until it is signalled, or :meth:`FakeRuntime.finish` ends it."""
    exit_code: int = 0
    reason: str = ""
    """Empty: Completed or Error, by the exit code."""
    message: str = ""
    """Its termination message."""
    logs: tuple[tuple[float, str], ...] = ()
    """(when, a line of stdout)."""
    term_seconds: float | None = 0.0
    """How long it takes to end after SIGTERM; None: it ignores it."""
    term_exit_code: int = 143
    refused: str = ""
    """Why the machine can't start it at all."""
    ready_after: float = 0.0
    """From when on its probes succeed."""
    ready_until: float | None = None


Scripts = Callable[[PodConfig, ContainerConfig], Script]
Commands = Callable[[PodConfig, str, tuple[str, ...]], tuple[int, bytes, bytes]]


class LogLine(NamedTuple):
    """One line that a container wrote."""

    time: float
    text: str


@dataclass(slots=True)
class _Container:
    config: ContainerConfig
    script: Script
    started: float
    ends: float | None
    exit_code: int
    reason: str
    message: str
    flushed: int = 0

    def state(self, now: float) -> ContainerState:
        name, attempt = self.config.name, self.config.attempt
        if self.ends is None or now < self.ends:
            return ContainerState(name, attempt, "running", pid=1, started=self.started)
        reason = self.reason or ("Completed" if self.exit_code == 0 else "Error")
        return ContainerState(
            name, attempt, "exited", started=self.started, finished=self.ends, exit_code=self.exit_code, reason=reason,
            message=self.message[-4096:],
        )  # fmt: skip

    def lines(self, now: float) -> list[LogLine]:
        until = now if self.ends is None else min(now, self.ends)
        return [LogLine(self.started + at, text) for at, text in self.script.logs if self.started + at <= until]


@dataclass(slots=True)
class _Pod:
    config: PodConfig
    ip: str
    alive: bool = True
    containers: dict[tuple[str, int], _Container] = field(default_factory=dict)

    def current(self, name: str) -> _Container | None:
        return max((c for (n, _), c in self.containers.items() if n == name), key=lambda c: c.config.attempt, default=None)


class FakeRuntime:
    """A :class:`boatyard.node.runtime.NodeRuntime` over scripts. ``write_logs`` false keeps logs in memory only (:meth:`logs`)."""

    def __init__(
        self, world: World, scripts: Scripts | None = None, *, commands: Commands | None = None, write_logs: bool = True
    ) -> None:
        self._world, self._write_logs = world, write_logs
        self.scripts: Scripts = scripts or (lambda pod, container: Script())
        self.commands: Commands = commands or (lambda pod, container, argv: (0, b"", b""))
        self.services: tuple[ServiceRoute, ...] = ()
        self._pods: dict[str, _Pod] = {}
        self._addresses = 1
        self._due: list[tuple[float, str]] = []
        self._news: dict[str, None] = {}
        self._alarm = Alarm()

    async def start_pod(self, config: PodConfig) -> PodState:
        pod = self._pods.get(config.uid)
        if pod is None or not pod.alive:
            self._addresses += 1
            number = self._addresses
            ip = "127.0.0.1" if config.host_network else f"10.231.{number // 250 % 250}.{number % 250 + 2}"
            pod = self._pods[config.uid] = _Pod(config, ip)
        return self._state(pod)

    async def start_container(self, pod_uid: str, config: ContainerConfig) -> None:
        pod = self._pods.get(pod_uid)
        if pod is None or not pod.alive:
            raise MachineError(f"pod {pod_uid} has no supervisor")
        if (config.name, config.attempt) in pod.containers:
            return
        script = self.scripts(pod.config, config)
        if script.refused:
            raise MachineError(script.refused)
        now = self._world.now()
        ends = now + script.seconds if script.seconds is not None else None
        pod.containers[config.name, config.attempt] = _Container(
            config, script, now, ends, script.exit_code, script.reason, script.message
        )
        if self._write_logs:
            Path(config.log_path).parent.mkdir(parents=True, exist_ok=True)
            Path(config.log_path).touch()
            for at, _ in script.logs:
                self._plan(now + at, pod_uid)
        self._plan(ends, pod_uid)
        self._tell(pod_uid)

    async def signal(self, pod_uid: str, container: str, signal: int) -> None:
        pod, now = self._pods.get(pod_uid), self._world.now()
        current = pod.current(container) if pod is not None and pod.alive else None
        if current is None or current.state(now).state == "exited":
            return
        if signal == signals.SIGKILL:
            self._end(pod_uid, current, now, 137)
        elif signal == signals.SIGTERM and current.script.term_seconds is not None:
            ends = now + current.script.term_seconds
            if current.ends is None or ends < current.ends:
                self._end(pod_uid, current, ends, current.script.term_exit_code)

    async def state(self, pod_uid: str) -> PodState | None:
        pod = self._pods.get(pod_uid)
        return self._state(pod) if pod is not None else None

    async def pods(self) -> list[PodState]:
        return [self._state(pod) for pod in self._pods.values()]

    async def changes(self) -> AsyncGenerator[str]:
        while True:
            now = self._world.now()
            while self._due and self._due[0][0] <= now:
                self._news[heapq.heappop(self._due)[1]] = None
            while self._news:
                uid = next(iter(self._news))
                del self._news[uid]
                if uid in self._pods:
                    self._flush(self._pods[uid])
                yield uid
            if not (self._due and self._due[0][0] <= self._world.now()):
                await self._alarm.wait(self._due[0][0] - self._world.now() if self._due else None)

    async def exec(self, pod_uid: str, container: str, argv: tuple[str, ...], *, tty: bool, stdin: bool) -> ExecStream:
        pod = self._pods.get(pod_uid)
        current = pod.current(container) if pod is not None and pod.alive else None
        if pod is None or current is None or current.state(self._world.now()).state != "running":
            raise MachineError(f"container {container} is not running")
        return _FakeExec(*self.commands(pod.config, container, argv))

    async def set_services(self, services: Sequence[ServiceRoute]) -> None:
        self.services = tuple(services)

    async def remove_pod(self, pod_uid: str) -> None:
        if self._pods.pop(pod_uid, None) is not None:
            self._tell(pod_uid)

    def finish(self, pod_uid: str, container: str, exit_code: int = 0, *, reason: str = "", message: str = "") -> None:
        """End a running container now, by itself."""
        current = self._pods[pod_uid].current(container)
        if current is None:
            raise KeyError(container)
        current.reason, current.message = reason, message or current.message
        self._end(pod_uid, current, self._world.now(), exit_code)

    def lose(self, pod_uid: str) -> None:
        """Kill the pod's supervisor and everything it held."""
        pod = self._pods[pod_uid]
        for current in pod.containers.values():
            self._flush(pod)
            if current.state(self._world.now()).state == "running":
                current.ends = None
        pod.alive = False
        self._tell(pod_uid)

    def reboot(self) -> None:
        """Lose every pod at once, as a machine that restarts does."""
        for uid in self._pods:
            self.lose(uid)

    def logs(self, pod_uid: str, container: str, attempt: int | None = None) -> list[LogLine]:
        """What a container has written so far; of its newest start unless ``attempt`` is given."""
        pod = self._pods.get(pod_uid)
        if pod is None:
            return []
        found = pod.current(container) if attempt is None else pod.containers.get((container, attempt))
        return found.lines(self._world.now()) if found is not None else []

    def config(self, pod_uid: str, container: str) -> ContainerConfig | None:
        """What the newest start of a container was asked with."""
        pod = self._pods.get(pod_uid)
        current = pod.current(container) if pod is not None else None
        return current.config if current is not None else None

    def answers_probe(self, target: Target) -> bool:
        """Whether the container is in the part of its life in which its probes succeed."""
        pod = self._pods.get(target.pod_uid)
        current = pod.current(target.container["name"]) if pod is not None else None
        if current is None or current.state(self._world.now()).state != "running":
            return False
        age, until = self._world.now() - current.started, current.script.ready_until
        return age >= current.script.ready_after and (until is None or age < until)

    def _state(self, pod: _Pod) -> PodState:
        now = self._world.now()
        self._flush(pod)
        containers = tuple(current.state(now) for current in pod.containers.values())
        return PodState(pod.config, pod.alive, pod.ip, pod.config.host_network, containers)

    def _end(self, pod_uid: str, current: _Container, at: float, exit_code: int) -> None:
        current.ends, current.exit_code = at, exit_code
        self._plan(at, pod_uid)
        self._tell(pod_uid)

    def _plan(self, at: float | None, pod_uid: str) -> None:
        if at is not None:
            heapq.heappush(self._due, (at, pod_uid))

    def _tell(self, pod_uid: str) -> None:
        self._news[pod_uid] = None
        self._alarm.ring()

    def _flush(self, pod: _Pod) -> None:
        if not self._write_logs or not pod.alive:
            return
        for current in pod.containers.values():
            lines = current.lines(self._world.now())[current.flushed :]
            if lines:
                with Path(current.config.log_path).open("a") as log:
                    log.writelines(f"{rfc3339_micro(line.time)[:-1]}000Z stdout F {line.text}\n" for line in lines)
                current.flushed += len(lines)


class _FakeExec:
    """A command that has already said all it has to say."""

    def __init__(self, code: int, stdout: bytes, stderr: bytes) -> None:
        self._code, self._said = code, [(1, stdout), (2, stderr)]

    async def output(self) -> AsyncGenerator[tuple[int, bytes]]:
        for stream, data in self._said:
            if data:
                yield stream, data

    async def write(self, data: bytes) -> None:
        pass

    async def close_stdin(self) -> None:
        pass

    async def resize(self, columns: int, rows: int) -> None:
        pass

    async def wait(self) -> int:
        return self._code

    async def kill(self) -> None:
        pass


class FakeActions:
    """Probes and hooks against a :class:`FakeRuntime`: its commands and scripts answer."""

    def __init__(self, runtime: FakeRuntime, world: World) -> None:
        self._runtime, self._world = runtime, world

    async def act(self, target: Target, handler: Object, timeout_seconds: float) -> Outcome:
        if handler.get("sleep") is not None:
            await self._world.sleep(min(handler["sleep"].get("seconds") or 0, timeout_seconds))
            return Outcome(True)
        if handler.get("exec") is not None:
            try:
                stream = await self._runtime.exec(
                    target.pod_uid, target.container["name"], tuple(handler["exec"].get("command") or ()), tty=False, stdin=False
                )
            except MachineError as error:
                return Outcome(False, str(error))
            code = await stream.wait()
            return Outcome(code == 0 and self._runtime.answers_probe(target), f"command exited with {code}")
        ok = self._runtime.answers_probe(target)
        return Outcome(ok, "" if ok else "connection refused")
