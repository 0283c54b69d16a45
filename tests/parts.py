"""Real software that tests run against: where it is, and what to say where it is missing."""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


def need(there: bool, advice: str) -> None:
    """Skip the test with advice where something is missing; in CI, fail: a test that can't run there proves nothing."""
    if there:
        return
    if os.environ.get("CI"):
        pytest.fail(f"missing in CI: {advice}")
    pytest.skip(advice)


def program(name: str, package: str) -> str:
    """The path of a program that ``package`` (of Debian) brings."""
    path = shutil.which(name)
    need(path is not None, f"{name} isn't installed (Debian: {package})")
    assert path is not None
    return path


def starter(name: str) -> Path:
    """A starter script (``kubernetes``, ``gitea``) in the directory that ``BOATYARD_REAL_PARTS`` names."""
    directory = os.environ.get("BOATYARD_REAL_PARTS", "")
    path = Path(directory or ".") / name
    need(bool(directory) and path.exists(), f"set BOATYARD_REAL_PARTS to a directory with the starter {name!r}")
    return path


def root() -> None:
    """The test needs root."""
    need(os.geteuid() == 0, "needs root")


def free_port() -> int:
    """A TCP port that is free, and stays so: below those that the system gives to who asks for any, or connects to something."""
    while True:
        port = random.SystemRandom().randrange(20_000, 30_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


@contextmanager
def gitea(directory: Path) -> Iterator[dict[str, Any]]:
    """A real Gitea on loopback: ``url``, ``user``, ``password``, ``token``, ``port`` and its ``directory``."""
    script, port = starter("gitea"), free_port()
    started = subprocess.run([script, "up", directory, "--port", str(port)], capture_output=True, text=True, timeout=120)
    assert started.returncode == 0, started.stderr
    try:
        yield {**json.loads(started.stdout), "port": port, "directory": directory}
    finally:
        subprocess.run([script, "down", directory], timeout=60)


@contextmanager
def kubernetes(directory: Path, level: str) -> Iterator[Path]:
    """A real Kubernetes up to a ``level`` (``api``, ``control``, …), its state in ``directory``: the administrator's kubeconfig."""
    script = starter("kubernetes")
    index = 0 if level == "node" else random.choice([index for index in range(1, 10) if _is_free(16443 + 100 * index)])
    started = subprocess.run(
        [script, "up", directory, "--level", level, "--index", str(index)], capture_output=True, text=True, timeout=180
    )
    try:
        assert started.returncode == 0, started.stderr
        yield Path(started.stdout.splitlines()[-1])
    finally:
        subprocess.run([script, "down", directory], capture_output=True, timeout=60)


def image(directory: Path, reference: str, root_file_system: Path) -> None:
    """Give the node of the :func:`kubernetes` in ``directory`` an image made of a tar file."""
    command = [starter("kubernetes"), "image", directory, reference, root_file_system]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
