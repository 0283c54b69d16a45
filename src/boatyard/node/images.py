"""The images that need no image: this machine's tools, and this very program, mounted read-only at ``/opt/boatyard``.

Both have the interpreter, so ``/opt/boatyard/bin/python -m boatyard.…`` works in either. Other images need a container runtime.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import sysconfig
from functools import cache
from pathlib import Path

import msgspec

import boatyard
from boatyard.node.runtime import MachineError, Mount

HOME = "/opt/boatyard"
HOST, CISERVER = "boatyard.dev/host", "boatyard.dev/ciserver"


class Image(msgspec.Struct, frozen=True):
    """What a container gets from its image."""

    mounts: tuple[Mount, ...]
    env: dict[str, str]


def known(image: str) -> bool:
    """Whether the name means one of the built-in images. Their tags aren't looked at: there is this version only."""
    return image.partition("@")[0].partition(":")[0] in (HOST, CISERVER)


def check(image: str) -> None:
    """Raises :class:`MachineError`, worded for an ErrImagePull, for an image this machine can't run."""
    if not known(image):
        raise MachineError(
            f"image {image!r} needs a container runtime, which this node doesn't have yet; "
            f"use {HOST} (the tools of this machine), or run the control plane over Kubernetes"
        )


@cache
def _compile(package: Path) -> None:
    """Have it compiled meanwhile, once for this process."""
    if os.access(package, os.W_OK):
        null = subprocess.DEVNULL
        subprocess.Popen([sys.executable, "-m", "compileall", "-q", str(package)], stdin=null, stdout=null, stderr=null)


class BuiltInImages:
    """Prepared once per start of the agent; ``directory`` gets the launcher."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._base = Path(sys.base_prefix).resolve()
        self._own_base = self._base != Path("/usr")
        self._package = Path(boatyard.__file__).resolve().parent
        libraries = Path(msgspec.__file__).parents[1]
        sites = (Path(path).resolve() for path in (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), libraries))
        self._site = [path for path in dict.fromkeys(sites) if path.is_dir()]
        self._editable = self._package.parent not in self._site
        self._python = f"python{sys.version_info.major}.{sys.version_info.minor}"

    def prepare(self) -> None:
        """Write the launchers and have the package compiled: a pod can't write byte code, and would compile every time."""
        inside = [f"{HOME}/site{number}" for number in range(len(self._site))]
        base = f"{HOME}/python" if self._own_base else "/usr"
        self._launcher("inside", base, [*([f"{HOME}/src"] if self._editable else []), *inside])
        source = [str(self._package.parent)] if self._editable else []
        self._launcher("outside", str(self._base), [*source, *map(str, self._site)])
        _compile(self._package)

    def image(self, name: str, *, mounted: bool) -> Image:
        """Mounts and environment; for a sandbox without mounts the same things at their real places. Raises MachineError."""
        check(name)
        if not mounted:
            # One that isn't made but translated: see supervisor/plain.py.
            mount = Mount(str(self._directory / "outside"), HOME, True)
            return Image((mount,), {"BOATYARD_HOME": HOME, "BOATYARD_PYTHON": f"{HOME}/bin/python"})
        mounts = [Mount(str(self._directory / "inside" / "bin"), f"{HOME}/bin", True)]
        if self._own_base:
            mounts.append(Mount(str(self._base), f"{HOME}/python", True))
        mounts += [Mount(str(path), f"{HOME}/site{number}", True) for number, path in enumerate(self._site)]
        if self._editable:
            mounts.append(Mount(str(self._package), f"{HOME}/src/boatyard", True))
        return Image(tuple(mounts), {"BOATYARD_HOME": HOME, "BOATYARD_PYTHON": f"{HOME}/bin/python"})

    def _launcher(self, name: str, base: str, path: list[str]) -> None:
        """A shell script: quicker than an interpreter that has to find its way through site directories."""
        directory = self._directory / name / "bin"
        directory.mkdir(parents=True, exist_ok=True)
        for part in (self._directory, self._directory / name, directory):
            part.chmod(0o755)
        library = f"LD_LIBRARY_PATH={base}/lib " if self._own_base and sysconfig.get_config_var("Py_ENABLE_SHARED") else ""
        variables = f'PYTHONPATH="{":".join(path)}" {library}PYTHONDONTWRITEBYTECODE=1'
        script = f'#!/bin/sh\n{variables} exec "{base}/bin/{self._python}" -S -P "$@"\n'
        if (directory / "python").exists() and (directory / "python").read_text() == script:
            return  # so that an agent starts on a full disk, too
        temporary = directory / ".python"
        temporary.write_text(script)
        temporary.chmod(stat.S_IRUSR | stat.S_IWUSR | stat.S_IXUSR | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)
        temporary.rename(directory / "python")
