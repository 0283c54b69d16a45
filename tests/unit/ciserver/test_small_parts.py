"""Environment, units, doors, ssh: what needs no world."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from boatyard.ciserver.archive import Archive
from boatyard.ciserver.environment import WrongEnvironment, read
from boatyard.ciserver.git import Credential
from boatyard.ciserver.mirrors import Mirrors
from boatyard.ciserver.render import duration, millis, render, seconds
from boatyard.ciserver.security import Doorkeeper
from boatyard.ciserver.summary import Summary, description, summary
from boatyard.ciserver.team import GitAccess
from boatyard.machinery.objects.directory import DirectoryObjects
from boatyard.machinery.objects.memory import MemoryObjects

WHOLE = {
    "BOATYARD_CICONFIG": "shop", "BOATYARD_NAMESPACE": "team", "BOATYARD_PORT": "20001", "BOATYARD_DATA": "/data",
    "BOATYARD_OBJECTS": "file:///objects", "BOATYARD_BASE_PATH": "/ci/team/shop/", "BOATYARD_URL": "https://ci.example/ci/team/shop/",
    "BOATYARD_GATEWAY_TOKEN": "t0ken",
}  # fmt: skip


def test_the_environment_as_the_pod_has_it():
    found = read(WHOLE)
    assert (found.base_path, found.build_url(3), found.report_context) == (
        "/ci/team/shop",
        "https://ci.example/ci/team/shop/builds/3",
        "boatyard/shop",
    )
    assert "t0ken" not in repr(found)


def test_all_wrong_variables_at_once():
    with pytest.raises(WrongEnvironment, match=r"PORT.*BASE_PATH.*CICONFIG.*DATA.*GATEWAY_TOKEN"):
        read({"BOATYARD_PORT": "99999", "BOATYARD_BASE_PATH": "ci", "BOATYARD_NAMESPACE": "x", "BOATYARD_OBJECTS": "x"})


@pytest.mark.parametrize(("value", "told"), [(0.34, "340 ms"), (4.21, "4.2 s"), (200, "3 min 20 s"), (7500, "2 h 5 min"), (-1, "")])
def test_durations_for_people(value: float, told: str):
    assert seconds(value) == told


def test_durations_of_builds():
    assert duration("2026-01-01T00:00:00Z", "2026-01-01T00:01:05Z") == "1 min 5 s"
    assert duration("2026-01-01T00:00:00Z", "") == duration("", "") == duration("x", "y") == millis(None) == ""


def test_a_summary_of_any_document_at_all():
    for document in ({}, {"spec": None, "status": []}, {"spec": {"number": "x", "source": {"pullRequest": 7}}}):
        assert isinstance(summary(document), Summary)
    assert description(summary({"status": {"phase": "Error"}})) == "Error"


def test_templates_escape_what_they_show():
    hostile = Summary(1, "shop-1", title="<img src=x>", author='"&', ref="refs/heads/<b>")
    html = render("list.html", builds=[hostile], waiting=[(2, "<img src=y>")], prefix="")
    assert "<img" not in html and "<b>" not in html and "&lt;img" in html


def test_the_gateways_token_and_a_forms():
    keeper = Doorkeeper("t", b"key")
    assert keeper.from_gateway({"x-boatyard-gateway-token": "t"}) and not keeper.from_gateway({"x-boatyard-gateway-token": "tt"})
    assert not keeper.from_gateway({})
    assert not Doorkeeper("", b"key").from_gateway({"x-boatyard-gateway-token": ""}), "without a token nobody comes from it"
    token = keeper.form_token("ann")
    assert keeper.from_our_page({"x-boatyard-user": "ann"}, token)
    assert not keeper.from_our_page({"x-boatyard-user": "bob"}, token)
    assert not keeper.from_our_page({"x-boatyard-user": "ann", "sec-fetch-site": "same-site"}, token)
    assert not Doorkeeper("t", b"other").from_our_page({"x-boatyard-user": "ann"}, token)


class Declared:
    """A team of which only the repository is known."""

    def __init__(self, access: GitAccess) -> None:
        self.access = access

    async def git(self) -> GitAccess:
        return self.access


async def test_a_mirror_is_kept_until_its_address_or_credential_changes(tmp_path: Path):
    team = Declared(GitAccess("https://git.example/a", Credential("u", "p")))
    mirrors = Mirrors(tmp_path, team)  # type: ignore[arg-type]
    first = await mirrors.repository()
    assert await mirrors.repository() is first
    team.access = GitAccess("https://git.example/a", Credential("u", "new"))
    assert await mirrors.repository() is not first


async def test_an_ssh_key_is_private_and_only_known_hosts_are_spoken_to(tmp_path: Path):
    team = Declared(GitAccess("git@git.example:a/b", Credential(), "KEY", "git.example ssh-ed25519 AAAA"))
    mirror = await Mirrors(tmp_path, team).repository()  # type: ignore[arg-type]
    command = mirror._git.environment()["GIT_SSH_COMMAND"]  # type: ignore[attr-defined]
    assert "StrictHostKeyChecking=yes" in command and "BatchMode=yes" in command
    key = tmp_path / "git" / "ssh-key"
    assert key.read_text() == "KEY\n" and stat.S_IMODE(key.stat().st_mode) == 0o600


@pytest.mark.parametrize("kind", ["directory", "memory"])
async def test_the_archive_over_any_store(tmp_path: Path, kind: str):
    store = DirectoryObjects(tmp_path) if kind == "directory" else MemoryObjects()
    prefix = "" if kind == "directory" else "builds/team/shop/"
    for key, value in {
        "3/build.json": b'{"kind": "Build"}', "10/build.json": b"broken", "3/logs/1/build/000000000000": b"abc",
        "3/logs/1/build/000000000003": b"def", "3/logs/1/build/README": b"x", "3/artifacts/1/dist/a": b"A",
    }.items():  # fmt: skip
        await store.put(prefix + key, value)
    archive = Archive(store, prefix)
    assert await archive.numbers() == [3, 10]
    assert await archive.build(3) == {"kind": "Build"} and await archive.build(10) is None and await archive.build(4) is None
    assert b"".join([piece.data async for piece in archive.log(3, 1, "build", 2)]) == b"cdef"
    assert await archive.log_bytes(3, 1, "build") == 6 and await archive.log_bytes(3, 2, "build") == 0
    assert [piece async for piece in archive.artifact(3, 1, "dist/a")] == [b"A"]
    with pytest.raises(KeyError):
        await anext(archive.artifact(3, 1, "../../10/build.json"))
