"""What two servers answered to one call: where it differs."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

from .call import Call
from .kinds import DEFINITIONS
from .sequence import Answer, Run
from .wire import Wire

_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


async def prepare(wire: Wire) -> None:
    """Make the custom kinds, and wait until they are served. Raises TimeoutError."""
    headers = {"Content-Type": "application/json"}
    for definition in DEFINITIONS:
        reply = await wire.ask("POST", _CRDS, headers, json.dumps(definition).encode())
        assert reply.status in (201, 409), reply.body
        spec = definition["spec"]
        for _ in range(1200):
            found = await wire.ask("GET", f"/apis/{spec['group']}/v1/{spec['names']['plural']}", {}, b"")
            if found.status == 200:
                break
            await asyncio.sleep(0.05)
        else:
            raise TimeoutError(f"{spec['names']['plural']}.{spec['group']} isn't served: {found.status}")


async def begin(run: Run) -> None:
    """A namespace of the sequence's own, with the account that pods need."""
    name, headers = run.memory.filled("@{ns}"), {"Content-Type": "application/json"}
    made = await run.wire.ask("POST", "/api/v1/namespaces", headers, json.dumps({"metadata": {"name": name}}).encode())
    run.memory.begun(json.loads(made.body)["metadata"]["resourceVersion"])
    account = {"metadata": {"name": "default"}, "automountServiceAccountToken": False}
    await run.wire.ask("POST", f"/api/v1/namespaces/{name}/serviceaccounts", headers, json.dumps(account).encode())


def differences(call: Call, ours: Answer, theirs: Answer) -> Iterator[tuple[str, Any, Any]]:
    """Where, what ours said, what theirs said."""
    if ours.status != theirs.status:
        yield "status", (ours.status, ours.body), (theirs.status, theirs.body)
        return
    if ours.type.split(";charset")[0] != theirs.type.split(";charset")[0]:
        yield "content type", ours.type, theirs.type
    if sorted(ours.warnings) != sorted(theirs.warnings):
        yield "warnings", ours.warnings, theirs.warnings
    yield from _parts("", comparable(ours.body), comparable(theirs.body))


def comparable(value: Any) -> Any:
    """Without orders that mean nothing."""
    if isinstance(value, dict):
        if value.get("kind") == "Status" and isinstance(value.get("details"), dict) and value["details"].get("causes"):
            causes = [cause for cause in value["details"]["causes"] if cause.get("field") not in _INTERNAL]
            told = {json.dumps(cause, sort_keys=True) for cause in causes}
            causes = [_placed(json.loads(cause)) for cause in told]
            causes = sorted(causes, key=lambda cause: json.dumps(cause, sort_keys=True))
            value = {**value, "details": {**value["details"], "causes": causes}}
            if len(told) > 1 or " is invalid: [" in value["message"] or value["details"].get("kind") == "CustomResourceDefinition":
                value["message"] = value["message"].partition(" is invalid: ")[0]
        for listed in ("items", "rows"):
            if isinstance(value.get(listed), list):
                value = {**value, listed: _generated_in_turn(value[listed])}
        if _is_of_namespace(value) and {"foregroundDeletion", "orphan"} & {str(each) for each in value["finalizers"]}:
            # A kube-apiserver that adds one writes the finalizers of a namespace in the order of a Go map, which is chance.
            value = {**value, "finalizers": sorted(value["finalizers"], key=str)}
        return {key: comparable(inner) for key, inner in value.items()}
    return [comparable(inner) for inner in value] if isinstance(value, list) else value


def _is_of_namespace(metadata: dict[str, Any]) -> bool:
    """Whether these are the metadata of one, in whatever form it is shown, with finalizers."""
    labels = metadata.get("labels")
    named = isinstance(labels, dict) and labels.get("kubernetes.io/metadata.name", "") == metadata.get("name")
    return named and isinstance(metadata.get("finalizers"), list)


def _generated_in_turn(objects: list[Any]) -> list[Any]:
    """With those whose names a server made up, wherever they stand among the others, in the order in which they were made: which of
    two such names comes first in a list is chance."""
    places = [place for place, found in enumerate(objects) if "<generated" in _name(found)]
    if len(places) < 2:
        return objects
    result = list(objects)
    for place, found in zip(places, sorted((objects[place] for place in places), key=_name), strict=True):
        result[place] = found
    return result


def _name(found: Any) -> str:
    """Of an object, or of the one that a row is about."""
    meta = (found.get("object") or found).get("metadata") if isinstance(found, dict) else None
    return str(meta.get("name", "")) if isinstance(meta, dict) else ""


_INTERNAL = ("spec.version", "status.storedVersions")
"""Fields that a definition's document doesn't have: a kube-apiserver tells of its own form of it."""
_OF_THE_ONE_VERSION = {
    "spec.validation.": "spec.versions[0].schema.", "spec.subresources.": "spec.versions[0].subresources.",
    "spec.additionalPrinterColumns[": "spec.versions[0].additionalPrinterColumns[",
    "spec.selectableFields": "spec.versions[0].selectableFields",
}  # fmt: skip


def _placed(cause: dict[str, str]) -> dict[str, str]:
    """With the field as a caller knows it: a kube-apiserver has other names in a definition with one version, and names a choice of
    schemas in the message only."""
    for theirs, known in _OF_THE_ONE_VERSION.items():
        if cause.get("field", "").startswith(theirs):
            return {**cause, "field": cause["field"].replace(theirs, known, 1)}
    if cause.get("field") == "<nil>" and (found := re.search(r'"([^"]+)" must', cause["message"])):
        return {**cause, "field": found.group(1)}
    return cause


def _owners(entries: Any) -> Any:
    """What each manager owns. Times are told apart by the second only, and with them the order of the entries."""
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return entries
    identity = ("manager", "operation", "apiVersion", "subresource", "fieldsType")
    return {" ".join(str(entry.get(part, "")) for part in identity): entry.get("fieldsV1") for entry in entries}


def _parts(path: str, ours: Any, theirs: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted({**ours, **theirs}):
            if key == "managedFields":
                yield from _parts(f"{path}.{key}", _owners(ours.get(key)), _owners(theirs.get(key)))
                continue
            yield from _parts(f"{path}.{key}", ours.get(key, "<absent>"), theirs.get(key, "<absent>"))
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, (left, right) in enumerate(zip(ours, theirs, strict=True)):
            yield from _parts(f"{path}.{index}", left, right)
    elif ours != theirs or type(ours) is not type(theirs):
        yield path, ours, theirs
