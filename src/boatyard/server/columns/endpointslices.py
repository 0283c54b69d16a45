"""EndpointSlice."""

from __future__ import annotations

from typing import Any

from boatyard.machinery.meta.core import ENDPOINT_SLICES as RESOURCE
from boatyard.machinery.meta.objects import Object
from boatyard.server.columns import UNSET, definitions, some
from boatyard.server.durations import age

__all__ = ["COLUMNS", "RESOURCE", "cells"]

COLUMNS = definitions("Name", "AddressType", "Ports", "Endpoints", "Age")


def cells(obj: Object, now: float) -> list[Any]:
    # A port without a number is told by its name.
    ports = [str(port["port"]) if port.get("port") is not None else port.get("name") or "" for port in obj.get("ports") or ()]
    addresses = [address for endpoint in obj.get("endpoints") or () for address in endpoint.get("addresses") or ()]
    return [obj["metadata"]["name"], obj.get("addressType", ""), some(ports) or UNSET, some(addresses) or UNSET, age(obj, now)]
