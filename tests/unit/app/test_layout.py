"""A data directory is ours, or it is left alone."""

from pathlib import Path

import pytest

from boatyard.app.layout import DataDirectory, LayoutError


def test_it_is_made_private_and_can_be_made_again(tmp_path: Path):
    data = DataDirectory(tmp_path / "data")
    data.prepare()
    data.prepare()
    assert (data.root / "FORMAT").read_text() == "1\n"
    assert data.pki.stat().st_mode & 0o777 == 0o700
    assert data.root.stat().st_mode & 0o777 == 0o711


def test_a_directory_with_something_else_in_it_is_refused(tmp_path: Path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(LayoutError, match="isn't Boatyard's"):
        DataDirectory(tmp_path).prepare()


def test_a_newer_layout_is_refused(tmp_path: Path):
    (tmp_path / "FORMAT").write_text("9\n")
    with pytest.raises(LayoutError, match="newer boatyard"):
        DataDirectory(tmp_path).prepare()


def test_what_cannot_be_made_is_told(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(LayoutError, match="can't use"):
        DataDirectory(tmp_path / "file" / "data").prepare()
