"""The files by which the containers of a build take turns (see ``runner.sh``, which is their other side)."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

RUNNER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "runner.sh")


def prepare(shared: str, plan: dict[str, Any]) -> None:
    """Write what the containers need, as ``plan`` says: ``steps`` (number, container, when, limit, name, run, env, dir) and
    ``containers``, everybody who takes part in turns. May be called again."""
    for part in ("steps", "state", "alive", "turn", "home"):
        directory = os.path.join(shared, part)
        os.makedirs(directory, exist_ok=True)
        os.chmod(directory, 0o777)
    lines = []
    for step in plan["steps"]:
        number = str(step["number"])
        lines.append(f"{number} {step['container']} {step['when']} {step['limit']} {step['name']}\n")
        directory = os.path.join(shared, "steps", number)
        os.makedirs(directory, exist_ok=True)
        _write(os.path.join(directory, "run"), step["run"], 0o755)
        _write(os.path.join(directory, "dir"), step.get("dir", "") + "\n", 0o644)
        _write(os.path.join(directory, "env"), exports(step.get("env", {})), 0o644)
    for container in plan["containers"]:
        fifo = os.path.join(shared, "turn", container)
        if not os.path.exists(fifo):
            os.mkfifo(fifo, 0o666)
        os.chmod(fifo, 0o666)
    _write(os.path.join(shared, "plan"), "".join(lines), 0o644)
    with open(RUNNER, encoding="utf-8") as runner:
        _write(os.path.join(shared, "runner"), runner.read(), 0o755)


def exports(variables: dict[str, str]) -> str:
    """Shell commands that set the variables to exactly these values."""
    quoted = ((name, "'" + value.replace("'", "'\\''") + "'") for name, value in variables.items())
    return "".join(f"export {name}={value}\n" for name, value in quoted)


def set_deadline(shared: str, epoch_seconds: int) -> None:
    """When every step must have ended."""
    _write(os.path.join(shared, "deadline"), f"{epoch_seconds}\n", 0o644)


def _write(path: str, text: str, mode: int) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    os.chmod(path, mode)
