"""YAML as people write it for Kubernetes, read safely.

Typing is that of YAML 1.2's core with what Kubernetes' documents rely on: only ``true`` and ``false`` are booleans (``on``
and ``yes`` are strings, but to :func:`first`), dates and ``22:22`` are strings, ``0644`` is octal, underscores in numbers are
skipped, an integral float is an integer (as it is after Kubernetes' way through JSON). A key given twice is an error; so are
aliases that multiply, cycles, NaN and infinity, tags other than those of JSON's types. Documents are built from the parser's
events without recursion, so depth can't exhaust the stack.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

from boatyard.machinery.meta.objects import copied

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

MAX_ALIASED_NODES = 10_000
"""How many nodes all aliases of a stream together may stand for."""
MAX_DEPTH = 200
"""How deep a document may nest."""

_INT = re.compile(r"[-+]?(0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|0[0-7_]*|[1-9][0-9_]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9][0-9_]*|[0-9][0-9_]*\.?[0-9_]*)([eE][-+]?[0-9]+)?")
_NOT_JSON = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_OLD_WORDS = {
    form: value
    for word, value in (("y", True), ("yes", True), ("on", True), ("n", False), ("no", False), ("off", False))
    for form in (word, word.capitalize(), word.upper())
}
"""Booleans in YAML 1.1 only."""
_TAG = "tag:yaml.org,2002:"

Path: TypeAlias = tuple[str | int, ...]


class YamlError(ValueError):
    """The text isn't YAML that we take. ``line`` and ``column`` count from 1."""

    def __init__(self, problem: str, line: int, column: int) -> None:
        super().__init__(f"line {line}, column {column}: {problem}")
        self.problem = problem
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a stream, and where its parts stand in the text (lines count from 1)."""

    value: Any
    line: int
    lines: dict[Path, int] = field(default_factory=dict)

    def line_of(self, path: str) -> int:
        """The line of a field named as in a field error (``spec.steps[0].run``), or of the nearest thing around it."""
        parts: Path = tuple(int(index) if index else name for index, name in re.findall(r"\[(\d+)\]|([^.\[\]]+)", path))
        while parts and parts not in self.lines:
            parts = parts[:-1]
        return self.lines.get(parts, self.line)


def load(text: str | bytes) -> Any:
    """The one document in ``text``, None when there is none. Raises YamlError, also when there are several."""
    documents = documents_of(text)
    if len(documents) > 1:
        raise YamlError("one document was expected, here a second begins", documents[1].line, 1)
    return documents[0].value if documents else None


def first(text: str | bytes, repeated: list[str]) -> Any:
    """The first document in ``text``, as Kubernetes reads what it is sent: what follows is not looked at; None when it is empty.

    Of a key that is given twice the last one counts, and ``repeated`` gets, in Kubernetes' words, where. ``yes``, ``on``, ``y`` and
    their opposites are booleans, keys too (YAML 1.1), and what no integer of 64 bits can say is a float. Raises YamlError.
    """
    builder = _Builder(repeated)
    for event in _events(text):
        if (document := builder.take(event)) is not None:
            return document.value
    return None


def load_all(text: str | bytes) -> list[tuple[Any, int]]:
    """Every document that isn't empty, with the line it begins at. Raises YamlError."""
    return [(document.value, document.line) for document in documents_of(text)]


def documents_of(text: str | bytes) -> list[Document]:
    """Every document that isn't empty, with the lines of its fields. Raises YamlError."""
    found: list[Document] = []
    builder = _Builder()
    for event in _events(text):
        if (document := builder.take(event)) is not None and document.value is not None:
            found.append(document)
    return found


def dump(value: Any) -> str:
    """YAML that reads back as ``value`` here, in Kubernetes and in YAML 1.1. Keys keep their order."""
    return yaml.dump(value, Dumper=_SafeTextDumper, sort_keys=False, default_flow_style=False, allow_unicode=True, width=120)


def dump_all(values: list[Any]) -> str:
    """A stream of documents."""
    return "---\n".join(dump(value) for value in values)


