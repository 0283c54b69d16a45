"""Runs pods on this machine: the implementation of :class:`runtime.NodeRuntime` over supervisors, sandboxes, groups and network.

Everything it knows it finds again in files: `pods/UID/machine/` below its directory. Names of groups and links are derived from
that directory, so several nodes may live on one machine.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import shutil
import signal
import struct
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from boatyard.machinery.runtime.tasks import TaskGroup
from boatyard.machinery.runtime.world import World
from boatyard.node.cgroups import detect
from boatyard.node.images import BuiltInImages
from boatyard.node.network.pod_network import NoNetwork, PodNetwork
from boatyard.node.runtime import (
    Capabilities,
    ContainerConfig,
    ContainerState,
    ExecStream,
    MachineError,
    PodConfig,
    PodState,
    ServiceRoute,
)
from boatyard.node.subordinate import SubordinateUsers
from boatyard.node.supervisor import identity, order, plain, records
from boatyard.node.supervisor.launch import Launcher, survey
from boatyard.node.supervisor.link import Command, Link, connect
from boatyard.node.supervisor.order import Order

LOG_LIMIT_BYTES = 1024**3
STOP_SECONDS = 10.0


class _Pod:
    """What the agent holds of a pod in memory; made again from files after a restart."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.lock = asyncio.Lock()
        self.order: Order | None = None
        self.link: Link | None = None


