"""What one kind does differently: hooks that the verbs call. The default does nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.objects import Object

if TYPE_CHECKING:
    from boatyard.machinery.registry.caller import Caller
    from boatyard.machinery.registry.ledger import Ledger


class Strategy:
    """Hooks of a kind. ``obj`` is the new object and may be changed in place; ``old`` must not be."""

    tells_deletion = False
    """Whether who deletes an object that goes at once sees in the answer that it was marked first."""
    marked_first = False
    """Whether the first deletion only marks, even where nothing keeps the object: its next write, or the next deletion, ends it."""

    def read(self, obj: Object) -> None:
        """What reading a document into Go's types makes of it, beyond its schema's defaults: it counts as said by its sender."""

    def prepare_create(self, ledger: Ledger, caller: Caller, obj: Object) -> None:
        """Fill in what a new object needs beyond its schema's defaults. Raises ApiError to refuse."""

    def abandon(self, ledger: Ledger, namespace: str, name: str) -> None:
        """Take back what ``prepare_*`` reserved: the write was refused, or it was only a dry run."""

    def validate_create(self, obj: Object) -> list[FieldError]:
        """What is wrong with a new object that its schema can't say."""
        return []

    def validate_sent(self, obj: Object, old: Object) -> list[FieldError]:
        """What is wrong with a replacement that nobody can tell once it is in the form in which it is kept."""
        return []

    def prepare_update(self, ledger: Ledger, caller: Caller, obj: Object, old: Object, subresource: str) -> None:
        """Keep what this kind doesn't let a caller change."""

    def validate_update(self, obj: Object, old: Object, subresource: str) -> list[FieldError]:
        """What may not change, and what is wrong with what changed."""
        return []

    def delete_grace_seconds(self, obj: Object, asked: int | None) -> int:
        """How long whoever runs this may take to end it before it goes. 0: it goes at once."""
        return 0

    def prepare_delete(self, ledger: Ledger, obj: Object) -> None:
        """Mark the object when it is about to wait for its finalizers. Raises ApiError to refuse."""

    def holds(self, obj: Object) -> bool:
        """Whether something besides ``metadata.finalizers`` keeps a deleted object from going."""
        return False
