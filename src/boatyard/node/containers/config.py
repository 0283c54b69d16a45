"""One start of one container, composed from its declaration."""

from __future__ import annotations

from collections.abc import Mapping

from boatyard.machinery.meta.objects import Object
from boatyard.node import images
from boatyard.node.containers.admission import run_as_user
from boatyard.node.containers.environment import Surroundings, environment
from boatyard.node.containers.errors import ConfigError
from boatyard.node.containers.expansion import expand
from boatyard.node.containers.limits import limits
from boatyard.node.containers.mounts import MountableVolume, mounts
from boatyard.node.runtime import ContainerConfig, MachineError

TERMINATION_MESSAGE_PATH = "/dev/termination-log"


def container_config(
    container: Object, around: Surroundings, volumes: Mapping[str, MountableVolume], *, attempt: int, log_path: str
) -> ContainerConfig:
    """What the machine is asked to start. ``command`` replaces the image's entry point, ``args`` its arguments; the built-in images
    have neither, so that ``args`` alone are the whole command.

    Raises ConfigError when something the container refers to is missing or wrong.
    """
    image = container.get("image") or ""
    try:
        images.check(image)
    except MachineError as error:
        raise ConfigError(str(error), "ErrImagePull") from None
    variables = environment(container, around)
    argv = tuple(expand(word, variables) for word in (*(container.get("command") or ()), *(container.get("args") or ())))
    return ContainerConfig(
        name=container["name"],
        attempt=attempt,
        image=image,
        argv=argv,
        env=variables,
        cwd=container.get("workingDir") or "",
        mounts=mounts(container, volumes, variables),
        limits=limits(container),
        log_path=log_path,
        termination_message_path=container.get("terminationMessagePath") or TERMINATION_MESSAGE_PATH,
        run_as_user=run_as_user(around.pod, container),
        read_only_root=bool((container.get("securityContext") or {}).get("readOnlyRootFilesystem")),
        tty=bool(container.get("tty")),
        stdin=bool(container.get("stdin")),
        termination_message_from_log=container.get("terminationMessagePolicy") == "FallbackToLogsOnError",
    )
