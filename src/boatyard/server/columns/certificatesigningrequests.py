"""CertificateSigningRequest."""

from __future__ import annotations

from typing import Any

from boatyard.machinery.meta.core import CERTIFICATE_SIGNING_REQUESTS as RESOURCE
from boatyard.machinery.meta.objects import Object
from boatyard.server.columns import NONE, definitions
from boatyard.server.durations import age, human

__all__ = ["COLUMNS", "RESOURCE", "cells"]

COLUMNS = definitions("Name", "Age", "SignerName", "Requestor", "RequestedDuration", "Condition")


def cells(obj: Object, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    seconds = spec.get("expirationSeconds")
    return [
        obj["metadata"]["name"], age(obj, now), spec.get("signerName", ""), spec.get("username", ""),
        human(seconds) if seconds else NONE, _condition(obj),
    ]  # fmt: skip


def _condition(obj: Object) -> str:
    status = obj.get("status") or {}
    types = [condition.get("type", "") for condition in status.get("conditions") or ()]
    told = [name for name in ("Approved", "Denied", "Failed") if name in types]
    if status.get("certificate"):
        told.append("Issued")
    return ",".join(told) or "Pending"
