"""JSON Patch (RFC 6902), bounded as Kubernetes bounds it."""

from __future__ import annotations

from typing import Any

import jsonpatch
import jsonpointer
import msgspec

from boatyard.machinery.meta.errors import BadRequest, Invalid, RequestEntityTooLarge
from boatyard.machinery.meta.objects import copied

MAX_OPERATIONS = 10_000
MAX_COPIED_BYTES = 3 * 1024 * 1024
"""How much ``copy`` operations of one patch may copy, so that a small patch can't grow a document without end."""


def json_patch(doc: Any, patch: Any) -> Any:
    """The document after every operation, or none of them.

    Raises BadRequest when ``patch`` isn't a list of operations, Invalid when one can't be carried out (a path that isn't there,
    a ``test`` that fails), RequestEntityTooLarge over the bounds.
    """
    if not isinstance(patch, list):
        raise BadRequest("error decoding patch: a JSON patch is a list of operations")
    if len(patch) > MAX_OPERATIONS:
        raise RequestEntityTooLarge(f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(patch)}")
    result, bytes_copied = copied(doc), 0
    for operation in patch:
        if not isinstance(operation, dict):
            raise BadRequest("error decoding patch: an operation is an object")
        try:
            operation = _as_kubernetes(result, copied(operation))
            if operation.get("op") == "copy":
                bytes_copied += len(msgspec.json.encode(jsonpointer.resolve_pointer(result, operation.get("from", ""))))
                if bytes_copied > MAX_COPIED_BYTES:
                    raise RequestEntityTooLarge(f"copy operations copy more than {MAX_COPIED_BYTES} bytes")
            result = jsonpatch.JsonPatch([operation]).apply(result, in_place=True)
        except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError) as error:
            told = f"{operation.get('op')} operation does not apply to {operation.get('path')}: {error}"
            raise Invalid(f"the server rejected our request due to an error in our request: {told}") from None
    return result


def _as_kubernetes(doc: Any, operation: Any) -> Any:
    """The operation as a kube-apiserver's library takes it: a value left out is null; a member that isn't there is null to
    ``copy`` and ``test``, and made by ``replace``."""
    op = operation.get("op")
    if op in ("add", "replace"):
        operation.setdefault("value", None)
    if op == "replace" and _lacks(doc, operation.get("path")):
        return {**operation, "op": "add"}
    if op == "copy" and _lacks(doc, operation.get("from")):
        return {"op": "add", "path": operation.get("path"), "value": None}
    if op == "test" and operation.get("value") is None and _lacks(doc, operation.get("path")):
        return {"op": "test", "path": "", "value": doc}
    return operation


def _lacks(doc: Any, pointer: Any) -> bool:
    """Whether a pointer leads to an object that hasn't got its last member."""
    if not isinstance(pointer, str) or not pointer.startswith("/"):
        return False
    above, _, last = pointer.rpartition("/")
    parent = jsonpointer.resolve_pointer(doc, above, None)
    return isinstance(parent, dict) and jsonpointer.unescape(last) not in parent
