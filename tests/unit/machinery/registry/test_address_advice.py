"""Addresses that are written as no reader should have to read them, in the words of a kube-apiserver."""

from __future__ import annotations

import pytest

from boatyard.machinery.registry.address_advice import plain_cidr, plain_ip

LATER = "will be considered invalid in a future Kubernetes release"


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("10.2.3.4", []),
        ("2001:db8::1", []),
        ("nonsense", []),
        ("010.2.3.4", [f'at: non-standard IP address "010.2.3.4" {LATER}: use "10.2.3.4"']),
        ("::ffff:9.2.3.4", [f'at: non-standard IP address "::ffff:9.2.3.4" {LATER}: use "9.2.3.4"']),
        ("2001:DB8::1", ['at: IPv6 address "2001:DB8::1" should be in RFC 5952 canonical format ("2001:db8::1")']),
    ],
)
def test_an_address(address: str, told: list[str]) -> None:
    assert list(plain_ip(address, "at")) == told


@pytest.mark.parametrize(
    ("cidr", "told"),
    [
        ("10.0.0.0/8", []),
        ("nonsense", []),
        ("010.0.0.0/8", [f'at: non-standard CIDR value "010.0.0.0/8" {LATER}: use "10.0.0.0/8"']),
        ("::ffff:10.0.0.0/104", [f'at: non-standard CIDR value "::ffff:10.0.0.0/104" {LATER}: use "10.0.0.0/8"']),
        (
            "10.1.2.3/8",
            ['at: CIDR value "10.1.2.3/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.1.2.3/32"?)'],
        ),
        ("2001:db8:0::/64", ['at: IPv6 CIDR value "2001:db8:0::/64" should be in RFC 5952 canonical format ("2001:db8::/64")']),
    ],
)
def test_a_range(cidr: str, told: list[str]) -> None:
    assert list(plain_cidr(cidr, "at")) == told
