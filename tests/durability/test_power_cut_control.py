"""After a power cut of the whole control plane: it starts, what its clients were told is true, and they may still come in."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from boatyard.app import addresses
from boatyard.app.layout import DataDirectory
from boatyard.machinery.client.http import HttpClient
from boatyard.machinery.client.kubeconfig import from_kubeconfig
from boatyard.machinery.meta.core import CONFIG_MAPS, SECRETS
from boatyard.machinery.meta.errors import NotFound
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.store.check import check
from durability.control_plane import NAMESPACE, body
from durability.recording import Recording, moments, notes, outcomes, record
from parts import free_port


def prepared(place: Path) -> DataDirectory:
    """As `boatyard up` leaves it before the first start of its control plane."""
    data = DataDirectory(place)
    data.prepare()
    chosen = addresses.Addresses(free_port(), free_port(), 0, addresses.LOOPBACK)
    addresses.save(place / "control" / "addresses.json", chosen)
    return data


@asynccontextmanager
async def started(data: DataDirectory) -> AsyncIterator[None]:
    """The control plane on this directory, in a process of its own, once it is ready."""
    reading, writing = os.pipe()
    command = (sys.executable, "-m", "boatyard.app.control", str(data.root), "--ready-fd", str(writing))
    with open(data.root / "log", "wb") as log:
        process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log, pass_fds=(writing,))
    os.close(writing)
    try:
        told = await asyncio.wait_for(asyncio.to_thread(os.read, reading, 5), 60)
        assert told == b"ready", (data.root / "log").read_text()[-3000:]
        yield
    finally:
        os.close(reading)
        if process.returncode is None:
            process.kill()
        await process.wait()


def told(recording: Recording, moment: int) -> tuple[dict[int, int], dict[int, tuple[int, int]]]:
    """By writer: the number of the write that was begun last; number and revision of the one that was acknowledged last."""
    begun: dict[int, int] = {}
    acknowledged: dict[int, tuple[int, int]] = {}
    for _, note in notes(recording.entries[:moment]):
        if "begun" in note:
            begun[note["begun"][0]] = note["begun"][1]
        elif "acknowledged" in note:
            writer, number, revision = note["acknowledged"]
            acknowledged[writer] = number, revision
    return begun, acknowledged


async def found(client: HttpClient, writer: int) -> tuple[Object, int]:
    """What a writer's object holds, and its revision; nothing and 0 when it isn't there."""
    try:
        obj = await client.get(CONFIG_MAPS if writer % 2 else SECRETS, f"w{writer}", NAMESPACE)
    except NotFound:
        return {}, 0
    return obj["data"], int(obj["metadata"]["resourceVersion"])


async def hold(recording: Recording, moment: int, data: DataDirectory, kubeconfig: Path) -> None:
    """Assert what the notes up to a moment promise of the data directory that a cut left."""
    begun, acknowledged = told(recording, moment)
    async with started(data):
        # Who was told once that it is ready has had the kubeconfig since; its authority must be the one there is.
        way_in = kubeconfig if recording.noted(moment, "ready") is not None else data.kubeconfig
        client = from_kubeconfig(way_in)
        try:
            for writer, last in begun.items():
                number, revision = acknowledged.get(writer, (0, 0))
                may = [body(writer, n)["data"] for n in range(max(1, number), last + 1)] + ([] if number else [{}])
                there, at = await found(client, writer)
                assert there in may, f"writer {writer}: {number} was acknowledged, {last} begun, {there} is there"
                assert there != body(writer, number)["data"] or at == revision
            await client.create(CONFIG_MAPS, {"metadata": {"name": "after-the-cut"}}, NAMESPACE)
            if token := next((note["token"] for _, note in notes(recording.entries[:moment]) if "token" in note), None):
                bearer = HttpClient(client.address, ca_file=str(data.pki / "ca.crt"), token=token)
                review = await bearer.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body={})
                assert review["status"]["userInfo"]["username"] == f"system:serviceaccount:{NAMESPACE}:default"
                await bearer.close()
        finally:
            await client.close()
    assert check(data.store).findings == []


ROUNDS = [pytest.param(1, 4, id="4 rounds"), *(pytest.param(seed, 10, marks=pytest.mark.long) for seed in range(2, 12))]


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("seed", "rounds"), ROUNDS)
async def test_a_power_cut_of_the_control_plane(shim: Path, tmp_path: Path, seed: int, rounds: int):
    directory = tmp_path / "store"
    prepared(directory)
    recording = record(shim, tmp_path, "control_plane.py", directory, str(seed))
    kubeconfig = Path(shutil.copy(directory / "kubeconfig", tmp_path / "kubeconfig"))
    rng = random.Random(seed)
    beginning = recording.noted(len(recording.entries), "ready")
    assert beginning is not None
    # Keys and certificates are made in the first few hundred calls of many thousands: half of the cuts come there.
    early = [rng.randrange(beginning) for _ in range(rounds // 2)]
    for image, moment in outcomes(recording, rng, tmp_path, early + moments(recording, rng, rounds - len(early))):
        data = DataDirectory(image)
        data.prepare()
        await hold(recording, moment, data, kubeconfig)
