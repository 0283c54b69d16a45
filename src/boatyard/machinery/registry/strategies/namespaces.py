"""Namespaces: they end when their content has gone and whoever finalizes has said so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boatyard.machinery.meta.errors import FieldError, Forbidden
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry.metadata import namespace_finalizers_wrong
from boatyard.machinery.registry.strategy import Strategy

if TYPE_CHECKING:
    from boatyard.machinery.registry.caller import Caller
    from boatyard.machinery.registry.ledger import Ledger

CONTENT = "kubernetes"
"""In ``spec.finalizers`` until the namespace's content is deleted."""
NAME_LABEL = "kubernetes.io/metadata.name"
PERMANENT = ("default", "kube-system", "kube-public")


class Namespaces(Strategy):
    """``spec.finalizers`` is changed through the ``finalize`` subresource only."""

    marked_first = True

    def prepare_create(self, ledger: Ledger, caller: Caller, obj: Object) -> None:
        finalizers = (obj.get("spec") or {}).get("finalizers") or []
        obj["spec"] = {"finalizers": finalizers if CONTENT in finalizers else [*finalizers, CONTENT]}
        obj["status"] = {"phase": "Active"}
        obj["metadata"].setdefault("labels", {})[NAME_LABEL] = obj["metadata"].get("name", "")

    def validate_create(self, obj: Object) -> list[FieldError]:
        return namespace_finalizers_wrong(obj["spec"]["finalizers"], new=True)

    def read(self, obj: Object) -> None:
        if not (obj.get("status") or {}).get("phase"):
            obj["status"] = {**(obj.get("status") or {}), "phase": "Active"}

    def prepare_update(self, ledger: Ledger, caller: Caller, obj: Object, old: Object, subresource: str) -> None:
        if subresource != "finalize":
            obj["spec"] = old.get("spec") or {}
        obj["metadata"].setdefault("labels", {})[NAME_LABEL] = old["metadata"]["name"]

    def validate_update(self, obj: Object, old: Object, subresource: str) -> list[FieldError]:
        named = (obj.get("spec") or {}).get("finalizers") if subresource == "finalize" else None
        return namespace_finalizers_wrong(named or [])

    def prepare_delete(self, ledger: Ledger, obj: Object) -> None:
        name = obj["metadata"]["name"]
        if name in PERMANENT:
            raise Forbidden(
                f'namespaces "{name}" is forbidden: this namespace may not be deleted', {"name": name, "kind": "namespaces"}
            )
        obj["metadata"].pop("deletionGracePeriodSeconds", None)
        obj["status"] = {**(obj.get("status") or {}), "phase": "Terminating"}

    def holds(self, obj: Object) -> bool:
        return bool((obj.get("spec") or {}).get("finalizers"))
