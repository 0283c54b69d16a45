"""Logs are lines of JSON with their fields, and no secret."""

import io
import json
import logging

import pytest
import structlog

from boatyard.machinery.telemetry.logs import configure, get_logger


@pytest.fixture(autouse=True)
def restore():
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    logging.basicConfig(force=True)


def test_a_line_has_its_fields_and_hides_secrets():
    out = io.StringIO()
    configure("control", stream=out)
    get_logger("ci").info("delivery", ciconfig="web", token="abc", Authorization="Bearer x")
    line = json.loads(out.getvalue())
    assert (line["component"], line["room"], line["event"], line["ciconfig"]) == ("control", "ci", "delivery", "web")
    assert "abc" not in out.getvalue() and "Bearer" not in out.getvalue()


def test_a_library_warning_takes_the_same_way():
    out = io.StringIO()
    configure("node", stream=out)
    logging.getLogger("aiohttp").warning("slow %s", "peer")
    assert json.loads(out.getvalue())["event"] == "slow peer"


def test_an_exception_is_one_line():
    out = io.StringIO()
    configure("node", stream=out)
    try:
        raise ValueError("broken")
    except ValueError:
        get_logger("node").exception("failed")
    (line,) = out.getvalue().splitlines()
    assert "ValueError: broken" in json.loads(line)["exception"]


def test_a_full_disk_loses_lines_and_nothing_else():
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError("No space left on device")

    configure("control", stream=Full())
    get_logger("ci").warning("lost")
    logging.getLogger("aiohttp").warning("lost too")
