"""Patterns for paths and names, written by hostile hands: matching takes time linear in the text for each star, whatever they say.

Between two stars the leftmost match of what stands there is as good as any other, so nothing found is ever taken back (an atomic
group). Standard library only.
"""

from __future__ import annotations

import re


def path_pattern(glob: str) -> re.Pattern[str]:
    """For paths: ``*`` any characters but ``/``, ``?`` one of them, ``**`` between slashes any directories, at the end anything
    below. A leading ``./`` says nothing; a ``/`` at the end means everything below."""
    glob = glob.removeprefix("./")
    chunks: list[list[str]] = [[]]
    for segment in (glob + "**" if glob.endswith("/") else glob).split("/"):
        if segment == "**":
            chunks.append([])
        else:
            chunks[-1].append(_segment(segment, "[^/]"))
    first, *rest = ["/".join(chunk) for chunk in chunks]
    if not rest:
        return re.compile(first, re.DOTALL)
    told = f"{first}/" if first else ""
    for chunk in rest[:-1]:
        told += f"(?>(?:[^/]*/)*?{chunk}/)" if chunk else ""
    return re.compile(told + (f"(?:[^/]*/)*?{rest[-1]}" if rest[-1] else ".+"), re.DOTALL)


def name_pattern(glob: str) -> re.Pattern[str]:
    """For names (branches, images): ``*`` any characters, ``?`` one."""
    return re.compile(_segment(glob, "."), re.DOTALL)


def _segment(glob: str, one: str) -> str:
    first, *rest = ["".join(one if part == "?" else re.escape(part) for part in piece) for piece in re.split(r"\*+", glob)]
    if not rest:
        return first
    return first + "".join(f"(?>{one}*?{piece})" for piece in rest[:-1]) + f"{one}*{rest[-1]}"
