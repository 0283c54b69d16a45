"""The pods' network is chosen once, beside everything the machine knows already."""

import ipaddress
from pathlib import Path

import pytest

from boatyard.node.network.plan import NetworkPlan, choose_cidr, existing_routes, load_or_choose
from boatyard.node.runtime import MachineError


def networks(*texts: str) -> list[ipaddress.IPv4Network]:
    return [ipaddress.IPv4Network(text) for text in texts]


def test_the_first_network_that_overlaps_nothing() -> None:
    assert choose_cidr([]) == "10.231.0.0/24"
    assert choose_cidr(networks("10.231.0.0/24", "10.231.1.128/25", "192.168.0.0/16")) == "10.231.2.0/24"
    assert choose_cidr(networks("10.231.255.0/24"), 255) == "10.231.0.0/24"


def test_none_left_is_an_error() -> None:
    with pytest.raises(MachineError, match=r"10\.231\.0\.0/16"):
        choose_cidr(networks("10.0.0.0/8"))


def test_routes_are_read_as_the_kernel_prints_them(tmp_path: Path) -> None:
    (tmp_path / "route").write_text(
        "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
        "eth0 00000000 010200C0 0003 0 0 0 00000000 0 0 0\n"
        "eth0 000200C0 00000000 0001 0 0 0 00FFFFFF 0 0 0\n"
        "by0 0000E70A 00000000 0001 0 0 0 00FFFFFF 0 0 0\n"
    )
    assert existing_routes(str(tmp_path / "route")) == networks("192.0.2.0/24", "10.231.0.0/24")
    assert existing_routes(str(tmp_path / "route"), but="by0") == networks("192.0.2.0/24")


def test_the_choice_is_kept(tmp_path: Path) -> None:
    plan = load_or_choose(tmp_path / "node")
    assert load_or_choose(tmp_path / "node") == plan
    assert len(plan.bridge) <= 15


def test_gateway_addresses_and_link_names_follow_from_it() -> None:
    plan = NetworkPlan("boatyard-abc123", "10.231.7.0/24")
    assert plan.gateway == "10.231.7.1"
    assert (len(plan.addresses()), plan.addresses()[0], plan.addresses()[-1]) == (253, "10.231.7.2", "10.231.7.254")
    assert plan.link("10.231.7.254") == "by-abc123-254"
