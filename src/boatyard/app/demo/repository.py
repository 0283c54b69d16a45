"""The demo's repository: a working copy, the bare repository it is pushed to, and the hook that tells of a push."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parent / "project"
IDENTITY = (
    "-c",
    "user.name=A Developer",
    "-c",
    "user.email=developer@example.org",
    "-c",
    "commit.gpgsign=false",
    "-c",
    "init.defaultBranch=main",
)

FEATURE = '''

def free(given: dict[str, str], berths: list[Berth]) -> list[str]:
    """Names of the berths that nobody got."""
    return [berth.name for berth in berths if berth.name not in given.values()]
'''
MISTAKE = ("given[boat] = fitting[0].name", "given[boat] = fitting[-1].name")


class Repository:
    """Below ``directory``: ``berths`` is the working copy, ``served/berths.git`` the bare repository."""

    def __init__(self, directory: Path) -> None:
        self.copy = directory / "berths"
        self.served = directory / "served"
        self.bare = self.served / "berths.git"

    def make(self) -> None:
        """Both repositories, with the project committed but not pushed."""
        self.served.mkdir(parents=True)
        _git("init", "--quiet", "--bare", str(self.bare))
        shutil.copytree(PROJECT, self.copy, ignore=shutil.ignore_patterns("__pycache__"))
        _git("-C", str(self.copy), "init", "--quiet")
        self._commit("Assign berths to boats")
        _git("-C", str(self.copy), "remote", "add", "origin", str(self.bare))

    def tell(self, url: str, secret: str, ca: Path) -> None:
        """Have every push told to a webhook, signed."""
        settings = self.bare / "boatyard-webhook"
        settings.touch(mode=0o600)
        settings.write_text(f"{url}\n{secret}\n{ca}\n")
        hook = self.bare / "hooks" / "post-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\nexec '{sys.executable}' -m boatyard.app.demo.hook boatyard-webhook\n")
        hook.chmod(hook.stat().st_mode | stat.S_IXUSR)

    def add_a_feature(self) -> str:
        """A commit that is right; its subject."""
        with open(self.copy / "berths.py", "a") as file:
            file.write(FEATURE)
        return self._commit("Tell which berths are free")

    def make_a_mistake(self) -> str:
        """A commit that breaks two tests; its subject."""
        file = self.copy / "berths.py"
        file.write_text(file.read_text().replace(*MISTAKE))
        return self._commit("Give the longest berth that fits")

    def push(self) -> None:
        """``git push``, as a developer would; the hook runs within it."""
        _git("-C", str(self.copy), "push", "--quiet", "origin", "HEAD:refs/heads/main")

    def _commit(self, subject: str) -> str:
        _git("-C", str(self.copy), "add", "--all")
        _git("-C", str(self.copy), *IDENTITY, "commit", "--quiet", "-m", subject)
        return subject


def _git(*arguments: str) -> None:
    subprocess.run(["git", *IDENTITY, *arguments], check=True, stdin=subprocess.DEVNULL)
