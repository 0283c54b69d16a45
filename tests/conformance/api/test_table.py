"""The README of the server says what this suite proves, no more and no less."""

from __future__ import annotations

from .table import in_readme, made


def test_the_readme_has_the_table_of_this_suite() -> None:
    assert in_readme() == made(), "make it anew: PYTHONPATH=tests .venv/bin/python -m conformance.api.table"
