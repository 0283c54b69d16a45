"""The table in the README of ``server``, made from the suite: what is proved, of whom, and what is refused.

PYTHONPATH=tests .venv/bin/python -m conformance.api.table
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from .clusters import CLUSTERS
from .features import Without, subjects_of
from .refusals import REFUSALS
from .subjects import SUBJECTS

README = Path(__file__).parents[3] / "src/boatyard/server/README.md"
BEGIN, END = "<!-- made by tests/conformance/api/table.py -->\n", "<!-- made until here -->\n"


class Proof(NamedTuple):
    """All tests of one feature."""

    subjects: frozenset[str]
    without: tuple[Without, ...]


def made() -> str:
    """The two tables."""
    lines = ["| | supported | proved with |", "|---|---|---|"]
    for section, features in sorted(_sections().items()):
        for number, (name, proof) in enumerate(features.items()):
            lines.append(f"| {'' if number else f'**{section}**'} | {_cell(name)} | {_with(proof)} |")
    lines += ["", "| not supported | answer |", "|---|---|"]
    lines += [f"| {_cell(one.what)} | {one.code} `{_cell(one.message)}` |" for one in REFUSALS]
    return "\n".join((*lines, ""))


def in_readme() -> str:
    """What the README holds now."""
    return README.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]


def write() -> None:
    """Bring the README up to date."""
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    README.write_text(before + BEGIN + made() + END + rest.partition(END)[2], encoding="utf-8")


def _sections() -> dict[str, dict[str, Proof]]:
    sections: dict[str, dict[str, Proof]] = {}
    for section, name, test in _tests():
        features = sections.setdefault(section, {})
        known = features.get(name, Proof(frozenset(), ()))
        left_out = tuple(dict.fromkeys((*known.without, *getattr(test, "without", ()))))
        features[name] = Proof(known.subjects | set(subjects_of(test)), left_out)
    return sections


def _tests() -> Iterator[tuple[str, str, Callable[..., Any]]]:
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        module = importlib.import_module(f"{__package__}.{path.stem}")
        for value in vars(module).values():
            if callable(value) and hasattr(value, "feature"):
                yield value.section or module.SECTION, value.feature, value


def _with(proof: Proof) -> str:
    if proof.subjects == set(SUBJECTS):
        return "registry, server, kube-apiserver"
    names = {"embedded": "registry", "served": "server", "kubernetes": "kube-apiserver", **{name: name for name in CLUSTERS}}
    proved = ", ".join(names[subject] for subject in names if subject in proof.subjects)
    why = "; ".join(f"{names[one.subject]} not: {one.because}" for one in proof.without if one.subject not in proof.subjects)
    return f"{proved} ({why})" if why else proved


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    write()
