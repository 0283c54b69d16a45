"""Errors as the Kubernetes API tells them: one class per ``Status.reason``, each able to become a ``Status`` and back.

Field errors (:class:`FieldError`) are collected, never raised one by one: a bad document is refused once, with every wrong field.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from boatyard.machinery.meta.quoting import quoted


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field.

    ``type`` is Kubernetes' cause reason: FieldValueRequired, FieldValueInvalid, FieldValueNotSupported, FieldValueDuplicate,
    FieldValueForbidden, FieldValueTypeInvalid, FieldValueTooLong, FieldValueTooMany, FieldValueNotFound.
    ``message`` is the whole sentence without the path (``Invalid value: "x": must be …``).
    """

    path: str
    type: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


@dataclass
class ApiError(Exception):
    """A call was refused or failed. ``details`` and ``causes`` are those of ``Status``."""

    message: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    code: ClassVar[int] = 500
    reason: ClassVar[str] = "InternalError"

    def __str__(self) -> str:
        return self.message

    def to_status(self) -> dict[str, Any]:
        """The ``Status`` object that a server answers with."""
        status: dict[str, Any] = {
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code,
        }  # fmt: skip
        if self.details:
            status["details"] = self.details
        return status


class BadRequest(ApiError):
    """The request itself can't be understood."""

    code, reason = 400, "BadRequest"


class Unauthorized(ApiError):
    """Nobody we know is asking."""

    code, reason = 401, "Unauthorized"


class Forbidden(ApiError):
    """Who asks may not do this."""

    code, reason = 403, "Forbidden"


class NotFound(ApiError):
    """No such object, or no such resource type."""

    code, reason = 404, "NotFound"


class MethodNotAllowed(ApiError):
    """This resource has no such verb."""

    code, reason = 405, "MethodNotAllowed"


class NotAcceptable(ApiError):
    """None of the media types asked for can be given."""

    code, reason = 406, "NotAcceptable"


class Conflict(ApiError):
    """The object changed since it was read, or another manager owns the field. Read again."""

    code, reason = 409, "Conflict"


class AlreadyExists(Conflict):
    """An object of that name exists."""

    code, reason = 409, "AlreadyExists"


@dataclass
class Gone(ApiError):
    """The revision asked for is compacted away: list again."""

    continue_token: str = ""
    """Of a list's next page: what gives the rest as it is now, which may not fit what came before."""

    code, reason = 410, "Expired"

    def to_status(self) -> dict[str, Any]:
        status = super().to_status()
        if self.continue_token:
            status["metadata"] = {"continue": self.continue_token}
        return status


class RequestEntityTooLarge(ApiError):
    """The body is over the limit."""

    code, reason = 413, "RequestEntityTooLarge"


class UnsupportedMediaType(ApiError):
    """The body's content type is not one this call takes."""

    code, reason = 415, "UnsupportedMediaType"


class Invalid(ApiError):
    """The document breaks its schema or a rule; ``causes`` names every wrong field."""

    code, reason = 422, "Invalid"


class TooManyRequests(ApiError):
    """Come back later; ``details.retryAfterSeconds`` says when."""

    code, reason = 429, "TooManyRequests"


class InternalError(ApiError):
    """A fault of ours."""

    code, reason = 500, "InternalError"


class ServiceUnavailable(ApiError):
    """Not ready to answer, or out of reach."""

    code, reason = 503, "ServiceUnavailable"


class ServerTimeout(ApiError):
    """The call took too long; it may or may not have been carried out."""

    code, reason = 504, "Timeout"


_BY_REASON = {
    kind.reason: kind
    for kind in (
        BadRequest, Unauthorized, Forbidden, NotFound, MethodNotAllowed, NotAcceptable, Conflict, AlreadyExists, Gone,
        RequestEntityTooLarge, UnsupportedMediaType, Invalid, TooManyRequests, InternalError, ServiceUnavailable, ServerTimeout,
    )
}  # fmt: skip
_BY_CODE = {400: BadRequest, 401: Unauthorized, 403: Forbidden, 404: NotFound, 405: MethodNotAllowed, 406: NotAcceptable,
            409: Conflict, 410: Gone, 413: RequestEntityTooLarge, 415: UnsupportedMediaType, 422: Invalid, 429: TooManyRequests,
            503: ServiceUnavailable, 504: ServerTimeout}  # fmt: skip


def from_status(status: dict[str, Any]) -> ApiError:
    """The error a ``Status`` tells of; unknown reasons fall back to the code, unknown codes to :class:`InternalError`."""
    kind = _BY_REASON.get(status.get("reason", "")) or _BY_CODE.get(status.get("code", 500), InternalError)
    error = kind(status.get("message", ""), status.get("details") or {})
    if isinstance(error, Gone):
        error.continue_token = (status.get("metadata") or {}).get("continue", "")
    return error


def not_found(group_resource: str, name: str) -> NotFound:
    """``pods "x" not found``, worded and detailed as Kubernetes does."""
    plural, _, group = group_resource.partition(".")
    return NotFound(f'{group_resource} "{name}" not found', _details(name, group, plural))


def already_exists(group_resource: str, name: str) -> AlreadyExists:
    """``pods "x" already exists``."""
    plural, _, group = group_resource.partition(".")
    return AlreadyExists(f'{group_resource} "{name}" already exists', _details(name, group, plural))


def conflict(group_resource: str, name: str, why: str) -> Conflict:
    """``Operation cannot be fulfilled on pods "x": why``."""
    plural, _, group = group_resource.partition(".")
    return Conflict(f'Operation cannot be fulfilled on {group_resource} "{name}": {why}', _details(name, group, plural))


def invalid(kind: str, group: str, name: str, errors: list[FieldError]) -> Invalid:
    """``Pod "x" is invalid: …`` with one cause per wrong field."""
    told = str(errors[0]) if len(errors) == 1 else "[" + ", ".join(str(error) for error in errors) + "]"
    kind_and_group = f"{kind}.{group}" if group else kind
    details = _details(name, group, kind)
    details["causes"] = [{"reason": e.type, "message": e.message, "field": e.path} for e in errors]
    return Invalid(f"{kind_and_group} {quoted(name)} is invalid: {told}", details)


def _details(name: str, group: str, kind: str) -> dict[str, Any]:
    details: dict[str, Any] = {"name": name} if name else {}
    if group:
        details["group"] = group
    details["kind"] = kind
    return details
