"""The programs that docs/kubectl.md shows run as they stand."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

from e2e.yard import yard_in

PAGE = Path(__file__).parents[2] / "docs" / "kubectl.md"
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


async def test_a_client_of_another_house_does_what_the_page_shows(tmp_path: Path) -> None:
    (shown,) = PROGRAMS
    async with yard_in(tmp_path) as yard:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", shown, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "KUBECONFIG": str(yard.config)},
        )  # fmt: skip
        out, err = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, out.decode().split("\n")) == (0, ["ADDED colours", "applied team", ""]), err.decode()
