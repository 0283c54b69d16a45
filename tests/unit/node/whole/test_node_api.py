"""The node's own API: exec, logs that can't be had, and who may call."""

from __future__ import annotations

import asyncio

import pytest

from boatyard.machinery.client import exec_channel
from boatyard.machinery.client.credentials import Credentials
from boatyard.machinery.client.transport import Transport
from boatyard.machinery.meta.errors import ApiError, BadRequest, Forbidden, NotFound


@pytest.fixture
async def running(whole_node, in_shell):
    await whole_node.create({"containers": [in_shell("main", "sleep 60")], "terminationGracePeriodSeconds": 1})
    await whole_node.until(lambda pod: pod["status"].get("phase") == "Running")
    transport = await whole_node.api()
    yield transport
    await transport.close()


def run(transport, *command, stdin=b""):
    parameters = exec_channel.parameters(list(command), stdin=bool(stdin))
    return exec_channel.run(transport, "/exec/default/p/main", parameters, stdin)


async def test_exec_gives_both_outputs_and_the_exit_code(running):
    result = await run(running, "/bin/sh", "-c", "echo out; echo err >&2; exit 3")
    assert result == (3, b"out\n", b"err\n")


async def test_exec_passes_stdin_on_until_it_is_closed(running):
    result = await run(running, "/bin/sh", "-c", "wc -c", stdin=b"x" * 300_000)
    assert result.exit_code == 0
    assert result.stdout.strip() == b"300000"


async def test_a_command_that_isn_t_there_is_told(running):
    try:
        result = await run(running, "/no/such/command")
        assert result.exit_code in (126, 127, 128)
    except ApiError as error:
        assert "no/such/command" in str(error) or error.code == 500


async def test_several_commands_at_once(running):
    results = await asyncio.gather(*(run(running, "/bin/sh", "-c", f"echo {n}") for n in range(5)))
    assert [result.stdout for result in results] == [f"{n}\n".encode() for n in range(5)]


async def test_an_unknown_pod_or_container_is_not_found(running):
    for path in ("/containerLogs/default/none/main", "/containerLogs/default/p/none"):
        with pytest.raises(NotFound):
            await running.request("GET", path, {})


async def test_the_log_before_the_last_one_is_missed_politely(running):
    with pytest.raises(BadRequest, match="previous terminated container"):
        await running.request("GET", "/containerLogs/default/p/main", {"previous": "true"})


async def test_only_the_api_server_may_call(running, whole_node):
    cert, key = whole_node.pki.admin()
    other = Transport(
        running.address, Credentials(ca_file=str(whole_node.pki.ca), cert_file=str(cert), key_file=str(key), server_name="n1")
    )
    with pytest.raises(Forbidden):
        await other.request("GET", "/pods", {})
    await other.close()
    nobody = Transport(running.address, Credentials(ca_file=str(whole_node.pki.ca), server_name="n1"))
    with pytest.raises((ApiError, OSError)):
        await nobody.request("GET", "/pods", {})
    await nobody.close()
