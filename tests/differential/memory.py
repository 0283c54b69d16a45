"""What one server said so far in a sequence, and with it what it gave by itself: its revisions, uids, names and times.

Two answers are compared with these replaced by the order in which they came up: ``uid#1`` is the first uid that was seen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from boatyard.machinery.meta import yaml

from .call import filled

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_ADDRESS = re.compile(r"\b10\.(?:9[6-9]|1\d\d|43)\.\d+\.\d+\b")
"""Of Services: ours are from 10.96, a judge's from any of the ranges that are usual."""
_RECENT = timedelta(days=2)
_NUMBERS = re.compile(r"(?<![\w.])\d{1,9}(?![\w.])")
_REVISION_SENTENCES = ("resource version", "resourceVersion", "ResourceVersion", "compacted", "revision")
_AGE = re.compile(r"(?:\d+(?:ms|s|m|h|d))+|<invalid>")


class Memory:
    """Of one server in one sequence."""

    def __init__(self, values: dict[str, str]) -> None:
        self._values = values
        self._live: dict[str, Any] = {}
        self._seen: dict[str, dict[str, str]] = {}
        self._generated: dict[str, str] = {}

    def filled(self, text: str) -> str:
        """``@{ns}`` and the like; ``@{rv:PATH}``, ``@{was:PATH}`` (the one before), ``@{uid:PATH}``, ``@{list:PATH}``,
        ``@{continue:PATH}``: of what was seen last. What wasn't seen is 1, or a uid of nobody."""
        return filled(text, self._value)

    def _value(self, name: str) -> str:
        kind, _, path = name.partition(":")
        key = f"{kind}:{filled(path, self._value)}" if path else kind
        if key in self._values:
            return self._values[key]
        if kind in ("rv", "was", "list"):
            return self._values.get("start", "1")
        return "00000000-0000-4000-8000-000000000000" if kind == "uid" else ""

    def begun(self, revision: str) -> None:
        """All that is watched or listed happened after this revision."""
        self._values["start"] = revision

    def live(self, path: str) -> Any:
        """The object as it was last seen; an empty one when it never was."""
        return self._live.get(self.filled(path), {})

    def told(self, path: str, answer: Any) -> None:
        """Remember what an answer says of the object at ``path`` (of a collection: of the object in it)."""
        if not isinstance(answer, dict) or not isinstance(answer.get("metadata"), dict) or answer.get("kind") == "Status":
            return
        meta, path = answer["metadata"], self.filled(path)
        if "items" in answer:  # null is a list too: a kube-apiserver's empty PartialObjectMetadataList
            self._values[f"list:{path}"] = meta.get("resourceVersion", "")
            if meta.get("continue"):
                self._values[f"continue:{path}"] = meta["continue"]
            return
        if not meta.get("name") or not meta.get("resourceVersion"):
            return
        if not path.endswith("/" + meta["name"]):
            path = f"{path}/{meta['name']}"
        self._live[path] = answer
        before = self._values.get(f"rv:{path}")
        if before and before != meta["resourceVersion"]:
            self._values[f"was:{path}"] = before
        self._values[f"rv:{path}"] = meta["resourceVersion"]
        self._values[f"uid:{path}"] = meta.get("uid", "")

    def generated(self, prefix: str, name: str) -> None:
        """The server made up this name."""
        if name.startswith(prefix) and name != prefix:
            self._generated[name] = f"{prefix}<generated {len(self._generated) + 1}>"

    def plain(self, value: Any, key: str = "") -> Any:
        """Without what is this server's own."""
        if isinstance(value, dict):
            if key == "metadata" and ("continue" in value or ("uid" not in value and "resourceVersion" in value)):
                value = {**value, "resourceVersion": "<list>"} if "name" not in value else value
                value = {**value, "continue": "<continue>" if value["continue"] else None} if "continue" in value else value
            return {self._text(name): self.plain(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.plain(inner, key) for inner in value]
        if isinstance(value, str):
            if key == "resourceVersion":
                return self._nth("rv", value) if value.isdigit() else value
            if key == "message" and any(sentence in value for sentence in _REVISION_SENTENCES):
                value = _NUMBERS.sub("<number>", value)
            if key == "cells" and _AGE.fullmatch(value):
                return "<age>"
            return self._text(value)
        return value

    def _text(self, value: str) -> str:
        for name, told in self._generated.items():
            value = value.replace(name, told)
        if len(value) >= 8:
            value = _UUID.sub(self._uid, value)
            value = _TIME.sub(_recent, value)
            value = _ADDRESS.sub("<address>", value)
            value = re.sub(r"kube-api-access-[a-z0-9]{5}", "kube-api-access-<generated>", value)
        return value

    def _uid(self, found: re.Match[str]) -> str:
        """Uids that the calls themselves make up stay."""
        return found.group() if found.group().startswith("00000000-0000-4000-8000-") else self._nth("uid", found.group())

    def _nth(self, what: str, value: str) -> str:
        seen = self._seen.setdefault(what, {})
        return seen.setdefault(value, f"<{what} {len(seen) + 1}>")


def _recent(found: re.Match[str]) -> str:
    try:
        time = datetime.fromisoformat(found.group().replace("Z", "+00:00"))
    except ValueError:
        return found.group()
    return "<now>" if abs(time - datetime.now(UTC)) < _RECENT else found.group()


def parsed(body: bytes, type: str = "") -> Any:
    """JSON or YAML, or the text."""
    try:
        return None if not body else yaml.load(body) if "yaml" in type else json.loads(body)
    except (ValueError, yaml.YamlError):
        return body.decode("utf-8", "replace")


Filler = Callable[[str], str]
