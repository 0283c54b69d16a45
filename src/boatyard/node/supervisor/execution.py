"""A command run beside a container's program: same namespaces, groups and user; its streams are one connection of the agent."""

from __future__ import annotations

import contextlib
import os
import signal

from boatyard.node.supervisor import frames
from boatyard.node.supervisor.channel import Channel
from boatyard.node.supervisor.container import DRAIN_SECONDS, Container
from boatyard.node.supervisor.loop import READ, WRITE, Loop
from boatyard.node.supervisor.spawn import spawn
from boatyard.node.supervisor.terminal import resize

TYPE_CHECKING = False  # typing itself would cost a supervisor 10 ms at its start
if TYPE_CHECKING:
    from typing import Any


class Execution:
    """Ends when the command has ended and its output is sent; a connection that breaks ends the command."""

    def __init__(self, loop: Loop, channel: Channel, request: dict[str, Any], container: Container) -> None:
        """Starts it; raises SpawnError."""
        self._loop, self._channel = loop, channel
        self._outputs: dict[int, int] = {}
        self._stdin, self._terminal = -1, -1
        self._pending = bytearray()
        self._stdin_ends = False
        self._code: int | None = None
        if request["tty"]:
            ours, theirs = container.open_terminal()
            inside = (theirs, theirs, theirs)
            self._outputs = {ours: frames.STDOUT}
            self._terminal = ours
            self._stdin = os.dup(ours)
        else:
            null_or_pipe, self._stdin = os.pipe2(os.O_CLOEXEC) if request["stdin"] else (os.open("/dev/null", os.O_RDONLY), -1)
            out, out_inside = os.pipe2(os.O_CLOEXEC)
            err, err_inside = os.pipe2(os.O_CLOEXEC)
            inside = (null_or_pipe, out_inside, err_inside)
            self._outputs = {out: frames.STDOUT, err: frames.STDERR}
        try:
            self.pid = spawn(container.beside(request["argv"], inside, tty=request["tty"]))
        except BaseException:
            for fd in (*self._outputs, *([self._stdin] if self._stdin >= 0 else [])):
                os.close(fd)
            raise
        finally:
            for fd in {*inside}:
                os.close(fd)
        for fd in self._outputs:
            os.set_blocking(fd, False)
            loop.watch(fd, READ, lambda _events, fd=fd: self._read(fd))
        if self._stdin >= 0:
            os.set_blocking(self._stdin, False)
        channel.drained = self._resume

    def receive(self, kind: int, payload: bytes, request: dict[str, Any] | None) -> None:
        """A frame of the agent: input, or {"op": "resize"} or {"op": "kill"}."""
        if kind == frames.STDIN:
            self._stdin_ends = self._stdin_ends or not payload
            self._pending += payload
            self._write()
        elif request is not None and request["op"] == "resize" and self._terminal >= 0:
            with contextlib.suppress(OSError):
                resize(self._terminal, request["columns"], request["rows"])
        elif request is not None and request["op"] == "kill":
            self.kill()

    @property
    def over(self) -> bool:
        return self._code is not None

    def kill(self) -> None:
        if self._code is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                # Its session: the command and what it runs in the foreground.
                os.killpg(self.pid, signal.SIGKILL)

    def child_ended(self, pid: int, code: int) -> bool:
        if pid != self.pid or self._code is not None:
            return False
        self._code = code
        self._close_stdin()
        if self._outputs:
            self._loop.later(DRAIN_SECONDS, self._give_up_draining)
        else:
            self._report()
        return True

    def _read(self, fd: int) -> None:
        if self._channel.full:
            self._loop.change(fd, 0)
            return
        try:
            data = os.read(fd, 65536)
        except BlockingIOError:
            return
        except OSError:  # a terminal whose other side is gone
            data = b""
        if data:
            self._channel.send(self._outputs[fd], data)
        else:
            self._close_output(fd)

    def _resume(self) -> None:
        for fd in self._outputs:
            self._loop.change(fd, READ)

    def _close_output(self, fd: int) -> None:
        self._loop.forget(fd)
        os.close(fd)
        del self._outputs[fd]
        if fd == self._terminal:
            self._terminal = -1
        if not self._outputs and self._code is not None:
            self._report()

    def _give_up_draining(self) -> None:
        for fd in list(self._outputs):
            self._close_output(fd)

    def _write(self, _events: int = 0) -> None:
        if self._stdin < 0:
            self._close_stdin()
            return
        try:
            while self._pending:
                sent = os.write(self._stdin, self._pending[:65536])
                del self._pending[:sent]
                self._channel.say({"consumed": sent})
        except BlockingIOError:
            self._loop.forget(self._stdin)
            self._loop.watch(self._stdin, WRITE, self._write)
            return
        except OSError:
            self._close_stdin()
            return
        self._loop.forget(self._stdin)
        if self._stdin_ends:
            if self._terminal >= 0:
                with contextlib.suppress(OSError):
                    os.write(self._stdin, b"\x04")
            self._close_stdin()

    def _close_stdin(self) -> None:
        if self._stdin >= 0:
            self._loop.forget(self._stdin)
            os.close(self._stdin)
            self._stdin = -1
        if self._pending:
            self._channel.say({"consumed": len(self._pending)})
            self._pending.clear()

    def _report(self) -> None:
        self._channel.say({"exit_code": self._code})
