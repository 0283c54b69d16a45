"""The columns of custom kinds: ``additionalPrinterColumns`` of their definition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from boatyard.machinery.meta.objects import Object
from boatyard.server.durations import age, since
from boatyard.server.jsonpath import JsonPath, JsonPathError, compiled

_NAME = {"name": "Name", "type": "string", "format": "name", "description": "", "priority": 0}


def custom_columns(declared: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], Callable[[Object, float], list[Any]]]:
    """Definitions and cells. A column whose path can't be read stays empty rather than spoil the table."""
    definitions, readers = [_NAME], []
    for column in declared:
        definitions.append(
            {
                "name": column["name"], "type": column["type"], "format": column.get("format", ""),
                "description": column.get("description", ""), "priority": column.get("priority", 0),
            }
        )  # fmt: skip
        try:
            path = compiled(column["jsonPath"])
        except JsonPathError:
            path = None
        readers.append((path, column["type"]))

    def cells(obj: Object, now: float) -> list[Any]:
        return [obj["metadata"].get("name", ""), *(_cell(obj, path, type, now) for path, type in readers)]

    return definitions, cells


def _cell(obj: Object, path: JsonPath | None, type: str, now: float) -> Any:
    found = path.find(obj) if path else []
    if not found:
        return None
    value = found[0]
    if type == "date":
        if path is not None and path.text == ".metadata.creationTimestamp":
            return age(obj, now)
        return since(value, now) if isinstance(value, str) else "<unknown>"
    if type == "integer":
        return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
    if type == "number":
        return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
    if type == "boolean":
        return value if isinstance(value, bool) else None
    # Of several only the first, as in Kubernetes.
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return msgspec.json.encode(value).decode()
    return "" if value is None else str(value)
