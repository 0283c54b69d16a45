"""get: one object."""

from __future__ import annotations

from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry import documents
from boatyard.machinery.registry.ledger import Ledger


def get(ledger: Ledger, resource: Resource, namespace: str | None, name: str) -> Object:
    """The object. Raises NotFound."""
    record = ledger.record(resource, namespace, name)
    return documents.decode(record.value, record.modified)


def get_json(ledger: Ledger, resource: Resource, namespace: str | None, name: str) -> bytes:
    """The object's JSON. Raises NotFound."""
    record = ledger.record(resource, namespace, name)
    return documents.with_revision(record.value, record.modified)
