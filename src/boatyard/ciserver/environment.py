"""What the pod's environment tells a CI server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


class WrongEnvironment(Exception):
    """Variables that are missing or wrong, all of them."""


@dataclass(frozen=True, slots=True)
class Environment:
    """One CI server's place in the world."""

    name: str
    """Of the CiConfig, and so of every build: NAME-NUMBER."""
    namespace: str
    port: int
    base_path: str
    """Under which the gateway routes by path, e.g. ``/ci/team/shop``; without a slash at the end."""
    url: str
    """Of the builds page, as the outside sees it; without a slash at the end."""
    data: Path
    """The claim."""
    objects: str
    """URL of this CiConfig's part of the object store."""
    gateway_token: str = field(repr=False)
    """What the gateway sends with every request: others of the machine may reach the port too."""
    host: str = "0.0.0.0"

    @property
    def report_context(self) -> str:
        """Under which name the SCM shows this CI server's statuses."""
        return f"boatyard/{self.name}"

    def build_url(self, number: int) -> str:
        """The page of a build, as the outside sees it."""
        return f"{self.url}/builds/{number}"


def read(variables: Mapping[str, str]) -> Environment:
    """The environment, from ``os.environ``. Raises WrongEnvironment."""
    wrong: list[str] = []

    def need(name: str) -> str:
        if not variables.get(name):
            wrong.append(f"{name}: required")
        return variables.get(name, "")

    port = need("BOATYARD_PORT")
    if port and not (port.isdigit() and 0 <= int(port) < 65536):
        wrong.append("BOATYARD_PORT: must be a port")
    base = variables.get("BOATYARD_BASE_PATH", "").rstrip("/")
    if base and not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", base):
        wrong.append("BOATYARD_BASE_PATH: must be a path such as /ci/team/shop")
    name, namespace, data, objects, token = (
        need(f"BOATYARD_{n}") for n in ("CICONFIG", "NAMESPACE", "DATA", "OBJECTS", "GATEWAY_TOKEN")
    )
    url = variables.get("BOATYARD_URL", "").rstrip("/")
    if wrong:
        raise WrongEnvironment("; ".join(wrong))
    return Environment(
        name=name, namespace=namespace, port=int(port), base_path=base, url=url, data=Path(data), objects=objects,
        host=variables.get("BOATYARD_HOST") or "0.0.0.0", gateway_token=token,
    )  # fmt: skip
