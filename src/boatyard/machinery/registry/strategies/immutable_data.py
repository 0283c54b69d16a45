"""ConfigMaps and Secrets, whose data may be declared to be final."""

from __future__ import annotations

from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import forbidden
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry.strategy import Strategy


class ImmutableData(Strategy):
    """A map without entries isn't the one that was never there: to a kube-apiserver final data changed."""

    def __init__(self, *fields: str) -> None:
        self._fields = fields

    def validate_sent(self, obj: Object, old: Object) -> list[FieldError]:
        if not old.get("immutable"):
            return []
        changed = [field for field in self._fields if obj.get(field) == {} and field not in old]
        return [forbidden(field, "field is immutable when `immutable` is set") for field in changed]
