"""The whole control plane in this process, clients over TLS in front of it, and notes of what those were told. For the power cuts.

python control_plane.py DATA SEED
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from contextlib import suppress
from pathlib import Path

from boatyard.app.control import run
from boatyard.app.layout import DataDirectory
from boatyard.machinery.client.client import Client
from boatyard.machinery.client.http import HttpClient
from boatyard.machinery.client.kubeconfig import from_kubeconfig
from boatyard.machinery.meta.core import CONFIG_MAPS, SECRETS
from boatyard.machinery.meta.errors import NotFound
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.store import opening
from durability.workload import note

NAMESPACE = "default"
WRITERS, WRITES = 6, 15


def body(writer: int, number: int) -> Object:
    """What a writer's object holds after its write of this number: even writers write Secrets."""
    return {"metadata": {"name": f"w{writer}"}, "data": {"number": "" if not number else "MTIz" * number}}


async def write(client: Client, writer: int) -> None:
    """One object, again and again; each write noted before and after."""
    resource = CONFIG_MAPS if writer % 2 else SECRETS
    for number in range(1, WRITES + 1):
        note(begun=[writer, number])
        if number == 1:
            done = await client.create(resource, body(writer, number), NAMESPACE)
        else:
            done = await client.patch(resource, f"w{writer}", {"data": body(writer, number)["data"]}, NAMESPACE, type="merge")
        note(acknowledged=[writer, number, int(done["metadata"]["resourceVersion"])])


async def token_of_default(client: HttpClient) -> str:
    """A token of the service account that a controller makes in every namespace, which may be a moment after "ready"."""
    asked = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/default/token"
    async with asyncio.timeout(30):
        while True:
            try:
                return (await client.request("POST", asked, body={"spec": {}}))["status"]["token"]
            except NotFound:
                await asyncio.sleep(0.05)


async def main(data: DataDirectory, seed: int) -> None:
    """Begin, as the first time; write; end in order."""
    opening.CHECKPOINT_PAGES = random.Random(seed).choice((20, 100, 1000))
    reading, writing = os.pipe()
    ready = asyncio.Event()
    asyncio.get_running_loop().add_reader(reading, ready.set)
    serving = asyncio.create_task(run(data, writing))
    serving.add_done_callback(lambda _: ready.set())
    await ready.wait()
    if not serving.done():
        note(ready=True)
        client = from_kubeconfig(data.kubeconfig)
        note(token=await token_of_default(client))
        await asyncio.gather(*(write(client, writer) for writer in range(WRITERS)))
        await client.close()
        serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving


if __name__ == "__main__":
    asyncio.run(main(DataDirectory(Path(sys.argv[1])), int(sys.argv[2])))
