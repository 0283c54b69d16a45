"""How a supervisor comes to life: detach, groups, namespaces, network, record, socket, and one line to whoever started it."""

from __future__ import annotations

import fcntl
import gc
import os
import signal
import socket
import time

from boatyard.node.cgroups import detect
from boatyard.node.supervisor import identity, linux, records
from boatyard.node.supervisor.pod import Pod
from boatyard.node.supervisor.supervise import Supervisor, listen

TYPE_CHECKING = False  # typing itself would cost 10 ms
if TYPE_CHECKING:
    from typing import NoReturn


def main() -> None:
    """Fork a supervisor for every packet on stdin, a machine directory with the descriptor to report to; end with the sender."""
    channel = socket.socket(fileno=0)
    gc.freeze()
    while True:
        directory, fds, _, _ = socket.recv_fds(channel, 65536, 1)
        if not directory:
            os._exit(0)
        report = fds[0]
        child = os.fork()
        if child == 0:
            if os.fork():
                os._exit(0)
            os.setsid()
            for fd in (0, 1, 2):
                os.dup2(report, fd)
            os.close(report)
            supervise(os.fsdecode(directory))
        os.close(report)
        os.waitpid(child, 0)


def supervise(directory: str) -> NoReturn:
    """Say ``ready`` (also when another supervisor of this pod runs) or ``error TEXT`` on stdout, then work until stopped."""
    linux.rename_process(directory)
    try:
        if not _alone(directory):
            _say("ready")
            os._exit(0)
        supervisor = _prepare(directory)
    except Exception as error:
        _say(f"error {error}")
        os._exit(1)
    _say("ready")
    _let_go_of_terminal()
    supervisor.run()
    os._exit(0)


def _alone(directory: str) -> bool:
    """Whether this is the pod's one supervisor; when another is on its way, wait until it is ready or gone."""
    lock = os.open(os.path.join(directory, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    while not os.path.exists(os.path.join(directory, "supervisor.json")):
        try:
            # Of this process alone: children don't inherit it, and the kernel drops it with the process.
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError:
            time.sleep(0.01)
    return False


def _prepare(directory: str) -> Supervisor:
    record = records.read(os.path.join(directory, "pod.json"))
    if record is None:
        raise OSError(f"{directory}/pod.json is missing")
    pod = Pod(directory, record)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_IGN)
    os.umask(0o077)
    os.chdir("/")
    linux.adopt_orphans()
    groups = detect.restore(pod.cgroups)
    groups.create(pod.supervisor_group, {})
    groups.join(pod.supervisor_group)
    groups.create(pod.containers_group, {"memory_bytes": pod.memory_bytes})
    os.makedirs(os.path.join(directory, "containers"), exist_ok=True)
    if pod.isolation == "root":
        linux.unshare(linux.CLONE_NEWUTS | linux.CLONE_NEWIPC)
        if pod.hostname:
            socket.sethostname(pod.hostname)
    if pod.network is not None:
        from boatyard.node.network import pod_link

        pod_link.attach(pod.network)
    listener = listen(directory)
    supervisor = Supervisor(pod, groups, listener)
    records.write(os.path.join(directory, "supervisor.json"), identity.identity(os.getpid()), durable=True)
    return supervisor


def _say(text: str) -> None:
    try:
        os.write(1, text.replace("\n", " ").encode() + b"\n")
    except OSError:
        pass  # whoever started us is dead; the next agent will find us


def _let_go_of_terminal() -> None:
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.close(null)
