"""One authenticated request, as the endpoints see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

from aiohttp import web

from boatyard.machinery.meta import field_errors
from boatyard.machinery.meta.errors import BadRequest, FieldError, Invalid, invalid
from boatyard.machinery.meta.field_errors import too_long, unsupported
from boatyard.machinery.registry.caller import Caller
from boatyard.machinery.registry.request import FieldValidation
from boatyard.server.media import Form, negotiate

_LONGEST_MANAGER_BYTES = 128
_OPTIONS = {"POST": "CreateOptions", "PUT": "UpdateOptions", "PATCH": "PatchOptions", "DELETE": "DeleteOptions"}


@dataclass(slots=True)
class Call:
    """Who asks for what. ``warnings`` go out as Warning headers."""

    request: web.Request
    caller: Caller
    authenticated: Caller
    """Who proved to be whom; the caller may be somebody else, whom it impersonates."""
    warnings: list[str] = field(default_factory=list)
    plural: str = ""
    """The served type that the address names, if it does."""

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query

    def form(self) -> Form:
        """Raises NotAcceptable."""
        return negotiate(", ".join(self.request.headers.getall("Accept", ())))

    def flag(self, name: str) -> bool:
        """A boolean parameter: absent, ``0`` and ``false`` are no, everything else is yes, as Kubernetes has it."""
        return self.query.get(name, "false").lower() not in ("0", "false")

    def number(self, name: str, *, signed: bool = False) -> int | None:
        """A whole number, of at least 0 unless ``signed``. Raises BadRequest."""
        value = self.query.get(name)
        if not value:
            return None
        digits = value.removeprefix("-") if signed else value
        if not digits.isascii() or not digits.isdigit() or len(digits) > 15:
            raise BadRequest(f"{name}={value}: must be a number")
        return int(value)

    def dry_run(self, asked: list[str] | None = None) -> bool:
        """Whether nothing may be written. Raises Invalid for anything but ``All``."""
        asked = (asked or []) + self.request.query.getall("dryRun", [])
        if any(value != "All" for value in asked):
            raise self.wrong(unsupported("dryRun", asked, ("All",)))
        return bool(asked)

    def field_validation(self) -> FieldValidation:
        """Raises Invalid."""
        value = self.query.get("fieldValidation") or "Warn"
        for known in get_args(FieldValidation):
            if value == known:
                return known
        raise self.wrong(unsupported("fieldValidation", value, ("", "Ignore", "Strict", "Warn")))

    def wrong(self, *errors: FieldError) -> Invalid:
        """The options of this call are refused."""
        return invalid(_OPTIONS.get(self.request.method, "ListOptions"), "meta.k8s.io", "", list(errors))

    def field_manager(self) -> str:
        """Who owns what this call writes: as said, else the program's name as Kubernetes takes it from the user agent.

        Raises Invalid.
        """
        manager = self.query.get("fieldManager", "")
        if len(manager.encode()) > _LONGEST_MANAGER_BYTES:
            raise self.wrong(too_long("fieldManager", _LONGEST_MANAGER_BYTES))
        for at, character in enumerate(manager):
            if not character.isprintable():
                told = f"invalid character U+{ord(character):04X} (at position {at})"
                raise self.wrong(field_errors.invalid("fieldManager", manager, told))
        if manager:
            return manager
        agent = self.request.headers.get("User-Agent", "").partition("/")[0]
        return "".join(character for character in agent if character.isprintable())[:_LONGEST_MANAGER_BYTES] or "unknown"
