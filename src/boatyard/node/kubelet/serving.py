"""How the node's own API is served."""

from __future__ import annotations

from typing import NamedTuple


class Serving(NamedTuple):
    """How the node's API is served."""

    cert_file: str
    key_file: str
    client_ca_file: str
    host: str = "127.0.0.1"
    port: int = 0
    """0: the system chooses."""
    client_name: str = "boatyard-kubelet-client"
    """Common name of the only certificate that is let in."""
