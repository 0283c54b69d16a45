"""What is told of addresses that are written as no reader should have to read them (Kubernetes' ``GetWarningsForIP``)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from boatyard.machinery.meta.quoting import quoted
from boatyard.machinery.registry.core.addresses import parse_ip

_LATER = "will be considered invalid in a future Kubernetes release"


def plain_ip(text: str, at: str) -> Iterator[str]:
    """An address of IPv4 with leading zeros, or written as one of IPv6; one of IPv6 that could be shorter."""
    address = parse_ip(text)
    if address is None or str(address) == text:
        return
    if address.version == 4:
        yield f"{at}: non-standard IP address {quoted(text)} {_LATER}: use {quoted(str(address))}"
    else:
        yield f"{at}: IPv6 address {quoted(text)} should be in RFC 5952 canonical format ({quoted(str(address))})"


def plain_cidr(text: str, at: str) -> Iterator[str]:
    """A range whose address is written so, or isn't its first one."""
    address, slash, length = text.partition("/")
    parsed = parse_ip(address)
    if parsed is None or not slash or not length.isdigit():
        return
    bits = int(length) - (96 if ":" in address and parsed.version == 4 else 0)
    try:
        network = ipaddress.ip_network(f"{parsed}/{bits}", strict=False)
    except ValueError:
        return
    if text == str(network):
        return
    if (parsed.version == 4 and address != str(parsed)) or str(bits) != length:
        yield f"{at}: non-standard CIDR value {quoted(text)} {_LATER}: use {quoted(str(network))}"
    elif parsed != network.network_address:
        host = f"{parsed}/{parsed.max_prefixlen}"
        told = f"CIDR value {quoted(text)} is ambiguous in this context (should be {quoted(str(network))} or "
        yield f"{at}: {told}{quoted(host)}?)"
    else:
        yield f"{at}: IPv6 CIDR value {quoted(text)} should be in RFC 5952 canonical format ({quoted(str(network))})"
