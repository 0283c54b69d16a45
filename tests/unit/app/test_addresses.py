"""Ports and networks are chosen once and kept."""

import ipaddress
import socket
from pathlib import Path

import pytest

from boatyard.app.addresses import AddressError, choose, free_network, load, routed_networks, save

ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
"""


def test_routes_are_read_as_the_kernel_writes_them():
    assert routed_networks(ROUTES) == [ipaddress.IPv4Network("192.168.1.0/24")]


def test_a_network_that_is_routed_already_is_not_taken(tmp_path: Path):
    bridge, first = free_network(tmp_path, [])
    _, second = free_network(tmp_path, [ipaddress.IPv4Network(first)])
    assert first != second and len(bridge) <= 15
    with pytest.raises(AddressError, match="--no-pod-network"):
        free_network(tmp_path, [ipaddress.IPv4Network("10.0.0.0/8")])


def test_ports_are_remembered(tmp_path: Path):
    file = tmp_path / "addresses.json"
    assert load(file) is None
    chosen = choose(tmp_path, None, api_port=0, gateway_port=0, gateway_http_port=None, pod_network=False)
    save(file, chosen)
    again = choose(tmp_path, load(file), api_port=None, gateway_port=None, gateway_http_port=None, pod_network=False)
    assert again == chosen
    assert again.internal_host == "127.0.0.1" and again.api == f"https://127.0.0.1:{again.api_port}"


def test_the_pods_see_the_first_address_of_their_network(tmp_path: Path):
    chosen = choose(tmp_path, None, api_port=0, gateway_port=0, gateway_http_port=None, pod_network=True)
    assert chosen.internal_host == str(ipaddress.ip_network(chosen.pod_cidr)[1])
    assert chosen.api_internal == f"https://{chosen.internal_host}:{chosen.api_port}"


def test_a_taken_port_is_told_with_the_option_to_use(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(AddressError, match="--gateway-port"):
            choose(tmp_path, None, api_port=0, gateway_port=taken.getsockname()[1], gateway_http_port=None, pod_network=False)


def test_a_damaged_file_is_told(tmp_path: Path):
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(AddressError, match="delete it"):
        load(tmp_path / "a.json")
