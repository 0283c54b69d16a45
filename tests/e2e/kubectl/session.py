"""The script's stories: shell commands as a user types them, run against a server, and what they said."""

from __future__ import annotations

import asyncio
import difflib
import os
import re
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from .programs import THRIFTY

STORIES = Path(__file__).parent / "script"

_DIRECTIVE = re.compile(r"# (differs|only)(?: (from|until) 1\.(\d+))?: (.+)")
_COMMAND_SECONDS = 180
"""Much more than any command takes: a busy machine is no difference between two servers."""


@dataclass
class Command:
    """One paragraph of a story: what is typed, and what is said about it in the comments above."""

    line: int
    text: str
    only: list[tuple[str, int]] = field(default_factory=list)
    """``from`` or ``until``, and a minor version: with which kubectl it can be typed."""
    differs: list[tuple[str, int]] = field(default_factory=list)
    """With which kubectl the two servers answer differently on purpose; empty: with none."""

    def typed(self, minor: int) -> bool:
        """Whether this kubectl knows the command."""
        return all(_holds(bound, minor) for bound in self.only)

    def may_differ(self, minor: int) -> bool:
        """Whether a difference is on purpose, and must be there."""
        return any(_holds(bound, minor) for bound in self.differs)


def _holds(bound: tuple[str, int], minor: int) -> bool:
    way, version = bound
    return minor >= version if way == "from" else minor <= version


def story(name: str) -> list[Command]:
    """The commands of a file below ``script/``, which are paragraphs: comments, then lines for the shell."""
    commands: list[Command] = []
    at = 1
    for paragraph in (STORIES / f"{name}.sh").read_text().split("\n\n"):
        lines = paragraph.split("\n")
        typed = [line for line in lines if not line.startswith("#")]
        if any(typed):
            command = Command(at, "\n".join(typed).strip("\n"))
            for line in lines:
                if found := _DIRECTIVE.match(line):
                    what, way, version, _ = found.groups()
                    bound = (way or "from", int(version or 0))
                    (command.differs if what == "differs" else command.only).append(bound)
            commands.append(command)
        at += len(lines) + 1
    return commands


@dataclass
class Side:
    """A server as one user of one kubectl has it before them: a home, a working directory, a namespace."""

    home: Path
    kubectl: str
    address: str

    def prepare(self, config: str) -> None:
        """Make the home with the configuration and the programs that the stories use."""
        for folder in ("bin", "work"):
            (self.home / folder).mkdir(parents=True)
        (self.home / "bin" / "kubectl").symlink_to(self.kubectl)
        for name, text in _PROGRAMS.items():
            helper = self.home / "bin" / name
            helper.write_text(text)
            helper.chmod(0o755)
        (self.home / "config").write_text(config)

    async def run(self, command: Command, namespace: str, *, seconds: float = _COMMAND_SECONDS) -> str:
        """What it prints, and how it ends, without what can't be the same twice."""
        environment = {
            "PATH": f"{self.home / 'bin'}:{os.environ['PATH']}", "HOME": str(self.home), "KUBECONFIG": str(self.home / "config"),
            "NS": namespace, **THRIFTY,
        }  # fmt: skip
        process = await asyncio.create_subprocess_exec(
            "/bin/sh", "-c", command.text, env=environment, cwd=self.home / "work", stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        try:
            out, err = await asyncio.wait_for(process.communicate(), seconds)
        except TimeoutError:
            raise AssertionError(f"didn't end in {seconds:g} s: {command.text}") from None
        finally:
            # With whatever it left running: what holds the pipes would be waited for.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        said = f"{out.decode().rstrip()}\n-- stderr, {process.returncode}\n{err.decode()}"
        return normal(said.replace(str(self.home / "work"), "WORK").replace(self.address, "SERVER"))


async def differences(
    name: str, minor: int, ours: Side, judge: Side, namespace: str, *, seconds: float = _COMMAND_SECONDS
) -> list[str]:
    """Tell a story to both: where they answer differently but shouldn't, and where they should but don't."""
    told: list[str] = []
    for command in story(name):
        if not command.typed(minor):
            continue
        said, expected = await asyncio.gather(*(side.run(command, namespace, seconds=seconds) for side in (ours, judge)))
        if command.may_differ(minor):
            if said == expected:
                told.append(f"{name}.sh:{command.line}: differs no longer\n$ {command.text}")
        elif said != expected:
            difference = difflib.unified_diff(expected.split("\n"), said.split("\n"), "kube-apiserver", "ours", lineterm="")
            told.append("\n".join((f"{name}.sh:{command.line}:\n$ {command.text}", *difference)))
    return told


_PROGRAMS = {
    "lines": """#!/bin/sh
# lines FILE N: wait until FILE has N lines, at most two minutes.
tries=0
while [ "$(cat "$1" 2>/dev/null | wc -l)" -lt "$2" ] && [ $tries -lt 1200 ]; do sleep 0.1; tries=$((tries + 1)); done
""",
    "watching": """#!/bin/sh
# watching FILE [TEXT]: wait until FILE, what kubectl -v=6 says, tells of a watch that has begun (or of TEXT), at most two minutes;
# take it away.
tries=0
until grep -q "${2:-watch=true}" "$1" 2>/dev/null || [ $tries -ge 1200 ]; do sleep 0.1; tries=$((tries + 1)); done
rm -f "$1"
""",
    "terminal": f"""#!{sys.executable}
# terminal LINE... -- COMMAND...: type the lines at a command in a terminal of 33 rows and 101 columns; print what it shows.
import os, pty, re, select, subprocess, sys, time
at = sys.argv.index("--")
lines, command = sys.argv[1:at], sys.argv[at + 1:]
ours, theirs = pty.openpty()
subprocess.run(["stty", "rows", "33", "cols", "101"], stdin=theirs, check=True)
process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
os.close(theirs)
shown, until = b"", time.monotonic() + 120
while time.monotonic() < until:
    if select.select([ours], [], [], 0.5)[0]:
        try:
            shown += os.read(ours, 65536)
        except OSError:
            break
    elif process.poll() is not None:
        break
    elif lines and re.sub(rb"\\x1b\\[[0-9;?]*[a-zA-Z]", b"", shown).endswith(b"> "):
        os.write(ours, lines.pop(0).encode() + b"\\n")
process.kill()
text = re.sub(r"\\x1b\\[[0-9;?]*[a-zA-Z]", "", shown.decode(errors="replace")).replace("\\r", "")
print(text, "exit code", process.wait())
""",
}

_NORMAL = (
    (re.compile(r"^[IWE]\d{4} \d\d:.*\n", re.MULTILINE), ""),
    (re.compile(r"[^ \"]*kubectl-edit-\d+\.yaml"), "FILE"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "UID"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"),
    (re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}"), "TIME"),
    (re.compile(r'([rR]esource ?[vV]ersion"?: *)"?\d+"?'), r"\1REVISION"),
    (re.compile(r"\b(?:\d+[smhd])+(?=\s|$)"), "AGE"),
    (re.compile(r"\b10(?:\.\d+){3}\b"), "ADDRESS"),
    (re.compile(r"kube-api-access-[a-z0-9]{5}"), "kube-api-access-RANDOM"),
    (re.compile(r"\b(LIVE|MERGED)-\d+"), r"\1"),
    (re.compile(r"(?<=\S)  +"), "  "),
)


def normal(said: str) -> str:
    """Uids, times, ages, revisions and addresses by their kind; columns two blanks apart."""
    for pattern, kind in _NORMAL:
        said = pattern.sub(kind, said)
    return "\n".join(line.rstrip() for line in said.split("\n"))
