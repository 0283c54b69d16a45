"""What a test proves, and of whom: from this the table in the README of ``server`` is made.

``@feature("bookmarks when asked for")`` names a line of the table; its section is the ``SECTION`` of the test's module. A test that
takes ``client`` runs on all subjects, one that takes ``wire`` on those with HTTP, one that takes ``cluster`` on those of
:mod:`clusters`. ``@without("kubernetes", because="…")`` leaves a subject out, and the table says why.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any, NamedTuple, TypeVar

from .clusters import CLUSTERS
from .subjects import SUBJECTS

Test = TypeVar("Test", bound=Callable[..., Any])
OVER_HTTP = tuple(name for name in SUBJECTS if name != "embedded")


class Without(NamedTuple):
    """A subject that doesn't take a test."""

    subject: str
    because: str


def feature(name: str, *, section: str = "") -> Callable[[Test], Test]:
    """The test proves ``name``. Several tests may prove the same. ``section`` is for one that stands in another's module."""

    def mark(test: Test) -> Test:
        test.feature = name  # type: ignore[attr-defined]
        test.section = section  # type: ignore[attr-defined]
        return test

    return mark


def without(subject: str, *, because: str) -> Callable[[Test], Test]:
    """The test isn't for ``subject``."""
    assert subject in SUBJECTS

    def mark(test: Test) -> Test:
        test.without = (*getattr(test, "without", ()), Without(subject, because))  # type: ignore[attr-defined]
        return test

    return mark


def slow_on(subject: str) -> Callable[[Test], Test]:
    """``subject`` takes the test in the long tier only: it waits by itself, for many seconds."""

    def mark(test: Test) -> Test:
        test.slow_on = subject  # type: ignore[attr-defined]
        return test

    return mark


def subjects_of(test: Callable[..., Any]) -> tuple[str, ...]:
    """Who takes a test."""
    taken = signature(test).parameters
    able = tuple(CLUSTERS) if "cluster" in taken else OVER_HTTP if "wire" in taken else tuple(SUBJECTS)
    left_out = {found.subject for found in getattr(test, "without", ())}
    return tuple(name for name in able if name not in left_out)
