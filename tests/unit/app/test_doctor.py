"""What the machine is told to lack."""

from __future__ import annotations

from pathlib import Path

import pytest

from boatyard.app.doctor import examine


@pytest.mark.parametrize(
    ("version", "verdict"),
    [("2.39.5", "ok"), ("2.38.0.rc1", "ok"), ("3.0.1", "ok"), ("2.37.7 (Apple Git-1)", "limited"), ("1.8.3", "limited")],
)
def test_a_git_that_cannot_merge_by_itself_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, verdict: str):
    git = tmp_path / "git"
    git.write_text(f"#!/bin/sh\necho 'git version {version}'\n")
    git.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = next(one for one in examine(tmp_path) if one.what == "git")
    assert (found.verdict, found.told.partition(":")[0]) == (verdict, version)


def test_no_git_is_told_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    found = next(one for one in examine(tmp_path) if one.what == "git")
    assert found.verdict == "missing" and "install the package 'git'" in found.told
