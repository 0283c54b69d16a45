"""One start of one container: sandbox, program, output, end, record."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable

from boatyard.node.sandboxes import view
from boatyard.node.sandboxes.sandbox import Cell, Holder, SandboxError, find
from boatyard.node.supervisor import log, plain, records
from boatyard.node.supervisor.loop import READ, Loop
from boatyard.node.supervisor.pod import Pod
from boatyard.node.supervisor.spawn import PATH, Program, SpawnError, spawn
from boatyard.node.supervisor.terminal import open_terminal

TYPE_CHECKING = False  # typing itself would cost a supervisor 10 ms at its start
if TYPE_CHECKING:
    from typing import Any

    from boatyard.node.cgroups.port import Cgroups

MESSAGE_BYTES = 4096
CANNOT_RUN = 128
DRAIN_SECONDS = 2.0
"""How long output may still come after the end: whatever keeps a pipe open outside the sandbox must not hold the exit back."""
RETRY_SECONDS = 1.0


class Container:
    """Lives as long as its supervisor; :attr:`state` is what the agent sees and what is on disk."""

    def __init__(self, pod: Pod, cgroups: Cgroups, loop: Loop, config: dict[str, Any], changed: Callable[[], None]) -> None:
        self._pod, self._cgroups, self._loop, self._changed = pod, cgroups, loop, changed
        self.config = config
        self.key = f"{config['name']}-{config['attempt']}"
        self.group = pod.container_group(self.key)
        self.env = {"PATH": PATH, "HOSTNAME": pod.hostname, **pod.own_directories(), **config["env"]}
        self.state: dict[str, Any] = {"name": config["name"], "attempt": config["attempt"], "state": "starting"}
        self.holder: Holder | None = None
        self.pid = 0
        self._cwd = "/"
        self._translated: list[tuple[str, str, bool]] = []
        """Mounts that aren't made: see ``plain``."""
        self._record = os.path.join(pod.directory, "containers", f"{self.key}.json")
        self._termination = os.path.join(pod.directory, "containers", f"{self.key}.termination")
        self._log: log.LogFile | None = None
        self._outputs: dict[int, str] = {}
        self._stdin = -1
        self._code: int | None = None

    @property
    def running(self) -> bool:
        return self.state["state"] == "running"

    @property
    def over(self) -> bool:
        return self.state["state"] == "exited"

    def start(self) -> None:
        """Never raises: what goes wrong is the container's end."""
        self._save(durable=False)
        try:
            self._log = log.LogFile(self.config["log_path"], self._pod.log_limit_bytes)
            self._run()
            self.state.update(state="running", pid=self.pid, started=time.time())
            self._save(durable=False)
            self._changed()
        except (SandboxError, SpawnError, OSError) as error:
            self._code = CANNOT_RUN
            self.state.update(reason="ContainerCannotRun", message=str(error), started=time.time())
            self._finish()

    def _run(self) -> None:
        self._pod.check(self.config)
        with open(self._termination, "wb"):
            pass
        if self._pod.uid is not None:
            os.chown(self._termination, self._pod.uid, self._pod.uid)
        self._cgroups.create(self.group, self.config["limits"])
        argv, self._cwd = self.config["argv"], self.config["cwd"]
        mounts = [(mount["source"], mount["target"], mount["read_only"]) for mount in self.config["mounts"]]
        mounts.append((self._termination, self.config["termination_message_path"] or "/dev/termination-log", False))
        if problems := view.problems(mounts):
            raise SandboxError("; ".join(problems))
        if self._pod.isolated:
            steps = view.compose(view.host_files(), self._pod.etc_directory, mounts, read_only_root=self.config["read_only_root"])
            cell = Cell(tuple(steps), self._pod.hostname, self._pod.uid, self._pod.scratch_directory)
            self.holder = find(self._pod.sandbox).hold(cell)
        else:
            self._translated = mounts
            _, self.env, self._cwd = plain.translate([], self.env, self._cwd, mounts)
            self.env[plain.COOKIE] = f"{self._pod.pod_uid}/{self.key}"
        inside, ends = self._pipes()
        try:
            self.pid = spawn(self.beside(argv, inside, tty=self.config["tty"]))
        finally:
            for fd in {*inside}:
                os.close(fd)
        for fd, stream in ends.items():
            os.set_blocking(fd, False)
            self._outputs[fd] = stream
            self._loop.watch(fd, READ, lambda _events, fd=fd: self._read(fd))

    def join(self) -> None:
        self._cgroups.join(self.group)

    def open_terminal(self) -> tuple[int, int]:
        return open_terminal(self.holder.init if self.holder else 0, self._pod.uid)

    def beside(self, argv: list[str], streams: tuple[int, int, int], *, tty: bool) -> Program:
        """Another program in the same container."""
        env = {**self.env, "TERM": self.env.get("TERM", "xterm")} if tty else self.env
        init = self.holder.init if self.holder else 0
        argv = plain.translate(argv, {}, "", self._translated)[0]
        return Program(argv, env, self._cwd, streams, tty=tty, uid=self._pod.uid, inside=init, join=self.join)

    def _pipes(self) -> tuple[tuple[int, int, int], dict[int, str]]:
        """What the program gets as stdin, stdout, stderr, and our ends of its outputs."""
        if self.config["tty"]:
            ours, theirs = self.open_terminal()
            return (theirs, theirs, theirs), {ours: "stdout"}
        if self.config["stdin"]:
            stdin, self._stdin = os.pipe2(os.O_CLOEXEC)
        else:
            stdin = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
        out, out_inside = os.pipe2(os.O_CLOEXEC)
        err, err_inside = os.pipe2(os.O_CLOEXEC)
        return (stdin, out_inside, err_inside), {out: "stdout", err: "stderr"}

    def _read(self, fd: int) -> None:
        for _ in range(16):
            try:
                data = os.read(fd, 65536)
            except BlockingIOError:
                return
            except OSError:  # a terminal whose other side is gone
                data = b""
            if not data:
                self._close_output(fd)
                return
            if self._log is not None:
                self._log.feed(self._outputs[fd], data)
            if len(data) < 4096:
                return

    def _close_output(self, fd: int) -> None:
        self._loop.forget(fd)
        os.close(fd)
        del self._outputs[fd]
        if not self._outputs and self._code is not None and not self.over:
            self._finish()

    def signal(self, number: int) -> None:
        """To the program; 9 to everything in the container."""
        if not self.running or self._code is not None:
            return
        if number == signal.SIGKILL:
            self._end_all()
        else:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def child_ended(self, pid: int, code: int) -> bool:
        """Told of every child that ended; says whether it was one of this container's."""
        if self.holder is not None and pid == self.holder.pid:
            for fd in self.holder.fds:
                os.close(fd)
            self.holder = None
            return True
        if pid != self.pid or self.over:
            return False
        self._code = code
        self._end_all()
        if self._outputs:
            self._loop.later(DRAIN_SECONDS, self._give_up_draining)
        else:
            self._finish()
        return True

    def _end_all(self) -> None:
        if self.holder is not None and self.holder.init:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.holder.init, signal.SIGKILL)
        if not self._pod.isolated:
            if self.pid and self._code is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)
            plain.kill(f"{self._pod.pod_uid}/{self.key}")
        self._cgroups.kill(self.group)

    def _give_up_draining(self) -> None:
        for fd in list(self._outputs):
            self._read(fd)
            if fd in self._outputs:
                self._close_output(fd)

    def _finish(self) -> None:
        code = self._code or 0
        if self.holder is not None:
            self._end_all()
        if self._stdin >= 0:
            os.close(self._stdin)
            self._stdin = -1
        killed_for_memory = code != 0 and self._cgroups.out_of_memory_kills(self.group) > 0
        if self._log is not None:
            if killed_for_memory:
                limit = self._pod.memory_limit(self.config)
                self._log.note(f"the kernel killed a process because the memory limit was reached ({limit})")
            self._log.close()
        reason = "OOMKilled" if killed_for_memory else "Completed" if code == 0 else "Error"
        self.state.update(
            state="exited",
            pid=0,
            finished=time.time(),
            exit_code=code,
            reason=self.state.get("reason") or reason,
            message=self._message(code),
            log_lost_bytes=self._log.lost if self._log is not None else 0,
        )
        self._save(durable=True)
        self._cgroups.remove(self.group)
        self._changed()

    def _message(self, code: int) -> str:
        if self.state.get("message"):
            return self.state["message"]
        text = _last_bytes(self._termination, MESSAGE_BYTES)
        if not text and code != 0 and self.config["termination_message_from_log"]:
            text = log.tail(self.config["log_path"], MESSAGE_BYTES)
        return text.decode(errors="replace")

    def _save(self, *, durable: bool) -> None:
        try:
            records.write(self._record, self.state, durable=durable)
        except OSError:
            # A full disk. The truth is in memory and goes to the agent; the file follows when there is room.
            self._loop.later(RETRY_SECONDS, lambda: self._save(durable=durable))


def _last_bytes(path: str, limit: int) -> bytes:
    try:
        with open(path, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - limit))
            return file.read(limit)
    except OSError:
        return b""
