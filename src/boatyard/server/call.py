"""One authenticated request, as the endpoints see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

from aiohttp import web

from boatyard.machinery.meta.errors import BadRequest, FieldError, Invalid, invalid
from boatyard.machinery.registry.caller import Caller
from boatyard.machinery.registry.request import FieldValidation
from boatyard.server.media import Form, negotiate

_OPTIONS = {"POST": "CreateOptions", "PUT": "UpdateOptions", "PATCH": "PatchOptions", "DELETE": "DeleteOptions"}


@dataclass(slots=True)
class Call:
    """Who asks for what. ``warnings`` go out as Warning headers."""

    request: web.Request
    caller: Caller
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
        for value in asked:
            if value != "All":
                raise self.unsupported("dryRun", value, "All")
        return bool(asked)

    def field_validation(self) -> FieldValidation:
        """Raises Invalid."""
        value = self.query.get("fieldValidation") or "Warn"
        for known in get_args(FieldValidation):
            if value == known:
                return known
        raise self.unsupported("fieldValidation", value, "Ignore", "Strict", "Warn")

    def unsupported(self, field: str, value: str, *known: str) -> Invalid:
        """An option of this call has a value that isn't one of ``known``."""
        told = f'Unsupported value: "{value}": supported values: ' + ", ".join(f'"{name}"' for name in known)
        options = _OPTIONS.get(self.request.method, "ListOptions")
        return invalid(options, "meta.k8s.io", "", [FieldError(field, "FieldValueNotSupported", told)])

    def field_manager(self) -> str:
        """Who owns what this call writes: as said, else the program's name as Kubernetes takes it from the user agent."""
        manager = self.query.get("fieldManager") or self.request.headers.get("User-Agent", "").partition("/")[0]
        if len(manager) > 128 or not manager.isprintable():
            raise BadRequest("fieldManager: must be at most 128 printable characters")
        return manager or "unknown"
