r"""Regular expressions as Go's ``regexp`` (RE2) reads them, which is how a kube-apiserver reads ``pattern``.

Written like Python's, they differ in ways that no error tells of: ``$`` is the end of the text only, classes are of ASCII, flags
may be set in the middle; and what needs backtracking (looking around, references back) isn't there. See Go's ``regexp/syntax``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

MOST_REPETITIONS = 1000
_FLAGS = re.compile(r"\(\?([imsU]*)(?:-([imsU]+))?([:)])")
_NAMED = re.compile(r"\(\?P?<(\w+)>", re.ASCII)
_REPEAT = re.compile(r"\{(\d+)(,(\d*))?\}", re.ASCII)
_SPACES = r"\t\n\f\r "
_ASCII_CLASSES = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "ascii": r"\x00-\x7f", "blank": r"\t ", "cntrl": r"\x00-\x1f\x7f", "digit": "0-9",
    "graph": "!-~", "lower": "a-z", "print": " -~", "punct": r"!-/:-@\[-`{-~", "space": r"\t\n\v\f\r ", "upper": "A-Z",
    "word": r"0-9A-Za-z_", "xdigit": "0-9A-Fa-f",
}  # fmt: skip
_LETTERS = frozenset("AbBdDwWafnrtv")
"""Letters that mean the same after a backslash."""


@lru_cache(maxsize=512)
def compiled(pattern: str) -> re.Pattern[str]:
    """To be searched for in a text. Raises re.error for what Go doesn't take, and for classes of Unicode (``\\p{…}``), which aren't
    supported."""
    return re.compile(_Translation(pattern).text(), re.ASCII)


@dataclass
class _Group:
    """What holds until the group ends. ``set`` are the flags given inside of it, each opened as a group of Python's."""

    flags: frozenset[str]
    set: list[str] = field(default_factory=list)


class _Translation:
    """One reading of a pattern, from left to right."""

    def __init__(self, pattern: str) -> None:
        self._pattern, self._at = pattern, 0
        self._groups = [_Group(frozenset())]
        self._out: list[str] = []

    def text(self) -> str:
        """What Python reads as Go reads the pattern. Raises re.error."""
        while self._at < len(self._pattern):
            self._step(self._pattern[self._at])
        if len(self._groups) > 1:
            raise self._wrong("missing closing )")
        return "".join(self._out) + ")" * len(self._groups[0].set)

    def _step(self, character: str) -> None:
        if character == "\\":
            self._escape()
        elif character == "[":
            self._class()
        elif character == "(":
            self._open()
        elif character == ")":
            if len(self._groups) == 1:
                raise self._wrong("unexpected )")
            self._put(")" * len(self._groups.pop().set) + ")")
        elif character == "|":
            # Flags hold in all branches that follow.
            inside = self._groups[-1].set
            self._put(")" * len(inside) + "|" + "".join(inside))
        elif character == "$":
            self._put("$" if "m" in self._groups[-1].flags else r"\Z")
        elif character in "*+?" or (character == "{" and _REPEAT.match(self._pattern, self._at)):
            self._repeat()
        else:
            self._put(r"\{" if character == "{" else character)

    def _put(self, text: str, length: int = 1) -> None:
        self._out.append(text)
        self._at += length

    def _wrong(self, why: str) -> re.error:
        return re.error(why, self._pattern, min(self._at, len(self._pattern)))

    def _open(self) -> None:
        flags = self._groups[-1].flags
        if not self._pattern.startswith("(?", self._at):
            self._groups.append(_Group(flags))
            self._put("(")
        elif named := _NAMED.match(self._pattern, self._at):
            self._groups.append(_Group(flags))
            self._put(f"(?P<{named[1]}>", len(named[0]))
        elif given := _FLAGS.match(self._pattern, self._at):
            on, off, end = given[1], given[2] or "", given[3]
            if "U" in on + off:
                raise self._wrong("the flag U is not supported here")
            flags = (flags | frozenset(on)) - frozenset(off)
            opened = f"(?{on}{'-' if off else ''}{off}:"
            if end == ":":
                self._groups.append(_Group(flags))
            else:
                self._groups[-1].flags = flags
                self._groups[-1].set.append(opened)
            self._put(opened, len(given[0]))
        else:
            raise self._wrong("invalid or unsupported Perl syntax")

    def _repeat(self) -> None:
        found = _REPEAT.match(self._pattern, self._at)
        text = found[0] if found else self._pattern[self._at]
        if found and max(int(found[1]), int(found[3] or 0)) > MOST_REPETITIONS:
            raise self._wrong("invalid repeat count")
        if self._pattern.startswith("?", self._at + len(text)):
            text += "?"
        after = self._at + len(text)
        if self._pattern[after : after + 1] in tuple("*+?") or _REPEAT.match(self._pattern, after):
            raise self._wrong("invalid nested repetition operator")
        self._put(text, len(text))

    def _escape(self, *, inside: bool = False) -> None:
        r"""A backslash and what follows; ``inside`` of a class."""
        character = self._pattern[self._at + 1 : self._at + 2]
        if not character:
            raise self._wrong("trailing backslash at end of expression")
        if character == "Q" and not inside:
            text = self._pattern[self._at + 2 :].partition(r"\E")[0]
            self._put(re.escape(text), min(len(text) + 4, len(self._pattern) - self._at))
        elif character == "z" and not inside:
            self._put(r"\Z", 2)
        elif character == "s":
            self._put(_SPACES if inside else f"[{_SPACES}]", 2)
        elif character == "S" and not inside:
            self._put(f"[^{_SPACES}]", 2)
        elif character == "x":
            self._hexadecimal()
        elif character == "0" or (character in "1234567" and self._pattern[self._at + 2 : self._at + 3] in tuple("01234567")):
            digits = re.compile("[0-7]{1,3}").match(self._pattern, self._at + 1)
            assert digits is not None
            self._put(re.escape(chr(int(digits[0], 8))), 1 + len(digits[0]))
        elif character in _LETTERS and not (inside and character in "AbB"):
            self._put(f"\\{character}", 2)
        elif character.isascii() and not character.isalnum():
            self._put(re.escape(character), 2)
        else:
            raise self._wrong(f"invalid escape sequence \\{character}")

    def _hexadecimal(self) -> None:
        digits = re.compile(r"\\x(?:\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{2}))").match(self._pattern, self._at)
        if digits is None or (code := int(digits[1] or digits[2], 16)) > 0x10FFFF:
            raise self._wrong("invalid escape sequence \\x")
        self._put(re.escape(chr(code)), len(digits[0]))

    def _class(self) -> None:
        self._put("[")
        if self._pattern.startswith("^", self._at):
            self._put("^")
        first = True
        while first or not self._pattern.startswith("]", self._at):
            if self._at >= len(self._pattern):
                raise self._wrong("missing closing ]")
            character = self._pattern[self._at]
            first = False
            if named := re.compile(r"\[:(\w+):\]").match(self._pattern, self._at):
                if named[1] not in _ASCII_CLASSES:
                    raise self._wrong("invalid character class range")
                self._put(_ASCII_CLASSES[named[1]], len(named[0]))
            elif character == "\\":
                self._escape(inside=True)
            else:
                # Python keeps some of them for later.
                self._put(f"\\{character}" if character in "[]&~|" else character)
        self._put("]")
