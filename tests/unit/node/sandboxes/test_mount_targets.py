"""What is mounted below a volume stays in the container, whatever links the volume holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from boatyard.node.sandboxes.mounting import inside


def test_a_target_behind_a_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    root, machine = tmp_path / "new", tmp_path / "old"
    (root / "workspace").mkdir(parents=True)
    machine.mkdir()
    (root / "workspace" / "cache").symlink_to(machine)
    (root / "bin").symlink_to("usr/bin")
    (root / "workspace" / "gone").symlink_to("/nowhere")
    for target in ("workspace/cache", "workspace/cache/deep", "workspace/gone/x"):
        with pytest.raises(OSError, match="leads out of the container"):
            inside(str(root), f"{root}/{target}")
    for target in ("workspace/new/deep", "bin/tool", "workspace"):
        inside(str(root), f"{root}/{target}")
