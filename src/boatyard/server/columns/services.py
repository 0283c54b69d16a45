"""Service."""

from __future__ import annotations

from typing import Any

from boatyard.machinery.meta.core import SERVICES as RESOURCE
from boatyard.machinery.meta.objects import Object
from boatyard.server.columns import NONE, definitions, pairs
from boatyard.server.durations import age

__all__ = ["COLUMNS", "RESOURCE", "cells"]

COLUMNS = definitions("Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "Selector", wide=("Selector",))


def cells(obj: Object, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    return [
        obj["metadata"]["name"], spec.get("type", "ClusterIP"), _cluster_address(spec), _external_address(obj), _ports(spec),
        age(obj, now), pairs(spec.get("selector")),
    ]  # fmt: skip


def _cluster_address(spec: Object) -> str:
    return spec.get("clusterIP") or NONE


def _external_address(obj: Object) -> str:
    spec = obj.get("spec") or {}
    given = spec.get("externalIPs") or []
    if spec.get("type") == "ExternalName":
        return spec.get("externalName", "")
    if spec.get("type") == "LoadBalancer":
        ingress = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
        told = [entry.get("ip") or entry.get("hostname", "") for entry in ingress]
        return ",".join([*told, *given]) or "<pending>"
    return ",".join(given) or NONE


def _ports(spec: Object) -> str:
    told: list[str] = []
    for port in spec.get("ports") or ():
        node_port = f":{port['nodePort']}" if port.get("nodePort") else ""
        told.append(f"{port['port']}{node_port}/{port.get('protocol', 'TCP')}")
    return ",".join(told) or NONE
