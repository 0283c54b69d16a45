"""One call as the fuzzer says it: the same for both servers until a server's own values are put in."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

MERGE, JSON, STRATEGIC, APPLY = (
    f"application/{name}" for name in ("merge-patch+json", "json-patch+json", "strategic-merge-patch+json", "apply-patch+yaml")
)
"""Content types of patches."""
_PLACE = re.compile(r"@\{([^{}]*)\}")


@dataclass(frozen=True)
class Call:
    """What to ask. Texts may hold ``@{…}``, which each server's memory fills in (see :mod:`.memory`)."""

    verb: str
    """What the fuzzer calls it, for counting: create, get, apply, …"""
    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Any = None
    """A document; a text is sent as it stands; None sends nothing."""
    type: str = ""
    """Content type, where it isn't application/json."""
    accept: str = ""
    edit: tuple[tuple[tuple[Any, ...], Any], ...] | None = None
    """Instead of ``body``: the object at ``path`` as it was last seen, with these members changed (None: taken away)."""
    until: Any = field(default=None)
    """A watch ends with the event of this object, which is created once the watch stands."""

    def target(self, memory: Any) -> str:
        query = urlencode([(name, memory.filled(value)) for name, value in self.query])
        return quote(memory.filled(self.path), safe="/:%") + ("?" + query if query else "")

    def headers(self) -> dict[str, str]:
        found = {}
        if self.body is not None or self.edit is not None:
            found["Content-Type"] = self.type or "application/json"
        if self.accept:
            found["Accept"] = self.accept
        return found

    def payload(self, memory: Any) -> bytes:
        if self.edit is not None:
            return json.dumps(changed(memory.live(self.path), self.edit)).encode()
        if self.body is None:
            return b""
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        return memory.filled(text).encode("utf-8", "surrogatepass")

    def script(self, memory: Any, server: str = "$SERVER") -> str:
        """A line that a person can run."""
        data = self.payload(memory).decode("utf-8", "replace")
        parts = [f"curl -sS -k -H \"$AUTH\" -X {self.method} '{server}{self.target(memory)}'"]
        parts += [f"-H '{name}: {value}'" for name, value in self.headers().items()]
        if data:
            parts.append("--data-binary " + quoted(data))
        return " ".join(parts)


def quoted(text: str) -> str:
    """For a shell."""
    return "'" + text.replace("'", "'\\''") + "'"


def places(text: str) -> list[str]:
    """What has to be filled in."""
    return _PLACE.findall(text)


def filled(text: str, values: Any) -> str:
    """``text`` with every ``@{…}`` replaced by what ``values`` says of it."""
    while "@{" in text and _PLACE.search(text):
        text = _PLACE.sub(lambda found: values(found.group(1)), text)
    return text


def changed(document: Any, edits: tuple[tuple[tuple[Any, ...], Any], ...]) -> Any:
    """A copy with members set, or taken away where the value is None. Ways that lead nowhere are left out."""
    result = json.loads(json.dumps(document))
    for way, said in edits:
        # A later edit may lead into it, and the same value may stand in other calls, too, which the other server hasn't seen yet.
        value = deepcopy(said)
        node = result
        for step in way[:-1]:
            if isinstance(node, dict):
                # A server that writes nulls and one that doesn't mean the same.
                if node.get(step) in (None, []):
                    node[step] = {}
                node = node[step]
            elif isinstance(node, list) and isinstance(step, int) and step < len(node):
                node = node[step]
            else:
                node = None
                break
        if isinstance(node, dict):
            if value is None:
                node.pop(way[-1], None)
            else:
                node[way[-1]] = value
        elif isinstance(node, list) and isinstance(way[-1], int) and way[-1] < len(node):
            node[way[-1]] = value
    return result