class MachineRuntime:
    """See :class:`runtime.NodeRuntime`. Use it as ``async with MachineRuntime(...) as runtime``: entering adopts what runs already.

    Leaving ends nothing: pods live on.
    """

    def __init__(
        self,
        directory: Path,
        world: World,
        *,
        network: PodNetwork | None = None,
        default_sandbox: str = "",
        log_limit_bytes: int = LOG_LIMIT_BYTES,
    ) -> None:
        """``directory``: the node's, kept between starts. ``network``: None: every pod is hostNetwork. ``default_sandbox``: for
        pods that name none; empty: the best that works. ``log_limit_bytes``: of one container start; what exceeds it is counted."""
        self._directory = directory.resolve()
        self._world = world
        self._network = network or NoNetwork()
        self._default_sandbox = default_sandbox
        self._log_limit_bytes = log_limit_bytes
        self._name = "boatyard-" + machine_id(self._directory)
        self._cgroups, self._cgroups_advice = detect.detect(self._name)
        self._images = BuiltInImages(self._directory / "images")
        self._users = SubordinateUsers(self._directory)
        self._pods: dict[str, _Pod] = {}
        self._listeners: list[_Changes] = []
        self._tasks = TaskGroup()
        self._launcher = Launcher()
        self._capabilities: Capabilities | None = None

    @property
    def capabilities(self) -> Capabilities:
        """What this machine can do; the sandboxes are tried at the first question."""
        if self._capabilities is None:
            found = survey()
            advice = (*found["advice"], *([self._cgroups_advice] if self._cgroups_advice else []), *self._network.advice)
            sandboxes = tuple(found["sandboxes"])
            self._capabilities = Capabilities(sandboxes, found["isolation"], self._cgroups.enforced, self._network.works, advice)
        return self._capabilities

    async def __aenter__(self) -> MachineRuntime:
        self._directory.mkdir(parents=True, exist_ok=True)
        (self._directory / "pods").mkdir(exist_ok=True)
        self._images.prepare()
        self._launcher.start()
        await self._tasks.__aenter__()
        for directory in sorted(self._directory.glob("pods/*/machine")):
            await self._adopt(directory.parent.name)
        known = [pod.order.network for pod in self._pods.values() if pod.order is not None and pod.order.network is not None]
        await self._network.start(self._tasks, known)
        return self

    async def __aexit__(self, *failure: Any) -> None:
        self._tasks.cancel()
        self._launcher.close()
        for pod in self._pods.values():
            if pod.link is not None:
                pod.link.close()
        await self._network.stop()
        await self._tasks.__aexit__(None, None, None)

    async def _adopt(self, uid: str) -> None:
        directory = self._machine_directory(uid)
        found = order.read(directory)
        if found is None:
            # Nothing was started yet: the order comes before the supervisor.
            _remove_tree(directory)
            return
        pod = _Pod(directory)
        pod.order = found
        self._pods[uid] = pod
        if found.uid is not None:
            self._users.taken(found.uid)
        if self._started(pod):
            await self._tie(uid, pod)

    # -- pods

    async def start_pod(self, config: PodConfig) -> PodState:
        pod = self._pods.setdefault(config.uid, _Pod(self._machine_directory(config.uid)))
        async with pod.lock:
            if pod.order is None:
                pod.order = self._write_order(pod.directory, config)
            if not self._started(pod):
                await self._launcher.launch(pod.directory)
            if pod.link is None:
                await self._tie(config.uid, pod)
            return self._state(pod)

    def _write_order(self, directory: Path, config: PodConfig) -> Order:
        sandbox = config.sandbox or self._default_sandbox or self.capabilities.sandboxes[0]
        if sandbox not in self.capabilities.sandboxes:
            why = "; ".join(self.capabilities.advice)
            raise MachineError(f"sandbox {sandbox} doesn't work on this node" + (f": {why}" if why else ""))
        isolation = self.capabilities.isolation if sandbox == "process" else "root" if os.getuid() == 0 else "user"
        uid = self._users.allocate(config.volumes) if isolation == "root" else None
        network = None
        if not config.host_network and isolation == "root" and sandbox != "process":
            network = self._network.allocate(config.uid)
        config = msgspec.structs.replace(config, sandbox=sandbox)
        made = Order(config, isolation, uid, network, self._cgroups.record(), f"pod-{config.uid}", self._log_limit_bytes)
        directory.mkdir(parents=True, exist_ok=True)
        if uid is not None:
            self._users.own(config.volumes, uid)
        order.write(directory, made, self._network.nameserver if network else "")
        return made

    async def state(self, pod_uid: str) -> PodState | None:
        pod = self._pods.get(pod_uid)
        return self._state(pod) if pod is not None and pod.order is not None else None

    async def pods(self) -> list[PodState]:
        return [self._state(pod) for _, pod in sorted(self._pods.items()) if pod.order is not None]

    async def changes(self) -> AsyncGenerator[str]:
        changes = _Changes(sorted(self._pods))
        self._listeners.append(changes)
        try:
            while True:
                yield await changes.next()
        finally:
            self._listeners.remove(changes)

    async def set_services(self, services: Sequence[ServiceRoute]) -> None:
        await self._network.set_services(services)

    async def remove_pod(self, pod_uid: str) -> None:
        pod = self._pods.get(pod_uid)
        if pod is None:
            return
        async with pod.lock:
            if pod.link is not None and not pod.link.ended:
                with suppress(MachineError, TimeoutError):
                    async with asyncio.timeout(STOP_SECONDS):
                        await pod.link.ask({"op": "stop"})
            pod.directory.mkdir(parents=True, exist_ok=True)
            lock = await self._end_supervisor(pod)
            self._clean(pod_uid)
            if pod.order is not None:
                if pod.order.network is not None:
                    self._network.release(pod.order.network)
                if pod.order.uid is not None:
                    self._users.free(pod.order.uid)
            _remove_tree(pod.directory)
            os.close(lock)
            self._pods.pop(pod_uid, None)
        self._announce(pod_uid)

    # -- containers

    async def start_container(self, pod_uid: str, config: ContainerConfig) -> None:
        pod = self._living(pod_uid)
        assert pod.order is not None and pod.link is not None
        mounted = pod.order.isolation != "none"
        image = self._images.image(config.image, mounted=mounted)
        if not config.argv:
            raise MachineError(f"image {config.image} has no command of its own; the container must name one")
        config = msgspec.structs.replace(config, mounts=(*image.mounts, *config.mounts), env={**image.env, **config.env})
        await pod.link.ask({"op": "start", "container": msgspec.to_builtins(config)})

    async def signal(self, pod_uid: str, container: str, signal: int) -> None:
        pod = self._pods.get(pod_uid)
        if pod is not None and pod.link is not None and not pod.link.ended:
            await pod.link.ask({"op": "signal", "container": container, "signal": signal})

    async def exec(self, pod_uid: str, container: str, argv: tuple[str, ...], *, tty: bool, stdin: bool) -> ExecStream:
        pod = self._living(pod_uid)
        return await Command.start(pod.directory, {"container": container, "argv": list(argv), "tty": tty, "stdin": stdin})

    # -- supervisors

    def _living(self, pod_uid: str) -> _Pod:
        pod = self._pods.get(pod_uid)
        if pod is None or pod.order is None:
            raise MachineError(f"pod {pod_uid} isn't on this machine")
        if pod.link is None or pod.link.ended:
            raise MachineError(f"the supervisor of pod {pod_uid} isn't running")
        return pod

    def _started(self, pod: _Pod) -> bool:
        """Whether a supervisor ever was ready. It is never started a second time: what it held is lost with it."""
        return (pod.directory / "supervisor.json").exists()

    def _alive(self, pod: _Pod) -> bool:
        return identity.alive(records.read(str(pod.directory / "supervisor.json")))

    async def _tie(self, uid: str, pod: _Pod) -> None:
        """Connect and learn the state; a supervisor that is dead is buried instead."""
        while True:
            try:
                reader, writer = await connect(pod.directory)
                break
            except OSError:
                if not self._alive(pod):
                    self._bury(uid)
                    return
                await self._world.sleep(0.02)
        link = Link(reader, writer, lambda: self._announce(uid))
        pod.link = link
        self._tasks.start(self._follow(uid, pod, link), f"supervisor of {uid}")
        with suppress(MachineError):
            await link.ask({"op": "watch"})

    async def _follow(self, uid: str, pod: _Pod, link: Link) -> None:
        await link.run()
        async with pod.lock:
            if self._pods.get(uid) is pod and pod.link is link:
                await self._tie(uid, pod)

    def _bury(self, uid: str) -> None:
        """A dead supervisor's containers die with it; make sure of those the kernel could not know of."""
        self._clean(uid)
        self._announce(uid)

    def _clean(self, uid: str) -> None:
        group = f"pod-{uid}"
        plain.kill(f"{uid}/")
        self._cgroups.kill(group)
        self._cgroups.remove(group)

    async def _end_supervisor(self, pod: _Pod) -> int:
        """Wait for its end, and help after a tenth of a second. Returns the descriptor of the pod's lock, held: none can start."""
        lock = os.open(pod.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        for attempt in range(1000):
            try:
                fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return lock
            except OSError:
                if attempt >= 20 and (pid := _holder_of(lock)) > 0:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            await self._world.sleep(0.005)
        os.close(lock)
        raise MachineError(f"supervisor {_holder_of(lock)} doesn't end")

    # -- states

    def _state(self, pod: _Pod) -> PodState:
        assert pod.order is not None
        alive = pod.link is not None and not pod.link.ended
        if alive and pod.link is not None and pod.link.containers is not None:
            containers = [msgspec.convert(state, ContainerState) for state in pod.link.containers]
        else:
            containers = [state if alive else _after_death(state) for state in _recorded(pod.directory)]
        started = self._started(pod)
        return PodState(pod.order.config, alive or not started, pod.order.address, pod.order.network is None, tuple(containers))

    def _announce(self, uid: str) -> None:
        for listener in self._listeners:
            listener.add(uid)

    def _machine_directory(self, uid: str) -> Path:
        if not uid or "/" in uid or uid.startswith("."):
            raise MachineError(f"{uid!r} is no pod's uid")
        return self._directory / "pods" / uid / "machine"


class _Changes:
    """Uids that wait to be told, each once."""

    def __init__(self, uids: Sequence[str]) -> None:
        self._uids = dict.fromkeys(uids)
        self._some = asyncio.Event()

    def add(self, uid: str) -> None:
        self._uids[uid] = None
        self._some.set()

    async def next(self) -> str:
        while not self._uids:
            self._some.clear()
            await self._some.wait()
        uid = next(iter(self._uids))
        del self._uids[uid]
        return uid


def machine_id(directory: Path) -> str:
    """Six characters that tell this node's names from those of others on the same machine."""
    return hashlib.sha256(os.fsencode(directory.resolve())).hexdigest()[:6]


def _recorded(directory: Path) -> list[ContainerState]:
    found: list[ContainerState] = []
    for path in sorted((directory / "containers").glob("*.json")):
        if (record := records.read(str(path))) is not None:
            found.append(msgspec.convert(record, ContainerState))
    return found


def _after_death(state: ContainerState) -> ContainerState:
    if state.state == "exited":
        return state
    message = "the pod's supervisor died, and the container with it"
    return msgspec.structs.replace(state, state="exited", pid=0, exit_code=137, reason="SupervisorLost", message=message)


def _holder_of(lock: int) -> int:
    """The pid of whoever holds the lock; 0 when nobody does any more (``struct flock`` of fcntl(2))."""
    question = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    kind, _, _, _, pid = struct.unpack("hhqqi4x", fcntl.fcntl(lock, fcntl.F_GETLK, question))
    return 0 if kind == fcntl.F_UNLCK else pid


def _remove_tree(directory: Path) -> None:
    """The order goes last: a removal that is interrupted is found again."""
    if not directory.exists():
        return
    for entry in sorted(directory.iterdir(), key=lambda entry: entry.name == "pod.json"):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink(missing_ok=True)
    directory.rmdir()
