"""``source``: exactly the pinned commits, the same tree in every attempt, nothing of a hostile repository carried out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from boatyard.ci.steps import checkout

PLAN = {
    "timeout": 60, "containers": ["build"],
    "steps": [{"number": 1, "container": "build", "when": "on_success", "limit": 0, "name": "x", "run": "true"}],
}  # fmt: skip


class Repository:
    """A repository of this machine, as an SCM would hold it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.directory), "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b",
            "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b", "GIT_CONFIG_NOSYSTEM": "1",
        }  # fmt: skip
        command = ("git", "-c", "protocol.file.allow=always", *arguments)
        return subprocess.run(
            command, cwd=self.directory, env=environment, check=True, capture_output=True, text=True
        ).stdout.strip()

    def commit(self, files: dict[str, str], message: str = "m") -> str:
        for name, text in files.items():
            path = self.directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "origin")


@pytest.fixture
def run(tmp_path):
    count = 0

    def source(credentials: str = "", waits=(), **source):
        nonlocal count
        count += 1
        root = tmp_path / f"pod{count}"
        for name in ("boatyard", "workspace"):
            (root / name).mkdir(parents=True)
        environment = {
            "PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), "BOATYARD_PLAN": json.dumps(PLAN),
            "BOATYARD_SOURCE": json.dumps(source), "BOATYARD_SHARED": str(root / "boatyard"),
            "BOATYARD_WORKSPACE": str(root / "workspace"), "BOATYARD_TERMINATION": str(root / "message"), "TMPDIR": str(tmp_path),
            "BOATYARD_GIT_CREDENTIALS": credentials,
        }  # fmt: skip
        program = (
            "import sys; from boatyard.ci.steps import checkout, source; "
            f"checkout.WAITS_SECONDS = {tuple(waits)}; sys.exit(source.main())"
        )
        done = subprocess.run([sys.executable, "-S", "-c", program], env=environment, capture_output=True, text=True, timeout=60)
        return done.returncode, json.loads((root / "message").read_text()), root / "workspace", done.stdout + done.stderr

    return source


def test_the_pinned_commit_not_the_newest(repository, run):
    first = repository.commit({"f": "1"})
    repository.commit({"f": "2"})
    code, said, workspace, _ = run(url=str(repository.directory), revision=first, ref="refs/heads/main", depth=1)
    assert (code, said["outcome"], said["commit"]) == (0, "ok", first)
    assert (workspace / "f").read_text() == "1"


def test_the_files_for_the_steps_are_laid_out(repository, run):
    _, _, workspace, _ = run(url=str(repository.directory), revision=repository.commit({"f": "1"}))
    shared = workspace.parent / "boatyard"
    assert (shared / "plan").read_text() == "1 build on_success 0 x\n"
    assert os.access(shared / "runner", os.X_OK) and (shared / "deadline").exists()
    assert (shared / "turn" / "build").is_fifo()


def test_a_pull_request_is_merged_the_same_way_every_time(repository, run):
    base = repository.commit({"a": "1\n"})
    target = repository.commit({"b": "2\n"})
    repository.git("checkout", "-q", "-b", "topic", base)
    head = repository.commit({"c": "3\n"})
    runs = [run(url=str(repository.directory), revision=head, target=target) for _ in range(2)]
    assert [code for code, *_ in runs] == [0, 0]
    assert runs[0][1] == runs[1][1]
    assert sorted(path.name for path in runs[0][2].iterdir()) == [".git", "a", "b", "c"]


def test_a_conflict_names_the_files(repository, run):
    base = repository.commit({"a": "1\n"})
    target = repository.commit({"a": "2\n"})
    repository.git("checkout", "-q", "-b", "topic", base)
    head = repository.commit({"a": "3\n"})
    code, said, *_ = run(url=str(repository.directory), revision=head, target=target)
    assert code == 1
    assert said["reason"] == "MergeConflict" and "conflicts in a" in said["message"]


