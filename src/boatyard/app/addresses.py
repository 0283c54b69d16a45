"""Where the control plane listens. Chosen once, kept in the data directory: URLs outlive restarts."""

from __future__ import annotations

import json
import re
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

from boatyard.node.network.plan import load_or_choose
from boatyard.server.auth.files import write_private

API_PORT = 7443
GATEWAY_PORT = 8443
LOOPBACK = "127.0.0.1"
_EXTERNAL = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?/?")


class AddressError(Exception):
    """A port is taken; the message says which and what to do."""


@dataclass(frozen=True)
class Addresses:
    """Ports, and how pods reach them."""

    api_port: int
    gateway_port: int
    gateway_http_port: int
    """Plain HTTP on the loopback address only, for tools that can't be told our authority. 0: none."""
    internal_host: str
    """The control plane's address as pods see it: that of their bridge, or this machine's own where they share its network."""

    external_url: str = ""
    """Where the gateway is reached from outside, through a proxy in front of it; empty: only from this machine."""

    @property
    def public(self) -> str:
        """The gateway's URL as pages, webhooks and commit statuses tell it."""
        return self.external_url or self.gateway

    @property
    def pod_network(self) -> bool:
        """Whether pods get network namespaces of their own."""
        return self.internal_host != LOOPBACK

    @property
    def api(self) -> str:
        """The API server's URL on this machine."""
        return f"https://127.0.0.1:{self.api_port}"

    @property
    def gateway(self) -> str:
        """The gateway's URL on this machine."""
        return f"https://127.0.0.1:{self.gateway_port}"

    @property
    def api_internal(self) -> str:
        """The API server's URL as pods see it."""
        return f"https://{self.internal_host}:{self.api_port}"

    @property
    def gateway_internal(self) -> str:
        """The gateway's URL as pods see it."""
        return f"https://{self.internal_host}:{self.gateway_port}"


def load(file: Path) -> Addresses | None:
    """What was chosen before; None the first time."""
    try:
        return Addresses(**json.loads(file.read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise AddressError(f"{file} can't be read ({error}): delete it to choose addresses again") from error


def save(file: Path, addresses: Addresses) -> None:
    """Keep a choice, whole or not at all."""
    write_private(file, (json.dumps(asdict(addresses), indent=2) + "\n").encode())


def internal_host(node_directory: Path, *, pod_network: bool) -> str:
    """Where pods reach this machine: the address of their bridge-to-be, or the loopback address."""
    return load_or_choose(node_directory).gateway if pod_network else LOOPBACK


def choose(
    before: Addresses | None, *, api_port: int | None, gateway_port: int | None, gateway_http_port: int | None, internal_host: str,
    external_url: str | None = None,
) -> Addresses:  # fmt: skip
    """The addresses to use: what is asked for, else what was used before, else the defaults; port 0 means any free one.

    Raises AddressError when a port is taken or ``external_url`` is none.
    """
    if external_url and not _EXTERNAL.fullmatch(external_url):
        raise AddressError(
            f"--external-url {external_url}: must be https://HOST or http://HOST, with a port if need be, without a path"
        )
    before = before or Addresses(API_PORT, GATEWAY_PORT, 0, internal_host)
    chosen = Addresses(
        before.api_port if api_port is None else api_port or _free_port(),
        before.gateway_port if gateway_port is None else gateway_port or _free_port(),
        before.gateway_http_port if gateway_http_port is None else gateway_http_port or _free_port(),
        internal_host,
        before.external_url if external_url is None else external_url.rstrip("/"),
    )
    for option, port in (("--api-port", chosen.api_port), ("--gateway-port", chosen.gateway_port)):
        if not _is_free(port):
            raise AddressError(f"port {port} is taken: choose another with {option} (0 takes any free one)")
    return chosen


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
