"""Regular expressions as a kube-apiserver reads ``pattern``: Go's ``regexp``, whose syntax and matching are RE2's.

Time is linear in the length of the text whatever the pattern, so nobody's document can hold up the server; and what a pattern may
take is bounded (RE2's usual 8 MB), so that no definition does.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import re2

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False


@lru_cache(maxsize=512)
def finder(pattern: str) -> Callable[[str], bool]:
    """Says whether some part of a text matches. Raises ValueError for what isn't taken, with why."""
    try:
        search = re2.compile(pattern, _OPTIONS).search
    except re2.error as error:
        (why,) = error.args
        raise ValueError(why.decode() if isinstance(why, bytes) else str(why)) from None
    # Bytes: of a text, where the match lies would be counted in characters.
    return lambda text: search(text.encode(errors="replace")) is not None
