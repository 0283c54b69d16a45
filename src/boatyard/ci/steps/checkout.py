"""Fetching exactly the commits that were pinned, and merging a pull request the same way in every attempt. Standard library only.

The repository is hostile: what protects from it is in ``git_settings``.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time

from boatyard.ci.steps import git_settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

WAITS_SECONDS = (1, 2, 4, 8, 16, 30)
"""Between tries to reach the repository: an SCM that restarts is back within a minute."""
_SETTINGS = git_settings.SETTINGS | {
    "core.symlinks": "true", "core.autocrlf": "false", "submodule.recurse": "false", "gc.auto": "0", "maintenance.auto": "false",
    "advice.detachedHead": "false", "init.defaultBranch": "boatyard", "commit.gpgSign": "false", "merge.renameLimit": "7000",
}  # fmt: skip
_REFUSED_COMMIT = re.compile(
    r"not our ref|unadvertised object|does not allow request|couldn't find remote ref|no such remote ref", re.I
)
_DENIED = re.compile(
    r"authentication failed|could not read (username|password)|permission denied|access denied|HTTP.* 40[13]\b", re.I
)
_GONE = re.compile(
    r"repository .*not found|does not appear to be a git repository|HTTP.* (404|410)\b|returned error: (404|410)", re.I
)

class SourceFailed(Exception):
    """The tree can't be had. ``reason`` is one word, the message a sentence for people."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class _GitFailed(Exception):
    pass


