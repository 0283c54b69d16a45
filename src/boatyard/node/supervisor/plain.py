"""Containers without namespaces: the last resort, where the kernel gives neither root's nor a user's.

Nothing is hidden there and no mount is made. Paths at or below a mount's target are replaced by the mount's source in arguments,
environment and working directory, and ``BOATYARD_MOUNTS`` lists them (``target=source`` lines). Processes are recognised by an
environment variable, so that what a build leaves behind can be ended.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Iterable, Mapping, Sequence

COOKIE = "BOATYARD_CONTAINER"


def translate(
    argv: Sequence[str], env: Mapping[str, str], cwd: str, mounts: Iterable[tuple[str, str, bool]]
) -> tuple[list[str], dict[str, str], str]:
    """Arguments, environment and directory as they are outside. A target counts where a path begins: at the start or after one of
    `` :=,;'"(`` and a line feed; and where it ends."""
    table = {os.path.normpath(target): source for source, target, _ in mounts}
    if not table:
        return list(argv), dict(env), cwd
    targets = "|".join(re.escape(target) for target in sorted(table, key=len, reverse=True))
    pattern = re.compile(rf"(?:(?<=[\s:=,;'\"(])|^)({targets})(?=[/\s:=,;'\")]|$)")

    def outside(text: str) -> str:
        return pattern.sub(lambda match: table[match[1]], text)

    variables = {name: outside(value) for name, value in env.items()}
    variables["BOATYARD_MOUNTS"] = "\n".join(f"{target}={source}" for target, source in sorted(table.items()))
    return [outside(word) for word in argv], variables, outside(cwd)


def processes(cookie: str) -> list[int]:
    """Every process of our own user whose environment carries the cookie; one ending in ``/`` finds all of a pod."""
    needle = f"{COOKIE}={cookie}".encode()
    found: list[int] = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                variables = file.read().split(b"\0")
        except OSError:
            continue
        if any(variable == needle or (needle.endswith(b"/") and variable.startswith(needle)) for variable in variables):
            found.append(int(name))
    return found


def kill(cookie: str) -> None:
    """End them all, also those born meanwhile."""
    for _ in range(20):
        pids = processes(cookie)
        if not pids:
            return
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
