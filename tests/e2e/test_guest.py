"""Control groups version 2, in a kernel that has nothing else: a virtual machine runs the tests that are about them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from parts import program

CHECKOUT = Path(__file__).parents[2]
GROUPS = ["tests/conformance/cgroups", "tests/unit/node/cgroups"]

pytestmark = [pytest.mark.real, pytest.mark.long, pytest.mark.timeout(3600)]


def test_what_limits_promise_holds_in_a_kernel_with_version_2_only():
    program("qemu-system-x86_64", "qemu-system-x86")
    program("busybox", "busybox-static")
    program("apt-get", "apt")
    options = ["-q", "--color=no", "-p", "no:cacheprovider", "-o", "timeout=900"]
    words = ["env", "CI=true", sys.executable, "-m", "pytest", *options, *GROUPS]
    told = subprocess.run([CHECKOUT / "tools/guest", "--", *words], capture_output=True, text=True, timeout=3500)
    assert told.returncode == 0, (told.stdout + told.stderr)[-6000:]
    assert " passed" in told.stdout and " skipped" not in told.stdout, told.stdout[-3000:]
