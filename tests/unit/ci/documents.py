"""Documents that the tests of this folder begin with."""

from __future__ import annotations

from typing import Any

from boatyard.ci.compose import Trigger, compose_build
from boatyard.ci.pipeline import read_pipeline
from boatyard.machinery.objects.memory import MemoryObjects
from boatyard.machinery.runtime.settings import Settings

REVISION = "a" * 40
PIPELINE = """
spec:
  steps:
  - {name: compile, run: make}
  - {name: test, run: make test, timeout: 5m}
  - {name: clean up, run: make clean, when: always}
  tests: [{junit: "**/*.xml"}]
"""


def ciconfig(name: str = "shop", **spec: Any) -> Any:
    return {
        "apiVersion": "ci.boatyard.dev/v1alpha1", "kind": "CiConfig",
        "metadata": {"name": name, "namespace": "team", "uid": "config-uid"},
        "spec": {"source": {"git": {"url": "https://example.org/shop.git"}}, **spec},
    }  # fmt: skip


def trigger(**given: Any) -> Trigger:
    return Trigger(**{"type": "push", "revision": REVISION, "ref": "refs/heads/main", **given})


def build(pipeline: str = PIPELINE, number: int = 7, config: Any = None, **given: Any) -> Any:
    """A Build as the API server would store it."""
    document = compose_build(config or ciconfig(), read_pipeline(pipeline), trigger(**given), number)
    document["metadata"] |= {"uid": f"build-{number}", "resourceVersion": "1", "creationTimestamp": "2026-01-01T00:00:00Z"}
    return document


def settings(**given: Any) -> Settings:
    return Settings(**{
        "object_store": MemoryObjects(), "gateway_internal_url": "https://10.0.0.1:8443", "gateway_ca_pem": "PEM",
        "secrets_key": b"key", "version": "1.2.3", **given,
    })  # fmt: skip
