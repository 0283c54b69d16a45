"""Rules for what is done to a container: probes, and what happens when it starts and stops."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from boatyard.machinery.meta import names
from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import forbidden, invalid, invalid_each, required
from boatyard.machinery.meta.objects import Object

PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
_OPTIONAL_ZERO = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")
_GRACE = "terminationGracePeriodSeconds"
_HEADER = "[-A-Za-z0-9]+"
_header = re.compile(_HEADER)
_HEADER_TOLD = (
    "a valid HTTP header must consist of alphanumeric characters or '-' "
    f"(e.g. 'X-Header-Name', regex used for validation is '{_HEADER}')"
)


def validate_probes(container: Object, grace_seconds: int, where: str) -> Iterator[FieldError]:
    """Every probe of a container."""
    for name in PROBES:
        probe, at = container.get(name), f"{where}.{name}"
        if probe is None:
            continue
        yield from _handler(probe, grace_seconds, at)
        for field in _OPTIONAL_ZERO:
            if probe.get(field, 0) < 0:
                yield invalid(f"{at}.{field}", probe[field], "must be greater than or equal to 0")
        grace = probe.get(_GRACE)
        if grace is not None and grace <= 0:
            yield invalid(f"{at}.{_GRACE}", grace, "must be greater than 0")
        if name == "readinessProbe":
            if grace is not None:
                yield invalid(f"{at}.{_GRACE}", grace, "must not be set for readinessProbes")
        elif probe.get("successThreshold", 1) != 1:
            yield invalid(f"{at}.successThreshold", probe["successThreshold"], "must be 1")


def validate_lifecycle(lifecycle: Object, grace_seconds: int, where: str) -> Iterator[FieldError]:
    """What is done when a container has started, and before it is stopped."""
    for name in ("postStart", "preStop"):
        if (handler := lifecycle.get(name)) is not None:
            yield from _handler(handler, grace_seconds, f"{where}.{name}")


def _handler(handler: Object, grace_seconds: int, where: str) -> Iterator[FieldError]:
    kinds = [kind for kind in _HANDLERS if handler.get(kind) is not None]
    if not kinds:
        yield required(where, "must specify a handler type")
    for extra in kinds[1:]:
        yield forbidden(f"{where}.{extra}", "may not specify more than 1 handler type")
    if not kinds:
        return
    kind, at = kinds[0], f"{where}.{kinds[0]}"
    if kind == "exec" and not handler["exec"].get("command"):
        yield required(f"{at}.command")
    if kind in ("httpGet", "tcpSocket", "grpc"):
        yield from validate_port(handler[kind].get("port"), f"{at}.port")
    if kind == "httpGet":
        for header in handler[kind].get("httpHeaders") or ():
            if not _header.fullmatch(name := header.get("name", "")):
                yield invalid(f"{at}.httpHeaders", name, _HEADER_TOLD)
    if kind == "sleep":
        seconds = handler[kind].get("seconds", 0)
        if not 0 <= seconds <= grace_seconds:
            told = f"must be non-negative and less than terminationGracePeriodSeconds ({grace_seconds})"
            yield invalid(at, seconds, told)


def validate_port(port: Any, where: str) -> Iterator[FieldError]:
    """A port's number or the name of one."""
    if isinstance(port, str):
        yield from invalid_each(where, port, names.port_name(port))
    else:
        yield from invalid_each(where, port or 0, names.port_number(port or 0))
