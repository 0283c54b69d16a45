"""``python``: projects with a ``pyproject.toml`` or ``requirements.txt`` and tests for pytest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boatyard.ci.builders.builder import Builder, stack
from boatyard.ci.pipeline_fields import JunitReports, Step

STACKS = {f"python{version}": f"docker.io/library/python:{version}" for version in ("3.10", "3.11", "3.12", "3.13")}
_INSTALL = """python -m venv .venv && . .venv/bin/activate
if [ -f requirements.txt ]; then pip install -r requirements.txt; fi
if [ -f pyproject.toml ]; then pip install .; fi
pip install pytest
"""


def builder(spec: Mapping[str, Any]) -> Builder:
    """``spec.stack``: python3.10 … python3.13 (python3.12 is the default)."""
    return Builder(
        image=stack(spec, STACKS, "python3.12"),
        steps=(
            Step(name="install", run=_INSTALL),
            Step(name="test", run=". .venv/bin/activate\npython -m pytest --junit-xml=junit-pytest.xml"),
        ),
        tests=(JunitReports(junit="junit-pytest.xml"),),
    )
