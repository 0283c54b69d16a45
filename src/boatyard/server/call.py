"""One authenticated request, as the endpoints see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast, get_args

from aiohttp import web

from boatyard.machinery.meta import field_errors
from boatyard.machinery.meta.errors import BadRequest, FieldError, Invalid, invalid
from boatyard.machinery.meta.field_errors import required, too_long, unsupported
from boatyard.machinery.registry.caller import Caller
from boatyard.machinery.registry.registry import WriteOptions
from boatyard.machinery.registry.request import FieldValidation
from boatyard.server.media import Form, negotiate

_LONGEST_MANAGER_BYTES = 128
_OPTIONS = {"POST": "CreateOptions", "PUT": "UpdateOptions", "PATCH": "PatchOptions", "DELETE": "DeleteOptions"}


def check_headers(headers: Mapping[str, str]) -> None:
    """Raises BadRequest when one holds bytes that are no text: nothing could be said about it, nor logged."""
    for name, value in headers.items():
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise BadRequest(f"the header {name} is not UTF-8") from None


def flag(query: Mapping[str, str], name: str) -> bool:
    """See :meth:`Call.flag`."""
    return query.get(name, "false").lower() not in ("0", "false")


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

    @property
    def accept(self) -> str:
        """The forms that are asked for."""
        return ", ".join(self.request.headers.getall("Accept", ()))

    def form(self) -> Form:
        """Raises NotAcceptable."""
        return negotiate(self.accept)

    def flag(self, name: str) -> bool:
        """A boolean parameter: absent, ``0`` and ``false`` are no, everything else is yes, as Kubernetes has it."""
        return flag(self.query, name)

    def number(self, name: str, *, signed: bool = False) -> int | None:
        """A whole number, of at least 0 unless ``signed``. Raises BadRequest."""
        value = self.query.get(name)
        if not value:
            return None
        digits = value.removeprefix("-" if value[0] == "-" else "+") if signed else value
        if not digits.isascii() or not digits.isdigit() or len(digits) > 15:
            raise BadRequest(f"{name}={value}: must be a number")
        return int(value)

    def dry_run(self, asked: list[str] | None = None) -> bool:
        """Whether nothing may be written. Raises Invalid for anything but ``All``."""
        asked = (asked or []) + self.request.query.getall("dryRun", [])
        if wrong := _dry_run_wrong(asked):
            raise self.wrong(*wrong)
        return bool(asked)

    def writing(self, *, applying: bool = False) -> WriteOptions:
        """The options of a write. Raises Invalid with all that is wrong with them."""
        dry_run = self.request.query.getall("dryRun", [])
        said = self.query.get("fieldManager", "")
        wrong = _dry_run_wrong(dry_run) + _manager_wrong(said, applying)
        if not applying and self.request.method == "PATCH" and "force" in self.query:
            wrong.append(field_errors.forbidden("force", "may not be specified for non-apply patch"))
        try:
            validation = self.field_validation()
        except Invalid as error:
            raise self.wrong(*wrong, *_unsupported_validation(self.query.get("fieldValidation"))) from error
        if wrong:
            raise self.wrong(*wrong)
        return {
            "field_manager": said or self._program(), "dry_run": bool(dry_run), "warnings": self.warnings,
            "field_validation": validation,
        }  # fmt: skip

    def field_validation(self) -> FieldValidation:
        """Raises Invalid."""
        value = self.query.get("fieldValidation") or "Warn"
        if value not in get_args(FieldValidation):
            raise self.wrong(*_unsupported_validation(value))
        return cast(FieldValidation, value)

    def wrong(self, *errors: FieldError) -> Invalid:
        """The options of this call are refused."""
        return invalid(_OPTIONS.get(self.request.method, "ListOptions"), "meta.k8s.io", "", list(errors))

    def _program(self) -> str:
        """Who owns what this call writes when it doesn't say: the program's name, as Kubernetes takes it from the user agent."""
        agent = self.request.headers.get("User-Agent", "").partition("/")[0]
        return "".join(character for character in agent if character.isprintable())[:_LONGEST_MANAGER_BYTES] or "unknown"


def _unsupported_validation(value: str | None) -> list[FieldError]:
    return [unsupported("fieldValidation", value, ("", "Ignore", "Strict", "Warn"))]


def _dry_run_wrong(asked: list[str]) -> list[FieldError]:
    # A list in Kubernetes' options, and shown as one.
    return [unsupported("dryRun", asked, ("All",))] if any(value != "All" for value in asked) else []


def _manager_wrong(manager: str, applying: bool) -> list[FieldError]:
    wrong = [required("fieldManager", "is required for apply patch")] if applying and not manager else []
    if len(manager.encode()) > _LONGEST_MANAGER_BYTES:
        wrong.append(too_long("fieldManager", _LONGEST_MANAGER_BYTES))
    for at, character in enumerate(manager):
        if not character.isprintable():
            told = f"invalid character U+{ord(character):04X} (at position {at})"
            wrong.append(field_errors.invalid("fieldManager", manager, told))
    return wrong
