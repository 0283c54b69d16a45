"""Where what is left of builds lies in the object store, and the keys by which a build's own pod may write there."""

from __future__ import annotations

import hashlib
import hmac


def prefix(namespace: str, ciconfig: str) -> str:
    """Below it lies everything of a CiConfig's builds."""
    return f"builds/{namespace}/{ciconfig}/"


def build_prefix(namespace: str, ciconfig: str, number: int) -> str:
    """Below it lies everything of one build."""
    return f"{prefix(namespace, ciconfig)}{number}/"


def document(namespace: str, ciconfig: str, number: int) -> str:
    """The archived Build, as JSON."""
    return build_prefix(namespace, ciconfig, number) + "build.json"


def attempt_logs(namespace: str, ciconfig: str, number: int, attempt: int) -> str:
    """Below it lie an attempt's logs, a folder per container, in it chunks named after their offset."""
    return f"{build_prefix(namespace, ciconfig, number)}logs/{attempt}/"


def log_chunk(logs: str, container: str, offset: int) -> str:
    """One piece of a container's log; ``logs`` is :func:`attempt_logs`."""
    return f"{logs}{container}/{offset:012d}"


def artifact(namespace: str, ciconfig: str, number: int, attempt: int, path: str) -> str:
    """A file that an attempt kept."""
    return f"{build_prefix(namespace, ciconfig, number)}artifacts/{attempt}/{path}"


def uploads_key(secrets_key: bytes, namespace: str, ciconfig: str) -> bytes:
    """The key of a CiConfig's uploads: derived, so that whoever checks needs to read nothing. It lies in the Secret ``ci-NAME`` and
    is mounted only into ``collect``."""
    return hmac.new(secrets_key, f"uploads\n{namespace}\n{ciconfig}".encode(), hashlib.sha256).hexdigest().encode()
