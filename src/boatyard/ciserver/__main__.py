"""``python -m boatyard.ciserver``: the program in a CI server's pod, configured by its environment."""

from __future__ import annotations

import asyncio
import gc
import importlib
import logging
import os
import signal
import sys
from urllib.parse import unquote, urlsplit

from boatyard.ci.scm.http import AiohttpHttp
from boatyard.ciserver.database import NewerData, SqliteDatabase
from boatyard.ciserver.environment import Environment, WrongEnvironment, read
from boatyard.ciserver.mirrors import Mirrors
from boatyard.ciserver.server import CiServer
from boatyard.ciserver.web import Web
from boatyard.machinery.client.kubeconfig import KubeconfigError, in_cluster
from boatyard.machinery.objects.directory import DirectoryObjects
from boatyard.machinery.objects.store import ObjectStore
from boatyard.machinery.runtime.tasks import TaskGroup
from boatyard.machinery.runtime.world import RealWorld

_LOG = logging.getLogger("boatyard.ciserver")


async def run(environment: Environment) -> None:
    """Serve until SIGTERM or SIGINT. Raises OSError when the claim or the port can't be used."""
    world, http, client = RealWorld(), AiohttpHttp(), in_cluster()
    database, broken = await SqliteDatabase.open(environment.data / "ciserver.db")
    if broken:
        _LOG.warning("the database could not be read: it was put aside as ciserver.db.broken")
    server = CiServer(
        environment, client, world, database=database, store=_objects(environment.objects), http=http,
        repository=lambda team: Mirrors(environment.data, team).repository,
    )  # fmt: skip
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with TaskGroup() as group:
            group.start(server.run(), "server")
            group.start(Web(server, world).run(), "web")
            # What was imported stays: the collector needn't look at it again.
            gc.freeze()
            await stop.wait()
            group.cancel()
    finally:
        await client.close()
        await http.close()
        await database.close()


def _objects(url: str) -> ObjectStore:
    """The object store that the URL names. Raises WrongEnvironment."""
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path.startswith("/"):
        return DirectoryObjects(unquote(parts.path))
    # The library for buckets is heavy: only who has a bucket pays for it.
    module = importlib.import_module("boatyard.machinery.objects.urls")
    try:
        return module.open_objects(url)
    except ValueError as error:
        raise WrongEnvironment(f"BOATYARD_OBJECTS: {error}") from error


def main() -> None:
    """The program."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if hasattr(asyncio, "PidfdChildWatcher") and sys.version_info < (3, 12):
        # The default one of these versions keeps a thread per child.
        asyncio.get_event_loop_policy().set_child_watcher(asyncio.PidfdChildWatcher())
    try:
        asyncio.run(run(read(os.environ)))
    except (WrongEnvironment, NewerData, KubeconfigError, OSError) as error:
        sys.exit(f"ciserver: {error}")


if __name__ == "__main__":
    main()
