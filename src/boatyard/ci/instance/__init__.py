"""The objects that make a CI instance, each composed by a pure function. All are named ``ci-NAME``."""

from __future__ import annotations

PREFIX = "ci-"


def instance_name(name: str) -> str:
    """The name of everything that belongs to the instance of a CiConfig."""
    return PREFIX + name


def base_path(namespace: str, name: str) -> str:
    """Where the gateway serves the instance on any host."""
    return f"/ci/{namespace}/{name}"
