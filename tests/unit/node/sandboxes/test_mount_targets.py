"""What is mounted into a volume stays in the volume, whatever links it holds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from boatyard.node.sandboxes import binding
from boatyard.node.sandboxes.view import Step


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """With links of a pod's that lead out into ``machine``, and around in itself."""
    (tmp_path / "machine").mkdir()
    made = tmp_path / "volume"
    (made / "inner").mkdir(parents=True)
    (made / "out").symlink_to(tmp_path / "machine")
    (made / "around").symlink_to("inner")
    (made / "gone").symlink_to(tmp_path / "machine" / "new")
    return made


def made(volume: Path, path: str, *, directory: bool = True) -> None:
    root = os.open(volume, os.O_PATH | os.O_DIRECTORY)
    try:
        os.close(binding.made(root, path, directory=directory))
    finally:
        os.close(root)


@pytest.mark.parametrize("path", ["out", "out/deep", "around/x", "gone", "gone/x", "inner/../out", "../machine/x"])
@pytest.mark.parametrize("directory", [True, False])
def test_a_mount_point_behind_a_link_is_refused_and_nothing_is_made(volume: Path, path: str, directory: bool) -> None:
    with pytest.raises(OSError, match=r"through the link|'\.\.'"):
        made(volume, path, directory=directory)
    assert list((volume.parent / "machine").iterdir()) == [] and list((volume / "inner").iterdir()) == []


def test_mount_points_that_are_missing_are_made(volume: Path) -> None:
    made(volume, "/inner/deep/er")
    made(volume, "inner/deep/file", directory=False)
    made(volume, "inner/deep/file", directory=False)
    assert (volume / "inner/deep/er").is_dir() and (volume / "inner/deep/file").read_bytes() == b""


def test_a_source_that_became_a_link_is_refused(volume: Path) -> None:
    os.close(binding.opened(str(volume / "inner")))
    with pytest.raises(OSError, match="through the link 'out'"):
        binding.opened(str(volume / "out"))
    with pytest.raises(FileNotFoundError, match="missing"):
        binding.opened(str(volume / "missing"))


def test_without_rights_of_our_own_the_mount_points_are_made_beforehand(volume: Path) -> None:
    other = volume.parent / "other"
    other.mkdir()
    outer = Step("rw", "/workspace", str(volume), volume=True)
    binding.prepared([outer, Step("ro", "/workspace/inner/cache", str(other), volume=True)])
    assert (volume / "inner/cache").is_dir()
    with pytest.raises(OSError, match="through the link"):
        binding.prepared([outer, Step("ro", "/workspace/out/cache", str(other), volume=True)])


def test_no_descriptor_is_left_open(volume: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    made(volume, "inner/deep/er")
    for path in ("out/x", "inner/../out"):
        with pytest.raises(OSError):
            made(volume, path)
    assert len(os.listdir("/proc/self/fd")) == before
