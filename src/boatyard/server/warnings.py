"""What a caller is told besides the answer: ``Warning`` headers, no more of them than a client takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

ALL_CHARACTERS = 4096
"""Of all warnings together; when there are more, each is cut. Both limits are kube-apiserver's (``filters/warning.go``)."""
EACH_CHARACTERS = 256


def headers(warnings: Iterable[str]) -> list[str]:
    """The values of the ``Warning`` headers: each warning once, in order, as many as the limits allow."""
    told = list(dict.fromkeys(warnings))
    if sum(map(len, told)) > ALL_CHARACTERS:
        told = _cut(told)
    return [f'299 - "{_quoted(warning)}"' for warning in told]


def _cut(warnings: Sequence[str]) -> list[str]:
    """Those that begin within the limit."""
    kept: list[str] = []
    length = 0
    for warning in warnings:
        if length >= ALL_CHARACTERS:
            break
        kept.append(warning[:EACH_CHARACTERS])
        length += len(kept[-1])
    return kept


def _quoted(warning: str) -> str:
    """For a header (RFC 7234's warn-text): no line may break out of it."""
    return "".join(c if c.isprintable() else "?" for c in warning).replace("\\", "\\\\").replace('"', '\\"')
