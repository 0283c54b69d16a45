"""Start a supervisor process, or the program that tries the sandboxes; used by the agent."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from boatyard.node.runtime import MachineError

SECONDS = 30.0
_MAIN = Path(__file__).parent / "__main__.py"
_PYTHON = getattr(sys, "_base_executable", "") or sys.executable
"""The interpreter itself: a virtual environment's would look for its configuration first."""


async def launch(directory: Path) -> None:
    """Returns when a supervisor of this machine directory listens. Raises :class:`MachineError` when it could not start.

    It leaves this process's session and isn't our child any more: neither Ctrl-C nor our end reaches it.
    """
    process = await asyncio.create_subprocess_exec(
        _PYTHON, "-I", "-S", str(_MAIN), str(directory),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, cwd="/", start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None and process.stderr is not None
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), SECONDS)).decode(errors="replace").strip()
    except TimeoutError:
        line = f"error it said nothing for {SECONDS:.0f} s"
    if line != "ready":
        said = (await process.stderr.read(4096)).decode(errors="replace").strip() if not line else ""
        raise MachineError(f"the pod's supervisor could not start: {line.removeprefix('error ') or said or 'it ended at once'}")
    await process.wait()


def survey() -> dict[str, Any]:
    """What ``probe.py`` finds. Takes some 100 ms."""
    words = [_PYTHON, "-I", "-S", str(_MAIN.with_name("probe.py"))]
    result = subprocess.run(words, capture_output=True, timeout=SECONDS, check=False)
    if result.returncode != 0:
        raise MachineError(f"the sandboxes could not be tried: {result.stderr.decode(errors='replace').strip()[-500:]}")
    return json.loads(result.stdout)
