"""What the agent ordered for the pod, as read from ``pod.json``, and the questions everybody asks about it."""

from __future__ import annotations

import os

from boatyard.node.sandboxes.view import HOME

TYPE_CHECKING = False  # typing itself would cost a supervisor 10 ms at its start
if TYPE_CHECKING:
    from typing import Any


class Pod:
    """The order: ``config`` (see ``runtime.PodConfig``) and what the machine decided for it."""

    def __init__(self, directory: str, record: dict[str, Any]) -> None:
        config = record["config"]
        self.directory = directory
        """The pod's machine directory."""
        self.etc_directory = os.path.join(directory, "etc")
        self.scratch_directory = os.path.join(directory, "mounts")
        self.pod_uid: str = config["uid"]
        self.hostname: str = config["hostname"]
        self.sandbox: str = config["sandbox"]
        self.isolation: str = record["isolation"]
        """root, user or none; see ``runtime.Capabilities``."""
        self.uid: int | None = record["uid"]
        """The subordinate user."""
        self.network: dict[str, Any] | None = record["network"]
        """None: the host's."""
        self.memory_bytes: int | None = config["memory_bytes"]
        self.log_limit_bytes: int = record["log_limit_bytes"]
        self.cgroups: dict[str, Any] | None = record["cgroups"]
        self.group: str = record["group"]
        """Path of the pod's cgroups below every controller."""

    @property
    def isolated(self) -> bool:
        """Whether containers have a view of files of their own."""
        return self.isolation != "none"

    @property
    def supervisor_group(self) -> str:
        return f"{self.group}/supervisor"

    @property
    def containers_group(self) -> str:
        return f"{self.group}/containers"

    def container_group(self, key: str) -> str:
        return f"{self.containers_group}/{key}"

    def own_directories(self) -> dict[str, str]:
        """Where a container's programs may write what is only theirs; without a view of files that is below the pod's directory."""
        if self.isolated:
            return {"HOME": HOME}
        made = {"HOME": os.path.join(self.directory, "home"), "TMPDIR": os.path.join(self.directory, "tmp")}
        for path in made.values():
            os.makedirs(path, exist_ok=True)
        return made

    def check(self, config: dict[str, Any]) -> None:
        """Raises OSError for what this pod can't give a container."""
        wanted = config["run_as_user"]
        mine = self.uid if self.uid is not None else os.getuid()
        if wanted is not None and wanted != mine:
            raise OSError(f"runAsUser {wanted} is refused: all containers of a pod share one user here ({mine})")

    def memory_limit(self, config: dict[str, Any]) -> str:
        """In words, for a log."""
        own = config["limits"]["memory_bytes"]
        amount = own or self.memory_bytes
        return f"{amount} bytes" if amount else "the machine's own memory"
