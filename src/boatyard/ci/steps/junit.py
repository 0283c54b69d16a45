"""Reading test reports in JUnit's XML format: hostile input, read as a stream, bounded in size, depth, number and memory."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

MAX_FILE_BYTES = 32 * 1024 * 1024
MAX_DEPTH = 64
MAX_ELEMENTS_IN_CASE = 10_000
MAX_CASES = 1_000_000
"""In all reports together."""
MAX_FAILURES = 20
"""Kept with their message."""
MAX_MESSAGE = 500
"""Characters of a failure's message."""
MAX_NAME = 200


@dataclass
class Report:
    """The sum of all reports read so far."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    files: int = 0
    failures: list[dict[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.passed + self.failed + self.skipped

    def problem(self, told: str) -> None:
        """Note what couldn't be read, up to 20 times."""
        if len(self.problems) < 20:
            self.problems.append(told)


class _TooMuch(Exception):
    """The report breaks a limit; the message says which."""


class _Bounded:
    """A stream that ends in an error after so many bytes."""

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self._file, self._left, self._limit = file, limit, limit

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(min(size, 65536) if size > 0 else 65536)
        self._left -= len(data)
        if self._left < 0:
            raise _TooMuch(f"larger than {self._limit >> 20} MiB")
        return data


def read(report: Report, name: str, file: IO[bytes], *, limit: int = MAX_FILE_BYTES) -> None:
    """Add one file to the report. Never raises for what the file holds: what is wrong becomes a problem, what was read counts."""
    report.files += 1
    try:
        for case in _cases(_Bounded(file, limit)):
            if report.total >= MAX_CASES:
                raise _TooMuch(f"more than {MAX_CASES} test cases in all")
            _count(report, name, case)
    except ParseError as error:
        report.problem(f"{name}: not well-formed XML: {str(error)[:200]}")
    except DefusedXmlException as error:
        report.problem(f"{name}: refused, it defines entities or refers to others ({type(error).__name__})")
    except _TooMuch as error:
        report.problem(f"{name}: cut off, it is {error}")
    except (ValueError, LookupError) as error:
        report.problem(f"{name}: can't be read: {str(error)[:200]}")


def _cases(file: _Bounded) -> Iterator[Any]:
    """Every finished ``testcase``. Elements are dropped as soon as they are over, so that memory doesn't grow with the file."""
    path: list[Any] = []
    cases = inside = 0  # the path's test cases; elements begun since one began
    for event, element in iterparse(file, events=("start", "end"), forbid_dtd=False):  # type: ignore[arg-type]
        if event == "start":
            path.append(element)
            if _local(element.tag) == "testcase":
                cases, inside = cases + 1, 0
            else:
                inside += 1
            if inside > MAX_ELEMENTS_IN_CASE and cases:
                raise _TooMuch(f"a test case with more than {MAX_ELEMENTS_IN_CASE} elements")
            if len(path) > MAX_DEPTH:
                raise _TooMuch(f"nested deeper than {MAX_DEPTH} levels")
            continue
        path.pop()
        tag = _local(element.tag)
        if tag == "testcase":
            cases -= 1
            yield element
        if not cases:
            element.clear()
            if path:
                path[-1].clear()
        elif tag in ("system-out", "system-err", "properties"):
            element.clear()


def _count(report: Report, name: str, case: Any) -> None:
    report.seconds += _seconds(case.get("time"))
    outcome, told = "passed", ""
    for child in case:
        tag = _local(child.tag)
        if tag in ("failure", "error"):
            outcome = "failed"
            told = told or child.get("message") or child.text or child.get("type") or ""
        elif tag == "skipped" and outcome == "passed":
            outcome = "skipped"
    setattr(report, outcome, getattr(report, outcome) + 1)
    if outcome == "failed" and len(report.failures) < MAX_FAILURES:
        full = ".".join(part for part in (case.get("classname"), case.get("name")) if part) or "(without a name)"
        report.failures.append({"name": _line(full, MAX_NAME), "message": _text(told, MAX_MESSAGE), "file": _line(name, MAX_NAME)})


def _local(tag: Any) -> str:
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _seconds(text: str | None) -> float:
    try:
        value = float((text or "0").replace(",", ""))
    except ValueError:
        return 0.0
    return value if math.isfinite(value) and 0 <= value < 1e7 else 0.0


def _line(text: str, limit: int) -> str:
    return "".join(character for character in text[: limit * 2] if character.isprintable())[:limit]


def _text(text: str, limit: int) -> str:
    clean = "".join(character for character in text[: limit * 2].strip() if character.isprintable() or character in "\n\t")
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"
