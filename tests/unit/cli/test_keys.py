"""``boatyard keys``: what it says, and what it leaves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from boatyard.app.layout import DataDirectory
from boatyard.cli.main import main
from boatyard.machinery.runtime.world import RealWorld
from boatyard.server.auth.pki import Pki
from boatyard.server.auth.signing_keys import load


@pytest.fixture
def data(tmp_path: Path) -> DataDirectory:
    found = DataDirectory(tmp_path / "data")
    found.prepare()
    Pki(found.pki, RealWorld()).signing_key()
    return found


def run(data: DataDirectory, *words: str) -> str:
    result = CliRunner().invoke(main, ["keys", *words, "--data", str(data.root)])
    assert result.exit_code == 0, result.output
    return result.output


def test_rotate_and_show(data: DataDirectory) -> None:
    first = load(data.pki / "sa.key").signer.kid
    assert run(data, "show") == f"{first}  signs\n"
    assert "older keys that are still believed: 1" in run(data, "rotate")
    second = load(data.pki / "sa.key").signer.kid
    told = run(data, "show").splitlines()
    assert told[0] == f"{second}  signs"
    assert re.fullmatch(f"{first}  is believed until \\d{{4}}-\\d\\d-\\d\\d \\d\\d:\\d\\d UTC", told[1])


def test_revoke(data: DataDirectory) -> None:
    run(data, "rotate")
    assert "no older key is believed" in run(data, "rotate", "--revoke")
    assert len(run(data, "show").splitlines()) == 1


def test_what_can_not_be_done_is_said(data: DataDirectory, tmp_path: Path) -> None:
    for word in ("show", "rotate"):
        result = CliRunner().invoke(main, ["keys", word, "--data", str(tmp_path / "nothing")])
        assert result.exit_code == 1 and "no control plane here" in result.output
    (data.pki / "sa.key").write_text("torn")
    for word in ("show", "rotate"):
        result = CliRunner().invoke(main, ["keys", word, "--data", str(data.root)])
        assert result.exit_code == 1 and "restore it from a backup" in result.output
    assert (data.pki / "sa.key").read_text() == "torn"
