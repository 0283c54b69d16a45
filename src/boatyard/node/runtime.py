"""The port between the agent's logic and the machine: what it takes to run containers, whatever isolates them.

One supervisor process per pod holds everything that must outlive the agent (pipes, log files, namespaces, cgroups, exit codes on
disk). A :class:`NodeRuntime` talks to supervisors; an agent that restarts finds them again with :meth:`NodeRuntime.pods`. The
implementation for this machine is ``machine.MachineRuntime``; a simulation has one of its own.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Literal, Protocol

import msgspec


class Mount(msgspec.Struct, frozen=True):
    """A directory or file of the host that a container sees."""

    source: str
    target: str
    read_only: bool = False


class Limits(msgspec.Struct, frozen=True):
    """What a container may use; None means no limit."""

    memory_bytes: int | None = None
    cpu_millis: int | None = None
    """Thousandths of a core, over 100 ms periods."""
    cpu_request_millis: int | None = None
    """Becomes the relative weight."""
    pids: int | None = None


class PodConfig(msgspec.Struct, frozen=True):
    """What all containers of a pod share. Written once, when the pod's supervisor starts."""

    uid: str
    name: str
    namespace: str
    hostname: str
    host_network: bool
    sandbox: str
    """A name of `sandboxes/`; one that doesn't work on this machine is a :class:`MachineError`."""
    memory_bytes: int | None = None
    """Limit over all containers together, if every container has one."""
    volumes: tuple[str, ...] = ()
    """Directories of the host that belong to the pod's user (made writable for it)."""
    dns_search: tuple[str, ...] = ()


class ContainerConfig(msgspec.Struct, frozen=True):
    """One start of one container."""

    name: str
    attempt: int
    """0 for the first start, then counting restarts."""
    image: str
    argv: tuple[str, ...]
    """Empty: the image's own command, which only the built-in images of `images.py` may lack (an error then)."""
    env: dict[str, str]
    cwd: str
    mounts: tuple[Mount, ...]
    limits: Limits
    log_path: str
    """File that gets the output, CRI format: ``<RFC 3339 nano> stdout|stderr F|P <text>``."""
    termination_message_path: str
    """Path inside the container; the supervisor keeps its last 4096 bytes with the exit code."""
    run_as_user: int | None = None
    read_only_root: bool = False
    tty: bool = False
    stdin: bool = False
    termination_message_from_log: bool = False
    """Take the end of the log where a container that failed left no message (FallbackToLogsOnError)."""


class ContainerState(msgspec.Struct, frozen=True):
    """What is known of one start of one container; an exited one stays known until its pod is removed."""

    name: str
    attempt: int
    state: Literal["starting", "running", "exited"]
    pid: int = 0
    started: float = 0.0
    """Seconds since the epoch."""
    finished: float = 0.0
    exit_code: int = 0
    """128 + signal when a signal ended it."""
    reason: str = ""
    """OOMKilled, Error, Completed, ContainerCannotRun, …"""
    message: str = ""
    """The termination message, or why it could not run."""
    log_lost_bytes: int = 0
    """Output that was drained but not written, because the log reached its cap or the disk was full."""


class PodState(msgspec.Struct, frozen=True):
    """A pod as its supervisor knows it."""

    config: PodConfig
    alive: bool
    """False when the supervisor died without ending its containers in order: an infrastructure loss."""
    ip: str
    host_network: bool
    """What the pod really has, which may differ from what was asked where the machine can't give a network namespace."""
    containers: tuple[ContainerState, ...]


class ServicePort(msgspec.Struct, frozen=True):
    """One port of a service and where it leads."""

    port: int
    protocol: Literal["TCP", "UDP"] = "TCP"
    endpoints: tuple[tuple[str, int], ...] = ()
    """(address, port) of every ready endpoint; none: connections are refused."""


class ServiceRoute(msgspec.Struct, frozen=True):
    """A service as pods see it: a name and, unless it is headless, an address of its own."""

    namespace: str
    name: str
    cluster_ip: str = ""
    """Empty for a headless service: its name then answers with the endpoints' addresses."""
    addresses: tuple[str, ...] = ()
    """Addresses of the ready endpoints."""
    ports: tuple[ServicePort, ...] = ()


class Capabilities(msgspec.Struct, frozen=True):
    """What this machine can really do, for node conditions and for `doctor`."""

    sandboxes: tuple[str, ...]
    """Those that work here, the best first."""
    isolation: Literal["root", "user", "none"]
    """Of the `process` sandbox: private namespaces with a subordinate uid, a user namespace, or nothing but a process tree."""
    limits: tuple[str, ...]
    """Which of memory, cpu, pids are enforced."""
    network: bool
    """Whether pods can have addresses of their own; otherwise every pod is hostNetwork."""
    advice: tuple[str, ...] = ()
    """Why something of the above is missing and what would help, a sentence each."""


class MachineError(Exception):
    """The machine could not do what was asked; the message says what and why."""


class ExecStream(Protocol):
    """A command started in a container."""

    def output(self) -> AsyncGenerator[tuple[int, bytes]]:
        """(1 for stdout or 2 for stderr, bytes) until the command has closed both."""
        ...

    async def write(self, data: bytes) -> None:
        """To its stdin; waits while the pipe is full."""
        ...

    async def close_stdin(self) -> None: ...

    async def resize(self, columns: int, rows: int) -> None:
        """Of its terminal, if it has one."""
        ...

    async def wait(self) -> int:
        """Its exit code."""
        ...

    async def kill(self) -> None: ...


class NodeRuntime(Protocol):
    """Pods and containers on one machine. Every method may be called again after a crash with the same arguments."""

    async def start_pod(self, config: PodConfig) -> PodState:
        """Start the pod's supervisor and network; returns the one that runs already, if so."""
        ...

    async def start_container(self, pod_uid: str, config: ContainerConfig) -> None:
        """Start a container once per (name, attempt); a start that was made already is not made again."""
        ...

    async def signal(self, pod_uid: str, container: str, signal: int) -> None:
        """Send a signal to the container's first process (9 ends every process in it). One that isn't running is no error."""
        ...

    async def state(self, pod_uid: str) -> PodState | None:
        """What is known of the pod, from files and the supervisor; None when nothing of it is here."""
        ...

    async def pods(self) -> list[PodState]:
        """Every pod that left anything on this machine, for adoption and clean-up."""
        ...

    def changes(self) -> AsyncGenerator[str]:
        """The uid of a pod whenever something of it changed (an exit, a start, a supervisor's death). May repeat, never misses."""
        ...

    async def exec(self, pod_uid: str, container: str, argv: tuple[str, ...], *, tty: bool, stdin: bool) -> ExecStream:
        """Run a command in a running container, with its view of files, its limits and its user."""
        ...

    async def set_services(self, services: Sequence[ServiceRoute]) -> None:
        """Replace the table behind cluster addresses and service names. Says nothing and does nothing without a pod network."""
        ...

    async def remove_pod(self, pod_uid: str) -> None:
        """End every process of the pod and remove namespaces, cgroups, links, mounts and the supervisor's files. Idempotent."""
        ...