class Checkout:
    """One checkout in ``directory``; ``deadline`` is when it must be done, in seconds of the monotonic clock."""

    def __init__(self, directory: str, source: dict[str, Any], credentials: str, deadline: float) -> None:
        self.directory, self.source, self.deadline = directory, source, deadline
        self.running: subprocess.Popen[bytes] | None = None
        self._private = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"boatyard-{os.urandom(8).hex()}")
        os.mkdir(self._private, 0o700)
        self._url, self._environment, self._secrets = self._prepare(credentials)

    def run(self) -> dict[str, str]:
        """Fetch, merge, check out. Returns the commit. Raises SourceFailed."""
        head, target = self.source["revision"], self.source.get("target", "")
        self._make_repository(len(head))
        wanted = [head, target] if target else [head]
        # A merge needs the whole history: in a shallow one git may find another merge base.
        depth = 0 if target else int(self.source.get("depth", 1))
        self._fetch(wanted, depth)
        if target:
            self._merge(head, target)
        else:
            self._git("checkout", "-q", "--detach", head)
        if self.source.get("submodules"):
            self._retry(lambda: self._git("submodule", "update", "-q", "--init", "--recursive", "--depth=1"))
        return {"commit": self._git("rev-parse", "HEAD").decode().strip() if target else head}

    def _make_repository(self, hash_length: int) -> None:
        """What ``git init`` makes, without a process: https://git-scm.com/docs/gitrepository-layout."""
        git = os.path.join(self.directory, ".git")
        for directory in ("objects", "refs"):
            os.makedirs(os.path.join(git, directory), exist_ok=True)
        version, extensions = (1, "[extensions]\n\tobjectFormat = sha256\n") if hash_length == 64 else (0, "")
        url = self._url.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        with open(os.path.join(git, "config"), "w", encoding="utf-8") as file:
            file.write(f"[core]\n\trepositoryformatversion = {version}\n\tfilemode = true\n\tbare = false\n{extensions}")
            file.write(f'[remote "origin"]\n\turl = "{url}"\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n')
        with open(os.path.join(git, "HEAD"), "w", encoding="utf-8") as file:
            file.write("ref: refs/heads/boatyard\n")

    def stop(self) -> None:
        """End the git that runs, if one does."""
        if self.running is not None and self.running.poll() is None:
            os.killpg(self.running.pid, signal.SIGKILL)

    def _fetch(self, wanted: list[str], depth: int) -> None:
        shallow = [f"--depth={depth}"] if depth else []
        try:
            self._retry(lambda: self._git("fetch", "-q", "--no-tags", *shallow, "--", self._url, *wanted))
            return
        except SourceFailed as error:
            if not _REFUSED_COMMIT.search(str(error)):
                raise
        print("The server doesn't give single commits; fetching branches.", flush=True)
        refs = [self.source["ref"]] if self.source.get("ref") else []
        refs += [self.source["targetRef"]] if self.source.get("targetRef") else []
        for specifications in (
            [f"+{ref}:refs/boatyard/{index}" for index, ref in enumerate(refs)],
            ["+refs/*:refs/boatyard/all/*"],
        ):
            if not specifications:
                continue
            try:
                self._retry(lambda these=specifications: self._git("fetch", "-q", "--no-tags", "--", self._url, *these))
            except SourceFailed as error:
                if not _REFUSED_COMMIT.search(str(error)):
                    raise
            if all(self._has(commit) for commit in wanted):
                return
        missing = ", ".join(commit for commit in wanted if not self._has(commit))
        raise SourceFailed("CommitMissing", f"The repository has no commit {missing} any more.")

    def _has(self, commit: str) -> bool:
        try:
            self._git("cat-file", "-e", commit + "^{commit}")
        except _GitFailed:
            return False
        return True

    def _merge(self, head: str, target: str) -> None:
        """A commit with the parents target and head, the same in every attempt: its dates are those of the head."""
        date = self._git("show", "-s", "--format=%ct", head).decode().strip() + " +0000"
        self._environment.update(GIT_AUTHOR_DATE=date, GIT_COMMITTER_DATE=date)
        self._git("checkout", "-q", "--detach", target)
        try:
            self._git("merge", "-q", "--no-ff", "--no-edit", "-m", f"Merge {head} into {target}", head)
        except _GitFailed as error:
            paths = self._git("diff", "--name-only", "--diff-filter=U", "-z").decode("utf-8", "replace").split("\0")[:-1]
            if not paths and "unrelated histories" not in str(error):
                raise SourceFailed("SourceFailed", f"git merge: {error}") from error
            some = ", ".join(paths[:5]) + (f" and {len(paths) - 5} more" if len(paths) > 5 else "")
            told = f"{head[:12]} can't be merged into {target[:12]}: " + (f"conflicts in {some}" if some else "no common history")
            raise SourceFailed("MergeConflict", told) from error

    def _retry(self, work: Any) -> None:
        waits = list(WAITS_SECONDS)
        while True:
            try:
                work()
                return
            except _GitFailed as error:
                told = str(error)
            if _REFUSED_COMMIT.search(told):
                raise SourceFailed("CommitMissing", told)
            if _DENIED.search(told):
                raise SourceFailed("SourceDenied", f"The repository refuses access: {told}")
            if _GONE.search(told):
                waits = waits[: max(0, len(waits) - 3)] if len(waits) == len(WAITS_SECONDS) else waits
            left = self.deadline - time.monotonic()
            if not waits or left <= waits[0]:
                raise SourceFailed("SourceUnavailable", f"The repository can't be fetched: {told}")
            print(f"{told}\nOnce more in {waits[0]} s.", flush=True)
            time.sleep(waits.pop(0))

    def _git(self, *arguments: str) -> bytes:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise SourceFailed("SourceTimeout", "Fetching took too long.")
        errors = os.path.join(self._private, "errors")
        with open(errors, "w+b") as told:
            self.running = subprocess.Popen(
                ("git", *arguments), cwd=self.directory, env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=told, start_new_session=True,
            )  # fmt: skip
            try:
                output, _ = self.running.communicate(timeout=left)
            except subprocess.TimeoutExpired:
                self.stop()
                self.running.communicate()
                raise SourceFailed("SourceTimeout", f"git {arguments[0]} took too long.") from None
            told.seek(max(0, told.seek(0, os.SEEK_END) - 4096))
            message = self._clean(told.read())
        if self.running.returncode:
            raise _GitFailed(message or f"git {arguments[0]} ended with {self.running.returncode}")
        return output

    def _clean(self, told: bytes) -> str:
        text = told.decode("utf-8", "replace")
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        return "\n".join(line.rstrip() for line in text.strip().splitlines()[-12:])

    def _prepare(self, credentials: str) -> tuple[str, dict[str, str], list[str]]:
        """The address without a credential in it, git's environment, and what must never be printed."""
        url, username, password = git_settings.without_credential(self.source["url"])
        held = _read_credentials(credentials)
        username = held.get("username", username)
        password = held.get("password") or held.get("token") or password
        with open(os.path.join(self._private, "config"), "w", encoding="utf-8") as file:
            file.write(git_settings.config(_SETTINGS))
        askpass = os.path.join(self._private, "askpass")
        with open(askpass, "w", encoding="utf-8") as file:
            file.write(git_settings.ASKPASS)
        os.chmod(askpass, 0o700)
        environment = git_settings.environment(self._private, git_settings.host_of(url), username, password)
        environment["GIT_SSH_COMMAND"] = self._ssh(held, credentials)
        return url, environment, [value for value in (password, held.get("ssh-privatekey", "")) if value]

    def _ssh(self, held: dict[str, str], credentials: str) -> str:
        command = "ssh -o BatchMode=yes -o IdentitiesOnly=yes -o ConnectTimeout=15"
        if "ssh-privatekey" in held:
            key = os.path.join(self._private, "key")
            with open(os.open(key, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
                file.write(held["ssh-privatekey"].rstrip() + "\n")
            command += f" -i {key}"
        if "known_hosts" in held:
            return command + f" -o StrictHostKeyChecking=yes -o UserKnownHostsFile={credentials}/known_hosts"
        return command + f" -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile={self._private}/known_hosts"


def _read_credentials(directory: str) -> dict[str, str]:
    """The keys of the mounted Secret. Raises SourceFailed when there should be one and it can't be read."""
    found: dict[str, str] = {}
    if not directory:
        return found
    for key in ("username", "password", "token", "ssh-privatekey", "known_hosts"):
        try:
            with open(os.path.join(directory, key), encoding="utf-8") as file:
                found[key] = file.read() if key == "ssh-privatekey" else file.read().strip()
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError) as error:
            raise SourceFailed("SourceDenied", f"The credential's {key} can't be read: {error}") from error
    return found