def _events(text: str | bytes) -> Iterator[Any]:
    try:
        yield from yaml.parse(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        told = ", ".join(part for part in (error.context, error.problem) if part)
        raise YamlError(told, mark.line + 1 if mark else 1, mark.column + 1 if mark else 1) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise YamlError(" ".join(str(error).split()), 1, 1) from None


class _Frame:
    """A mapping or sequence being built."""

    __slots__ = ("anchor", "into", "key", "merges", "merging", "nodes", "path", "waiting")

    def __init__(self, into: dict[str, Any] | list[Any], anchor: str | None, path: Path) -> None:
        self.into = into
        self.anchor = anchor
        self.path = path
        self.key = ""
        self.waiting = isinstance(into, dict)
        """A mapping's next node is a key."""
        self.merging = False
        """The key is ``<<``, unquoted: what comes is merged."""
        self.merges: list[Any] = []
        self.nodes = 1


class _Builder:
    """Builds values from parse events; alias budget and anchors are per stream and per document."""

    def __init__(self, repeated: list[str] | None = None) -> None:
        self.repeated = repeated
        """Where to tell of keys that are there twice, if that is no error."""
        self.stack: list[_Frame] = []
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.lines: dict[Path, int] = {}
        self.line = 1
        self.value: Any = None
        self.budget = MAX_ALIASED_NODES

    def take(self, event: Any) -> Document | None:
        """Digest one event; the document that it ends, if it ends one."""
        if isinstance(event, yaml.DocumentStartEvent):
            self.anchors, self.lines, self.value, self.line = {}, {}, None, 0
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self._open(event)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._close(event)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.DocumentEndEvent):
            return Document(self.value, self.line, self.lines)
        return None

    def _place(self, event: Any) -> Path:
        """The path of the node that begins here; remembers its line."""
        line = event.start_mark.line + 1
        if not self.stack:
            self.line = line
            return ()
        top = self.stack[-1]
        path = (*top.path, top.key if isinstance(top.into, dict) else len(top.into))
        if isinstance(top.into, list):
            self.lines[path] = line
        return path

    def _open(self, event: Any) -> None:
        if self.stack and self.stack[-1].waiting:
            raise _error(event, "a key must be a string")
        if len(self.stack) >= MAX_DEPTH:
            raise _error(event, f"nested deeper than {MAX_DEPTH} levels")
        mapping = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (None, "!", _TAG + ("map" if mapping else "seq")):
            raise _error(event, f"the tag {event.tag!r} is not supported")
        self.stack.append(_Frame({} if mapping else [], event.anchor, self._place(event)))

    def _close(self, event: Any) -> None:
        frame = self.stack.pop()
        for merged in frame.merges:
            for source in merged if isinstance(merged, list) else [merged]:
                if not isinstance(source, dict):
                    raise _error(event, "what '<<' merges must be a mapping")
                for key, value in source.items():
                    frame.into.setdefault(key, value)  # type: ignore[union-attr]
        self._put(frame.into, frame.anchor, frame.nodes)

    def _scalar(self, event: Any) -> None:
        if self.stack and self.stack[-1].waiting:
            self._key(event)
            return
        self._place(event)
        value = self._said(event)
        if self.repeated is not None and type(value) is int and not -(2**63) <= value < 2**64:
            value = float(value)
        self._put(value, event.anchor, 1)

    def _said(self, event: Any) -> Any:
        """What a scalar means to whoever reads."""
        if self.repeated is not None and event.implicit[0] and event.value in _OLD_WORDS and event.tag in (None, ""):
            return _OLD_WORDS[event.value]
        return _scalar(event)

    def _key(self, event: Any) -> None:
        frame = self.stack[-1]
        value = self._said(event)
        if value is None:
            raise _error(event, "a key must not be null")
        key = value if isinstance(value, str) else {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
        frame.waiting = False
        frame.key = key
        frame.merging = key == "<<" and event.implicit[0]
        if frame.merging:
            return
        if key in frame.into:
            if self.repeated is None:
                raise _error(event, f"the key {key!r} is there twice, first in line {self.lines[(*frame.path, key)]}")
            self.repeated.append(f'line {event.start_mark.line + 1}: key "{key}" already set in map')
        self.lines[(*frame.path, key)] = event.start_mark.line + 1

    def _alias(self, event: Any) -> None:
        if self.stack and self.stack[-1].waiting:
            raise _error(event, "a key must be a string, not an alias")
        if event.anchor not in self.anchors:
            cyclic = any(frame.anchor == event.anchor for frame in self.stack)
            raise _error(event, f"the alias {event.anchor!r} " + ("contains itself" if cyclic else "is not defined before"))
        value, nodes = self.anchors[event.anchor]
        self.budget -= nodes
        if self.budget < 0:
            raise _error(event, f"aliases stand for more than {MAX_ALIASED_NODES} nodes")
        self._place(event)
        self._put(copied(value), None, nodes)

    def _put(self, value: Any, anchor: str | None, nodes: int) -> None:
        if anchor:
            self.anchors[anchor] = (value, nodes)
        if not self.stack:
            self.value = value
            return
        top = self.stack[-1]
        top.nodes += nodes
        if isinstance(top.into, list):
            top.into.append(value)
        else:
            if top.merging:
                top.merges.append(value)
            else:
                top.into[top.key] = value
            top.waiting = True


def _error(event: Any, problem: str) -> YamlError:
    return YamlError(problem, event.start_mark.line + 1, event.start_mark.column + 1)


def _scalar(event: Any) -> Any:
    text = event.value
    if event.tag in (None, ""):
        if not event.implicit[0]:
            return text
        value = _plain(text)
    elif event.tag in ("!", _TAG + "str"):
        return text
    elif event.tag in (_TAG + "int", _TAG + "float", _TAG + "bool", _TAG + "null"):
        value = _plain(text)
        kind = {"int": int, "float": (int, float), "bool": bool, "null": type(None)}[event.tag.removeprefix(_TAG)]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise _error(event, f"{text!r} is not of the type that its tag says")
    else:
        raise _error(event, f"the tag {event.tag!r} is not supported")
    if isinstance(value, str) and _NOT_JSON.fullmatch(text):
        raise _error(event, f"{text} can't be said in JSON")
    return value


def _plain(text: str) -> Any:
    """What a plain scalar means."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789" or len(text) > 400:
        return text
    if _INT.fullmatch(text):
        digits = text.replace("_", "")
        sign = -1 if digits[0] == "-" else 1
        digits = digits.lstrip("+-")
        if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
            return sign * int(digits, 8)
        return sign * int(digits, 0)
    if _FLOAT.fullmatch(text) and any(character.isdigit() for character in text):
        number = float(text.replace("_", ""))
        if number in (float("inf"), float("-inf")):
            return text
        return int(number) if number.is_integer() and abs(number) < 2**53 else number
    return text


class _SafeTextDumper(_Dumper):  # type: ignore[misc,valid-type]
    """Quotes what any reader might take for something else than a string; writes lines as blocks; never writes aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: Any, text: str) -> Any:
    style = None
    if "\n" in text and not any(line != line.rstrip() for line in text.split("\n")) and text.isprintable() is False:
        style = "|"
    elif text and (_plain(text) is not text or _NOT_JSON.fullmatch(text)):
        style = "'"
    return dumper.represent_scalar(_TAG + "str", text, style=style)


_SafeTextDumper.add_representer(str, _represent_text)
