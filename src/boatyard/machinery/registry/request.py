"""One write as the verbs hand it to each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from boatyard.machinery.patch.managers import Manager
from boatyard.machinery.registry.authorizer import AllowAll, Authorizer
from boatyard.machinery.registry.caller import Caller
from boatyard.machinery.registry.kind import Kind

FieldValidation: TypeAlias = Literal["Strict", "Warn", "Ignore"]


@dataclass(slots=True)
class Request:
    """Who writes what, and how."""

    caller: Caller
    kind: Kind
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    field_manager: str = ""
    dry_run: bool = False
    field_validation: FieldValidation = "Warn"
    """What to do about fields that the schema doesn't know: refuse, warn and drop, or only drop."""
    warnings: list[str] = field(default_factory=list)
    """What the caller should be told although the write went through."""
    authorizer: Authorizer = field(default_factory=AllowAll)
    """Asked again about what only the document tells: which rights it would give away."""
    difference: Any = None
    """What is sent, when the write is a patch other than an apply."""
    accepted: bool = False
    """All of the document was found right as it was sent: what it got since are defaults."""
    applying: bool = False
    """The write says itself who owns what: a server-side apply, or one through scale."""
    managers: list[Manager] = field(default_factory=list)
    """Who owns what of the stored object; of an apply, once it has merged, who owns what then."""
    door: str = ""
    """The subresource that was written to, where the object itself is changed in its name (``scale``)."""
