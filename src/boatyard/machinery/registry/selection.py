"""Which objects a list or a watch is about."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from boatyard.machinery.meta.errors import BadRequest
from boatyard.machinery.meta.selectors import FieldRequirement, FieldSelector, LabelSelector, as_text
from boatyard.machinery.registry import documents, keys
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.store.store import Change, Route

_PLAIN = re.compile("[A-Za-z0-9._-]+")
"""Text that is the same in JSON."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Label and field selectors, compiled for one kind."""

    labels: LabelSelector
    fields: FieldSelector
    """Paths in the object; requirements on name and namespace are kept apart."""
    place: tuple[FieldRequirement, ...]
    needles: tuple[bytes, ...] = ()
    """Bytes that stand in every document that matches: most others are told apart without decoding anything."""

    @classmethod
    def of(cls, kind: Kind, label_selector: str = "", field_selector: str = "") -> Selection:
        """Raises BadRequest when a selector can't be read or the kind has no such field selector."""
        place: list[FieldRequirement] = []
        fields: list[FieldRequirement] = []
        for requirement in FieldSelector.parse(field_selector).requirements if field_selector else ():
            if requirement.path in ("metadata.name", "metadata.namespace"):
                place.append(requirement)
            elif requirement.path in kind.fields:
                fields.append(FieldRequirement(kind.fields[requirement.path], requirement.value, requirement.negated))
            else:
                raise BadRequest(_unknown(kind, requirement.path))
        labels = LabelSelector.parse(label_selector) if label_selector else LabelSelector()
        return cls(labels, FieldSelector(tuple(fields)), tuple(place), tuple(_needles(labels, fields)))

    @property
    def node(self) -> str:
        """The one node whose pods are selected; empty when there is none such."""
        nodes = [one.value for one in self.fields.requirements if one.path == "spec.nodeName" and not one.negated]
        return nodes[0] if len(nodes) == 1 else ""

    def __bool__(self) -> bool:
        """Whether anything is left out."""
        return bool(self.labels) or bool(self.fields) or bool(self.place)

    @property
    def name(self) -> str | None:
        """The one name that can match, if only one can."""
        return next((r.value for r in self.place if r.path == "metadata.name" and not r.negated), None)

    @property
    def route(self) -> Route | None:
        """A value that whatever matches has, or had; None when there is no single one. What is on the route still has to match."""
        if (name := self.name) is not None:
            return Route(_name, name)
        for label in self.labels.requirements:
            if label.operator == "In" and len(label.values) == 1:
                return Route(_label_values(label.key), label.values[0])
        for one in self.fields.requirements:
            if not one.negated:
                return Route(_field_values(one.path), one.value)
        return None

    def matches(self, key: str, value: bytes) -> bool:
        """Whether the document under ``key`` is chosen."""
        if self.place:
            namespace, name = keys.place(key)
            for requirement in self.place:
                found = name if requirement.path == "metadata.name" else namespace
                if (found == requirement.value) == requirement.negated:
                    return False
        for needle in self.needles:
            if needle not in value:
                return False
        if self.labels and not self.labels.matches(documents.labels(value)):
            return False
        for one in self.fields.requirements:
            if (as_text(documents.field_reader(one.path)(value)) == one.value) == one.negated:
                return False
        return True


def _needles(labels: LabelSelector, fields: Iterable[FieldRequirement]) -> Iterable[bytes]:
    """Documents are compact JSON (see :mod:`~boatyard.machinery.registry.documents`)."""
    for label in labels.requirements:
        if label.operator == "In" and len(label.values) == 1:
            yield msgspec.json.encode({label.key: label.values[0]})[1:-1]
    for one in fields:
        if not one.negated and _PLAIN.fullmatch(one.value):
            yield one.value.encode()  # without quotes: it may be the text of a number or a boolean


def _unknown(kind: Kind, path: str) -> str:
    if kind.fields or kind.custom is not None:
        return f"field label not supported: {path}"
    return f'"{path}" is not a known field selector: only "metadata.name", "metadata.namespace"'


def _name(change: Change) -> Iterable[str]:
    return (keys.place(change.key)[1],)


@lru_cache(maxsize=256)
def _label_values(key: str) -> Callable[[Change], Iterable[str]]:
    def values(change: Change) -> Iterable[str]:
        found = documents.labels(change.value).get(key)
        before = documents.labels(change.previous).get(key) if change.previous is not None else None
        return [value for value in dict.fromkeys((found, before)) if value is not None]

    return values


@lru_cache(maxsize=256)
def _field_values(path: str) -> Callable[[Change], Iterable[str]]:
    read = documents.field_reader(path)

    def values(change: Change) -> Iterable[str]:
        before = change.value if change.previous is None else change.previous
        return dict.fromkeys((as_text(read(change.value)), as_text(read(before))))

    return values
