"""The same specification once more for a user without rights, when the tests themselves run as root."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

import boatyard

pytestmark = [pytest.mark.root, pytest.mark.real, pytest.mark.skipif(os.getuid() != 0, reason="needs root")]
NOBODY = 65534


def as_nobody(words: list[str], home: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(boatyard.__file__).parents[1]}:{Path(msgspec.__file__).parents[1]}"
    user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "env"]
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([*user, *words], env=env, cwd=Path(__file__).parents[4], capture_output=True, text=True, timeout=600)


@pytest.mark.timeout(700)
def test_containers_and_commands_work_for_a_user_without_rights() -> None:
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is missing (package util-linux)")
    home = Path("/tmp") / f"boatyard-nobody-{os.getpid()}"
    home.mkdir(mode=0o700)
    os.chown(home, NOBODY, NOBODY)
    try:
        names = (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}", "/usr/bin/python3")
        usable = [name for name in names if as_nobody([name, "-c", "import msgspec, pytest, pytest_asyncio"], home).returncode == 0]
        if not usable:
            pytest.skip("no interpreter that an ordinary user may read has the libraries")
        here = Path(__file__).parent
        chosen = "output or message or mounts or secret or privileges or tty or exec or signals or share or reader or dies or finds"
        words = [usable[0], "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={home}/t", "-k", chosen, str(here)]
        result = as_nobody(words, home)
        assert result.returncode == 0, result.stdout[-4000:]
        assert "passed" in result.stdout
    finally:
        shutil.rmtree(home, ignore_errors=True)
