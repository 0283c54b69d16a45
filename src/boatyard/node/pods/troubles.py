"""What kept a pod or container from starting, and when to try again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from boatyard.machinery.meta.objects import Object
from boatyard.node.containers.errors import ConfigError
from boatyard.node.pods.context import NodeContext
from boatyard.node.runtime import MachineError
from boatyard.node.status.container_status import Waiting
from boatyard.node.volumes.errors import VolumeError

FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 0.5, 30.0


class Troubles:
    """Held back containers of one pod, each with its reason and a growing pause."""

    def __init__(self, context: NodeContext) -> None:
        self._context = context
        self.held: dict[str, float] = {}
        self.waiting: dict[str, Waiting] = {}
        self._failures: dict[str, int] = {}

    async def attempt(self, pod: Object, names: list[str], what: Callable[[], Awaitable[object]]) -> bool:
        """Await ``what()``; when it fails, hold the containers named back and tell why. Whether it went well."""
        try:
            await what()
        except ExceptionGroup as group:
            self._note(pod, names, group.exceptions[0])
            return False
        except Exception as error:
            self._note(pod, names, error)
            return False
        for name in names:
            self.clear(name)
        return True

    def clear(self, name: str) -> None:
        """The container could be started."""
        self.held.pop(name, None)
        self.waiting.pop(name, None)
        self._failures.pop(name, None)

    def _note(self, pod: Object, names: list[str], error: Exception) -> None:
        reason, message = _told(error)
        event = "FailedMount" if isinstance(error, VolumeError) else "Failed"
        for name in names:
            failures = self._failures[name] = self._failures.get(name, 0) + 1
            pause = min(FIRST_RETRY_SECONDS * 2 ** min(failures - 1, 20), LONGEST_RETRY_SECONDS)
            self.held[name] = self._context.world.now() + pause
            backs_off = reason == "ErrImagePull" and failures > 1
            self.waiting[name] = Waiting("ImagePullBackOff" if backs_off else reason, message)
        self._context.announcer.warn(pod, event, message)


def _told(error: Exception) -> tuple[str, str]:
    message = str(error) or type(error).__name__
    if isinstance(error, ConfigError):
        return error.reason, message
    if isinstance(error, MachineError):
        return getattr(error, "reason", "") or "RunContainerError", message
    return "ContainerCreating", message
