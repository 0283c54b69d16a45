"""Why a container can't be started as it is declared."""

from __future__ import annotations


class ConfigError(Exception):
    """Something that the container refers to is missing or wrong; it may come right later. The message says what.

    ``reason`` is that of the container's waiting state: CreateContainerConfigError, or what Kubernetes names it.
    """

    def __init__(self, message: str, reason: str = "CreateContainerConfigError") -> None:
        super().__init__(message)
        self.reason = reason
