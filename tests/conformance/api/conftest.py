"""One suite, three subjects: who takes a test is in its arguments (``client``, ``wire``) and its ``@without``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from boatyard.machinery.client.client import Client
from boatyard.machinery.meta.core import NAMESPACES, SERVICE_ACCOUNTS
from boatyard.machinery.meta.errors import AlreadyExists, NotFound
from boatyard.machinery.meta.resource import Resource

from .clusters import CLUSTERS
from .features import subjects_of
from .subjects import SUBJECTS, Subject
from .widgets import WIDGETS, defined
from .wire import Wire

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A subject is started once; so all these tests share one event loop."""
    for item in items:
        if item.path.is_relative_to(HERE) and iscoroutinefunction(getattr(item, "obj", None)):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "subject" in metafunc.fixturenames:
        _over(metafunc, "subject")
    elif "cluster" in metafunc.fixturenames:
        _over(metafunc, "cluster")


def _over(metafunc: pytest.Metafunc, fixture: str) -> None:
    chosen: list[Any] = []
    for name in subjects_of(metafunc.function):
        marks = [pytest.mark.real] if name.startswith("kube") else []
        if getattr(metafunc.function, "slow_on", "") == name:
            marks.append(pytest.mark.long)
        chosen.append(pytest.param(name, marks=marks))
    metafunc.parametrize(fixture, chosen, indirect=True, scope="session")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Subject]:
    async with AsyncExitStack() as stack:
        yield await SUBJECTS[request.param](stack, tmp_path_factory.mktemp("subject"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    """The client of an API whose controllers run."""
    async with AsyncExitStack() as stack:
        yield await CLUSTERS[request.param](stack, tmp_path_factory.mktemp("cluster"))


@pytest_asyncio.fixture(loop_scope="session")
async def room(cluster: Client) -> AsyncIterator[str]:
    """A namespace of the test's own, which its controllers know."""
    made = await cluster.create(NAMESPACES, {"metadata": {"generateName": "suite-"}})
    yield made["metadata"]["name"]
    with suppress(NotFound):
        await cluster.delete(NAMESPACES, made["metadata"]["name"])


@pytest.fixture
def client(subject: Subject) -> Client:
    return subject.client


@pytest.fixture
def wire(subject: Subject) -> Wire:
    assert subject.wire is not None
    return subject.wire


@pytest_asyncio.fixture(loop_scope="session")
async def namespace(client: Client) -> AsyncIterator[str]:
    """A namespace of the test's own."""
    made = await client.create(NAMESPACES, {"metadata": {"generateName": "suite-"}})
    yield made["metadata"]["name"]
    await client.delete(NAMESPACES, made["metadata"]["name"])


@pytest_asyncio.fixture(loop_scope="session")
async def account(client: Client, namespace: str) -> None:
    """The account that pods need, where no controller makes one."""
    try:
        await client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default"}}, namespace)
    except AlreadyExists:
        pass


@pytest_asyncio.fixture(loop_scope="session")
async def widgets(client: Client) -> Resource:
    """A custom kind, established and served."""
    await defined(client, WIDGETS)
    return WIDGETS
