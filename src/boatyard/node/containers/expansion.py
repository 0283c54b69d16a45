"""``$(VAR)`` in commands, arguments, environment and sub-paths, expanded as Kubernetes does it."""

from __future__ import annotations

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\$(\$|\([^)]*\))")


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replace every ``$(NAME)`` by its value; an unknown one stays as it is, ``$$`` is an escaped ``$``."""

    def value(match: re.Match[str]) -> str:
        reference = match.group(1)
        if reference == "$":
            return "$"
        return variables.get(reference[1:-1], match.group(0))

    return _REFERENCE.sub(value, text) if "$" in text else text
