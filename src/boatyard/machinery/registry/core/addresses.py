"""IP addresses and domains as Kubernetes' own kinds have them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import TypeAlias

from boatyard.machinery.meta import names
from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import invalid, required

NO_ADDRESS = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
NO_CIDR = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
_ZEROS = re.compile(r"\b0+(?=\d)")
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


def parse_ip(text: str) -> Address | None:
    """The address. Numbers may begin with zeros, and an IPv4 address may be written as one of IPv6, as Kubernetes takes it."""
    try:
        address = ipaddress.ip_address(_ZEROS.sub("", text) if ":" not in text else text)
    except ValueError:
        return None
    return (address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None) or address


def is_ip(text: str, kind: str = "") -> bool:
    """Whether it is an address; of ``kind`` (``IPv4``, ``IPv6``) if one is named."""
    address = parse_ip(text)
    return address is not None and kind in ("", f"IPv{address.version}")


def is_cidr(text: str) -> bool:
    """Whether it is a range of addresses."""
    address, slash, length = text.partition("/")
    if not slash or (parsed := parse_ip(address)) is None or not (length.isascii() and length.isdigit()):
        return False
    return int(length) <= (128 if ":" in address else parsed.max_prefixlen)


def one_of_each_family(addresses: list[str]) -> bool:
    """Whether there are none, one, or two of which one is IPv4 and the other IPv6."""
    if len(addresses) < 2:
        return True
    return len(addresses) == 2 and all(any(is_ip(address, kind) for address in addresses) for kind in ("IPv4", "IPv6"))


def validate_reachable(text: str, at: str, *, here: bool = False) -> Iterator[FieldError]:
    """An address that somebody else can reach: none of this link, or nowhere; nor of this machine, but where it may be ``here``."""
    address = parse_ip(text)
    if address is None:
        yield invalid(at, text, NO_ADDRESS)
        return
    if address.is_unspecified:
        yield invalid(at, text, f"may not be unspecified ({'0.0.0.0' if address.version == 4 else '::'})")
    if address.is_loopback and not here:
        yield invalid(at, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)")
    if address.is_link_local:
        yield invalid(at, text, "may not be in the link-local range (169.254.0.0/16, fe80::/10)")
    if any(address.version == network.version and address in network for network in _LINK_LOCAL_MULTICAST):
        yield invalid(at, text, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)")


_LINK_LOCAL_MULTICAST = (ipaddress.ip_network("224.0.0.0/24"), ipaddress.ip_network("ff02::/16"))


def validate_domain(text: str, at: str) -> Iterator[FieldError]:
    """A fully qualified domain name; it may end with a dot."""
    if not text:
        yield required(at)
        return
    name = text.removesuffix(".")
    if told := names.dns1123_subdomain(name):
        yield invalid(at, name, ",".join(told))
    elif "." not in name:
        yield invalid(at, name, "should be a domain with at least two segments separated by dots")
