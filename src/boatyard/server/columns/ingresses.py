"""Ingress."""

from __future__ import annotations

from typing import Any

from boatyard.machinery.meta.core import INGRESSES as RESOURCE
from boatyard.machinery.meta.objects import Object
from boatyard.server.columns import NONE, definitions, some
from boatyard.server.durations import age

__all__ = ["COLUMNS", "RESOURCE", "cells"]

COLUMNS = definitions("Name", "Class", "Hosts", "Address", "Ports", "Age")


def cells(obj: Object, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    hosts = [rule["host"] for rule in spec.get("rules") or () if rule.get("host")]
    ingress = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    addresses = sorted({entry.get("ip") or entry.get("hostname", "") for entry in ingress})
    return [
        obj["metadata"]["name"], spec.get("ingressClassName") or NONE, some(hosts) or "*", ",".join(addresses),
        "80, 443" if spec.get("tls") else "80", age(obj, now),
    ]  # fmt: skip
