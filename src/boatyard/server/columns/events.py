"""Event."""

from __future__ import annotations

from typing import Any

from boatyard.machinery.meta.core import EVENTS as RESOURCE
from boatyard.machinery.meta.objects import Object
from boatyard.server.columns import definitions
from boatyard.server.durations import since

__all__ = ["COLUMNS", "RESOURCE", "cells"]

COLUMNS = definitions(
    "Last Seen", "Type", "Reason", "Object", "Subobject", "Source", "Message", "First Seen", "Count", "Name",
    wide=("Subobject", "Source", "First Seen", "Count", "Name"),
)  # fmt: skip


def cells(obj: Object, now: float) -> list[Any]:
    series = obj.get("series") or {}
    first = obj.get("firstTimestamp") or obj.get("eventTime")
    last = series.get("lastObservedTime") or obj.get("lastTimestamp") or first
    about = obj.get("involvedObject") or {}
    kind = about.get("kind", "").lower()
    return [
        since(last, now), obj.get("type", ""), obj.get("reason", ""), f"{kind}/{about['name']}" if about.get("name") else kind,
        about.get("fieldPath", ""), _source(obj), obj.get("message", "").strip(), since(first, now),
        series.get("count") or obj.get("count") or 1, obj["metadata"]["name"],
    ]  # fmt: skip


def _source(obj: Object) -> str:
    source = obj.get("source") or {}
    component = source.get("component") or obj.get("reportingComponent", "")
    host = source.get("host") or obj.get("reportingInstance", "")
    return f"{component}, {host}" if host else component
