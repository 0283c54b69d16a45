"""Which objects a list or a watch is about."""

from __future__ import annotations

from dataclasses import dataclass

from boatyard.machinery.meta.errors import BadRequest
from boatyard.machinery.meta.selectors import FieldRequirement, FieldSelector, LabelSelector, as_text
from boatyard.machinery.registry import documents, keys
from boatyard.machinery.registry.kind import Kind


@dataclass(frozen=True, slots=True)
class Selection:
    """Label and field selectors, compiled for one kind."""

    labels: LabelSelector
    fields: FieldSelector
    """Paths in the object; requirements on name and namespace are kept apart."""
    place: tuple[FieldRequirement, ...]

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
                raise BadRequest(f"field label not supported: {requirement.path}")
        labels = LabelSelector.parse(label_selector) if label_selector else LabelSelector()
        return cls(labels, FieldSelector(tuple(fields)), tuple(place))

    def __bool__(self) -> bool:
        """Whether anything is left out."""
        return bool(self.labels) or bool(self.fields) or bool(self.place)

    @property
    def name(self) -> str | None:
        """The one name that can match, if only one can."""
        return next((r.value for r in self.place if r.path == "metadata.name" and not r.negated), None)

    def matches(self, key: str, value: bytes) -> bool:
        """Whether the document under ``key`` is chosen."""
        if self.place:
            namespace, name = keys.place(key)
            for requirement in self.place:
                found = name if requirement.path == "metadata.name" else namespace
                if (found == requirement.value) == requirement.negated:
                    return False
        if self.labels and not self.labels.matches(documents.labels(value)):
            return False
        return all((as_text(documents.field_reader(r.path)(value)) == r.value) != r.negated for r in self.fields.requirements)
