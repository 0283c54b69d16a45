"""What a CiConfig may say by its schema, but this version can't serve. Pure."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from functools import lru_cache

from boatyard.ci.kinds import CiConfig

_SERVED = re.compile(r"(https?|ssh|file)://.|/.|[^/:\s]+:[^/:].*|[^/:\s]+@[^/:\s]+:.")
"""Addresses that a CI server's git is allowed: with a scheme, a path, or ``user@host:path``."""
_PASSWORD = re.compile(r"[a-z+]+://[^/@]*:[^/@]*@")


def unserved(config: CiConfig) -> Iterator[str]:
    """Each field that asks for too much, with the reason."""
    source = config.spec.source
    if not _SERVED.match(source.git.url):
        yield "spec.source.git.url: must be an https, http or ssh address, or a path"
    elif _PASSWORD.match(source.git.url):
        yield "spec.source.git.url: the password in it would show in every Build; name a Secret in source.git.credentials"
    if source.scm is not None and not _is_known(source.scm.type):
        yield f"spec.source.scm.type: this version can't talk to {source.scm.type}; there are gitea and generic"


@lru_cache
def _is_known(scm: str) -> bool:
    return importlib.util.find_spec(f"boatyard.ci.scm.{scm}") is not None
