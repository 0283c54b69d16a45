"""``shell``: the tools of the machine itself; repositories say in ``boatyard.yaml`` what runs, or have ``make test``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boatyard.ci.builders.builder import Builder
from boatyard.ci.pipeline_fields import JunitReports, Step

IMAGE = "boatyard.dev/host"


def builder(spec: Mapping[str, Any]) -> Builder:
    """``spec`` has no fields."""
    return Builder(IMAGE, (Step(name="test", run="make test"),), (JunitReports(junit="**/junit*.xml"),))
