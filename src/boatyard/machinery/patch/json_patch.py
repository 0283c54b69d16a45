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
            if operation.get("op") == "copy":
                bytes_copied += len(msgspec.json.encode(jsonpointer.resolve_pointer(result, operation.get("from", ""))))
                if bytes_copied > MAX_COPIED_BYTES:
                    raise RequestEntityTooLarge(f"copy operations copy more than {MAX_COPIED_BYTES} bytes")
            result = jsonpatch.JsonPatch([copied(operation)]).apply(result, in_place=True)
        except jsonpatch.InvalidJsonPatch as error:
            raise BadRequest(f"error decoding patch: {error}") from None
        except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError) as error:
            told = f"{operation.get('op')} operation does not apply to {operation.get('path')}: {error}"
            raise Invalid(f"the server rejected our request due to an error in our request: {told}") from None
    return result
