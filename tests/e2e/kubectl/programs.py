"""Where each version of kubectl is."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

USUAL = "1.33"
OTHERS = ("1.27", "1.28", "1.29", "1.30", "1.31", "1.32", "1.34")
WITH_KUBERNETES = "1.34"
"""The one that comes with the real Kubernetes which tests start."""


THRIFTY = {"GOGC": "off", "GOMAXPROCS": "1", "GOMEMLIMIT": "400MiB"}
"""The environment of a program in Go that lives for a moment, hundreds of times: it needn't tidy up: a third of its work."""


@cache
def program(version: str) -> str | None:
    """``kubectl.1.33`` on the PATH or beside kubectl itself, one that ``BOATYARD_KUBECTL_1_33`` names, or the real parts' own."""
    name = f"kubectl.{version}"
    if named := os.environ.get(f"BOATYARD_KUBECTL_{version.replace('.', '_')}"):
        return named
    if found := shutil.which(name):
        return found
    known = shutil.which("kubectl")
    if known and (beside := Path(known).resolve().parent / name).exists():
        return str(beside)
    return _of_the_real_parts() if version == WITH_KUBERNETES else None


def _of_the_real_parts() -> str | None:
    starter = Path(os.environ.get("BOATYARD_REAL_PARTS") or "/nonexistent") / "kubernetes"
    if not starter.exists():
        return None
    folder = subprocess.run([starter, "tools"], capture_output=True, text=True, timeout=120, check=True).stdout.strip()
    return str(Path(folder) / "kubectl")
