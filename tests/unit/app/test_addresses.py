"""Ports are chosen once and kept."""

import socket
from pathlib import Path

import pytest

from boatyard.app.addresses import LOOPBACK, AddressError, choose, load, save


def test_ports_are_remembered(tmp_path: Path):
    file = tmp_path / "addresses.json"
    assert load(file) is None
    chosen = choose(None, api_port=0, gateway_port=0, gateway_http_port=None, internal_host=LOOPBACK)
    save(file, chosen)
    again = choose(load(file), api_port=None, gateway_port=None, gateway_http_port=None, internal_host=LOOPBACK)
    assert again == chosen
    assert again.internal_host == "127.0.0.1" and again.api == f"https://127.0.0.1:{again.api_port}"


def test_pods_with_a_network_of_their_own_see_another_address():
    chosen = choose(None, api_port=0, gateway_port=0, gateway_http_port=None, internal_host="10.231.4.1")
    assert chosen.pod_network and chosen.api_internal == f"https://10.231.4.1:{chosen.api_port}"


def test_a_taken_port_is_told_with_the_option_to_use():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(AddressError, match="--gateway-port"):
            choose(None, api_port=0, gateway_port=taken.getsockname()[1], gateway_http_port=None, internal_host=LOOPBACK)


def test_a_damaged_file_is_told(tmp_path: Path):
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(AddressError, match="delete it"):
        load(tmp_path / "a.json")


def test_an_external_address_is_told_instead_of_this_machines_and_remembered(tmp_path: Path):
    chosen = choose(
        None, api_port=0, gateway_port=0, gateway_http_port=None, internal_host=LOOPBACK, external_url="https://ci.example.org/"
    )
    save(tmp_path / "a.json", chosen)
    again = choose(load(tmp_path / "a.json"), api_port=None, gateway_port=None, gateway_http_port=None, internal_host=LOOPBACK)
    assert again.public == "https://ci.example.org" and again.gateway.startswith("https://127.0.0.1:")
    none = choose(again, api_port=None, gateway_port=None, gateway_http_port=None, internal_host=LOOPBACK, external_url="")
    assert none.public == none.gateway


@pytest.mark.parametrize("url", ["ci.example.org", "https://ci.example.org/path", "ftp://x", "https://a b"])
def test_what_is_no_address_is_refused(url: str):
    with pytest.raises(AddressError, match="--external-url"):
        choose(None, api_port=0, gateway_port=0, gateway_http_port=None, internal_host=LOOPBACK, external_url=url)
