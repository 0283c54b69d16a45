"""JSON Patch (RFC 6902) as a kube-apiserver carries it out: bounded, and lenient where its library is.

A value left out is null; a member that isn't there is null to ``copy`` and ``test``, and made by ``replace``; indexes may count
from the end; what stands before the first ``/`` of a pointer means nothing, and neither does a ``~`` that escapes nothing. Nothing
but ``replace`` can be done to the document as a whole, and that only with an object or a list: by a scalar nothing changes.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from boatyard.machinery.meta.errors import BadRequest, Invalid, RequestEntityTooLarge
from boatyard.machinery.meta.objects import copied, same
from boatyard.machinery.patch import written
from boatyard.machinery.schema.structural import Structural

MAX_OPERATIONS = 10_000
MAX_COPIED_BYTES = 3 * 1024 * 1024
"""How much ``copy`` operations of one patch may copy, so that a small patch can't grow a document without end."""
_INDEX = re.compile(r"[+-]?[0-9]{1,9}")


class _Impossible(Exception):
    """Why an operation can't be carried out."""


def json_patch(doc: Any, patch: Any, types: Structural | None = None) -> Any:
    """The document after every operation, or none of them. With ``types`` it has, for the operations, the members that Go writes.

    Raises BadRequest when ``patch`` isn't a list of operations, Invalid when one can't be carried out (a path that isn't there,
    a ``test`` that fails), RequestEntityTooLarge over the bounds.
    """
    operations = _operations(patch)
    result, bytes_copied = copied(doc), 0
    put = written.put(types, result) if types is not None else []
    for operation in operations:
        if operation.get("op") == "replace" and operation.get("path") == "" and "value" in operation:
            value = operation["value"]
            result = copied(value) if isinstance(value, dict | list) else result
            continue
        try:
            bytes_copied += _carry_out(result, operation)
        except _Impossible as why:
            told = f"{operation.get('op')} operation does not apply to {operation.get('path')}: {why}"
            raise Invalid(f"the server rejected our request due to an error in our request: {told}") from None
        if bytes_copied > MAX_COPIED_BYTES:
            raise RequestEntityTooLarge(f"copy operations copy more than {MAX_COPIED_BYTES} bytes")
    if not _lost_version(doc, result):
        written.taken(put)
    return result


def _lost_version(doc: Any, result: Any) -> bool:
    """Whether it can't be read any more: then all that is in the text is told of."""
    return isinstance(doc, dict) and "apiVersion" in doc and isinstance(result, dict) and not result.get("apiVersion")


def _operations(patch: Any) -> list[dict[str, Any]]:
    if patch is None:
        return []
    if not isinstance(patch, list):
        raise BadRequest("error decoding patch: a JSON patch is a list of operations")
    if len(patch) > MAX_OPERATIONS:
        raise RequestEntityTooLarge(f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(patch)}")
    for operation in patch:
        if operation is not None and not isinstance(operation, dict):
            raise BadRequest("error decoding patch: an operation is an object")
        for member in ("op", "path", "from"):
            if not isinstance((operation or {}).get(member, ""), str | None):
                raise BadRequest(f"error decoding patch: an operation's {member} is a string")
    return [operation or {} for operation in patch]


def _carry_out(doc: Any, operation: dict[str, Any]) -> int:
    """Change the document; how many bytes were copied. Raises _Impossible."""
    op, value = operation.get("op"), operation.get("value")
    if op not in ("add", "remove", "replace", "move", "copy", "test"):
        raise _Impossible("there is no such operation")
    if op in ("move", "copy"):
        parent, key = _place(doc, operation.get("from"))
        value = copied(_get(parent, key))
        if op == "move":
            _remove(parent, key)
        _add(*_place(doc, operation.get("path")), value)
        return len(msgspec.json.encode(value)) if op == "copy" else 0
    parent, key = _place(doc, operation.get("path"))
    if op == "add":
        _add(parent, key, copied(value))
    elif op == "remove":
        _remove(parent, key)
    elif op == "replace":
        _get(parent, key)
        parent[key if isinstance(parent, dict) else _index(parent, key)] = copied(value)
    elif not same(_get(parent, key), value):
        raise _Impossible("what is there is something else")
    return 0


def _place(doc: Any, pointer: Any) -> tuple[Any, str]:
    """The object or list that a pointer's last step is about, and that step."""
    if not isinstance(pointer, str):
        raise _Impossible("it names no place")
    _, *steps = pointer.split("/")
    if not steps:
        raise _Impossible("it names no place in the document")
    steps = [step.replace("~1", "/").replace("~0", "~") for step in steps]
    for step in steps[:-1]:
        doc = _get(doc, step)
        if not isinstance(doc, dict | list):
            raise _Impossible(f"there is nothing below {step}")
    return doc, steps[-1]


def _get(parent: Any, key: str) -> Any:
    return parent.get(key) if isinstance(parent, dict) else parent[_index(parent, key)]


def _add(parent: Any, key: str, value: Any) -> None:
    if isinstance(parent, dict):
        parent[key] = value
    elif key == "-":
        parent.append(value)
    else:
        parent.insert(_index(parent, key, more=1), value)


def _remove(parent: Any, key: str) -> None:
    if isinstance(parent, list):
        del parent[_index(parent, key)]
    elif key in parent:
        del parent[key]
    else:
        raise _Impossible("there is no such member")


def _index(parent: list[Any], key: str, more: int = 0) -> int:
    """Of an item, or with ``more`` of where one may be put."""
    if not _INDEX.fullmatch(key):
        raise _Impossible(f"{key} is no index")
    index, length = int(key), len(parent) + more
    if not -length <= index < length:
        raise _Impossible(f"the index {key} is out of range")
    return index + length if index < 0 else index
