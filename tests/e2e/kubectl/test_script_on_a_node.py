"""kubectl as a user types it, of pods that really run: under ``boatyard up``, and on a real cluster's node."""

from __future__ import annotations

import os
import secrets
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from boatyard.machinery.client.client import Client
from boatyard.machinery.client.kubeconfig import from_kubeconfig
from boatyard.machinery.meta import yaml
from boatyard.machinery.meta.core import NAMESPACES, SERVICE_ACCOUNTS
from boatyard.machinery.meta.errors import NotFound
from conformance.api.waiting import until
from e2e.installation import Installation
from parts import image, kubernetes, need, root
from parts import program as installed

from .programs import OTHERS, USUAL, program
from .servers import in_namespace
from .session import Side, differences

pytestmark = [pytest.mark.real, pytest.mark.root, pytest.mark.long, pytest.mark.timeout(900)]

NODE = "KUBECONFIG_NODE"
"""Names a kubeconfig of a real cluster with a node that has the image ``boatyard.dev/host``. Without it one is started."""
SECONDS = 90.0
"""How long a command may take: pods start in it."""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The kubeconfig of a real cluster with a real node."""
    if given := os.environ.get(NODE):
        yield Path(given)
        return
    root()
    for name in ("containerd", "runc"):
        installed(name, name)
    directory = tmp_path_factory.mktemp("node")
    with kubernetes(directory, "node") as config:
        image(directory, "boatyard.dev/host:latest", _busybox(directory / "host.tar"))
        yield config


def _busybox(tar: Path) -> Path:
    """A root file system with the tools that the stories use."""
    with tarfile.open(tar, "w") as made:
        made.add(installed("busybox", "busybox-static"), "bin/busybox")
        for tool in ("cat", "echo", "env", "head", "seq", "sh", "sleep", "stty", "tar", "test", "touch", "true", "wc"):
            link = tarfile.TarInfo(f"bin/{tool}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            made.addfile(link)
    return tar


@pytest.mark.parametrize("version", [USUAL, *OTHERS])
async def test_both_run_pods_alike(tmp_path: Path, running: Installation, node: Path, version: str) -> None:
    """A difference that is meant stands in the story, with its reason."""
    kubectl = program(version)
    need(kubectl is not None, f"kubectl {version} isn't here: put kubectl.{version} on the PATH")
    assert kubectl is not None
    own = f"story-{secrets.token_hex(3)}"
    sides: list[Side] = []
    judge = from_kubeconfig(str(node))
    for name, path, client in (("ours", running.data.kubeconfig, running.client), ("judge", node, judge)):
        config = yaml.load(path.read_bytes())
        side = Side(tmp_path / name, kubectl, config["clusters"][0]["cluster"]["server"])
        side.prepare(in_namespace(config, own, path.resolve().parent))
        sides.append(side)
        await _furnish(client, own)
    try:
        told = await differences("on-a-node/running", int(version.split(".")[1]), *sides, own, seconds=SECONDS)
    finally:
        await judge.delete(NAMESPACES, own)
        await judge.close()
    assert not told, "\n\n".join(told)


async def _furnish(client: Client, own: str) -> None:
    await client.create(NAMESPACES, {"metadata": {"name": own}})

    async def account() -> bool:
        try:
            await client.get(SERVICE_ACCOUNTS, "default", own)
        except NotFound:
            return False
        return True

    await until(account)