def test_histories_without_a_common_commit_are_a_conflict(repository, run):
    target = repository.commit({"a": "1"})
    repository.git("checkout", "-q", "--orphan", "other")
    head = repository.commit({"b": "1"})
    assert run(url=str(repository.directory), revision=head, target=target)[1]["reason"] == "MergeConflict"


def test_a_commit_that_is_gone(repository, run):
    repository.commit({"a": "1"})
    code, said, *_ = run(url=str(repository.directory), revision="c" * 40, ref="refs/heads/main")
    assert (code, said["reason"]) == (1, "CommitMissing")


def test_a_commit_that_the_server_gives_only_with_its_branch(repository, run, monkeypatch):
    first = repository.commit({"f": "1"})
    repository.commit({"f": "2"})
    repository.git("config", "uploadpack.allowAnySHA1InWant", "false")
    repository.git("config", "protocol.version", "0")
    code, said, *_ = run(url=str(repository.directory), revision=first, ref="refs/heads/main", depth=1)
    assert (code, said["commit"]) == (0, first)


def test_a_repository_that_is_gone_is_tried_again_and_told(tmp_path, run):
    code, said, _, log = run(url=str(tmp_path / "nowhere"), revision="a" * 40, waits=(0.01, 0.01, 0.01, 0.01))
    assert (code, said["reason"]) == (1, "SourceUnavailable")
    assert log.count("Once more") >= 1


def test_hooks_and_filters_of_the_repository_do_nothing(repository, run, tmp_path):
    mark = tmp_path / "mark"
    repository.commit({".gitattributes": "* filter=evil\n", "f": "1"})
    revision = repository.commit(
        {".git-hooks/post-checkout": f"#!/bin/sh\ntouch {mark}\n", ".gitconfig": "[core]\nhooksPath=.git-hooks\n"}
    )
    assert run(url=str(repository.directory), revision=revision)[0] == 0
    assert not mark.exists()


def test_a_submodule_may_not_come_from_this_machines_files(repository, run, tmp_path):
    secret = Repository(tmp_path / "secret")
    secret.commit({"key": "hidden"})
    repository.git("submodule", "add", "-q", str(secret.directory), "sub")
    revision = repository.commit({"f": "1"})
    code, said, workspace, _ = run(url=str(repository.directory), revision=revision, submodules=True)
    assert code == 1 and "not allowed" in said["message"]
    assert not (workspace / "sub" / "key").exists()


def test_the_credential_is_for_the_repositorys_host_only(tmp_path):
    held = tmp_path / "credentials"
    held.mkdir()
    (held / "username").write_text("ada\n")
    (held / "password").write_text("s3cret\n")
    source = {"url": "https://u:p@git.example.org/x.git", "revision": "a" * 40}
    made = checkout.Checkout(str(tmp_path), source, str(held), 1e9)
    assert made._url == "https://git.example.org/x.git"

    def ask(prompt: str) -> str:
        environment = made._environment
        done = subprocess.run([environment["GIT_ASKPASS"], prompt], env=environment, capture_output=True, text=True)
        return done.stdout.strip()

    assert ask("Username for 'https://git.example.org': ") == "ada"
    assert ask("Password for 'https://ada@git.example.org': ") == "s3cret"
    assert ask("Password for 'https://ada@evil.example.com': ") == ""
    assert ask("Password for 'https://git.example.org.evil.example.com': ") == ""
    assert made._clean(b"fatal: could not read https://ada:s3cret@git.example.org") == (
        "fatal: could not read https://ada:[secret]@git.example.org"
    )


def test_a_git_that_hangs_is_ended(repository, tmp_path):
    revision = repository.commit({"f": "1"})
    source = {"url": f"ext::sleep 60 {revision}", "revision": revision}
    (tmp_path / "w").mkdir()
    with pytest.raises(checkout.SourceFailed) as caught:
        checkout.Checkout(str(tmp_path / "w"), source, "", 0.0).run()
    assert caught.value.reason == "SourceTimeout"
