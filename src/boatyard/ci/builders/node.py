"""``node``: JavaScript projects with a ``package.json``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boatyard.ci.builders.builder import Builder, stack
from boatyard.ci.pipeline_fields import JunitReports, Step

STACKS = {f"node{version}": f"docker.io/library/node:{version}" for version in (18, 20, 22)}


def builder(spec: Mapping[str, Any]) -> Builder:
    """``spec.stack``: node18, node20, node22 (the default)."""
    return Builder(
        image=stack(spec, STACKS, "node22"),
        steps=(
            Step(name="install", run="if [ -f package-lock.json ]; then npm ci; else npm install; fi"),
            Step(name="test", run="npm test"),
        ),
        tests=(JunitReports(junit="**/junit*.xml"),),
    )
