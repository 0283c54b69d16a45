"""Nodes: the addresses that their pods get are said twice."""

from __future__ import annotations

from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry.core.twins import keep_in_step
from boatyard.machinery.registry.strategy import Strategy


class Nodes(Strategy):
    """Whoever reads a node's first range of addresses finds it under both names."""

    def read(self, obj: Object) -> None:
        keep_in_step(obj.get("spec") or {}, "podCIDR", "podCIDRs")
