"""The mirror against real git repositories."""

from __future__ import annotations

import asyncio
import base64
import subprocess
import time
from pathlib import Path

import pytest

from boatyard.ci.scm.events import PullRequest, Push
from boatyard.ciserver.git import Credential, Git
from boatyard.ciserver.mirror import Mirror
from boatyard.ciserver.repository import CommitMissing, MergeConflict, RepositoryUnavailable


@pytest.fixture
def mirror(tmp_path: Path, origin) -> Mirror:
    return Mirror(tmp_path / "data" / "mirror.git", origin.url, Git(tmp_path / "data" / "git"))


def pushed(sha: str, before: str = "", ref: str = "refs/heads/main") -> Push:
    return Push(ref=ref, before=before, after=sha)


def pull(head: str, target: str = "", ref: str = "refs/heads/topic") -> PullRequest:
    return PullRequest(number=1, head_sha=head, head_ref=ref, target_ref="refs/heads/main", target_sha=target)


async def test_a_push_tells_commit_and_pipeline_at_exactly_that_commit(mirror, origin):
    first = origin.commit({"boatyard.yaml": "steps: [1]\n"}, "First\n\nwith a body")
    origin.commit({"boatyard.yaml": "steps: [2]\n"})
    source = await mirror.push(pushed(first))
    assert (source.revision, source.subject, source.author, source.pipeline) == (first, "First", "Ann", "steps: [1]\n")


async def test_a_commit_without_boatyard_yaml(mirror, origin):
    source = await mirror.push(pushed(origin.commit({"README": "x"})))
    assert source.pipeline is None and source.pipeline_problem == ""


async def test_a_boatyard_yaml_that_is_no_text_or_too_large_is_explained(mirror, origin):
    source = await mirror.push(pushed(origin.commit({"boatyard.yaml": b"a: 1\nb: \xff\n"})))
    assert source.pipeline is None and "line 2" in source.pipeline_problem
    source = await mirror.push(pushed(origin.commit({"boatyard.yaml": "#" * (3 << 20)})))
    assert source.pipeline is None and "larger" in source.pipeline_problem


async def test_a_boatyard_yaml_that_is_a_directory_is_none(mirror, origin):
    source = await mirror.push(pushed(origin.commit({"boatyard.yaml/x": "1"})))
    assert source.pipeline is None


async def test_changed_paths_between_two_pushes_and_none_for_a_new_branch(mirror, origin):
    before = origin.commit({"a": "1", "b c": "1"})
    after = origin.commit({"b c": "2", "d/ä": "1"})
    assert await mirror.changed(await mirror.push(pushed(after, before))) == ("b c", "d/ä")
    assert await mirror.changed(await mirror.push(pushed(after))) is None
    assert await mirror.changed(await mirror.push(pushed(after, "9" * 40))) is None


async def test_a_pull_request_is_read_as_merged_and_changes_are_its_own(mirror, origin):
    origin.commit({"a": "1", "boatyard.yaml": "old: 1\n"})
    origin.git("checkout", "-q", "-b", "topic")
    head = origin.commit({"feature": "1"}, "Feature")
    origin.git("checkout", "-q", "main")
    target = origin.commit({"boatyard.yaml": "new: 1\n"})
    source = await mirror.pull_request(pull(head, target))
    assert (source.revision, source.target, source.pipeline, source.subject) == (head, target, "new: 1\n", "Feature")
    assert await mirror.changed(source) == ("feature",)


async def test_the_target_is_pinned_to_what_the_event_named_even_after_the_branch_moved(mirror, origin):
    target = origin.commit({"a": "1"})
    origin.git("checkout", "-q", "-b", "topic")
    head = origin.commit({"b": "1"})
    origin.git("checkout", "-q", "main")
    tip = origin.commit({"a": "2"})
    assert (await mirror.pull_request(pull(head, target))).target == target
    assert (await mirror.pull_request(pull(head, ""))).target == tip


async def test_a_conflict_names_the_files(mirror, origin):
    origin.commit({"a": "1", "b": "1"})
    origin.git("checkout", "-q", "-b", "topic")
    head = origin.commit({"a": "2"})
    origin.git("checkout", "-q", "main")
    target = origin.commit({"a": "3"})
    with pytest.raises(MergeConflict, match=r"conflicts in a$"):
        await mirror.pull_request(pull(head, target))


async def test_histories_without_a_common_commit_are_a_conflict(mirror, origin):
    target = origin.commit({"a": "1"})
    origin.git("checkout", "-q", "--orphan", "topic")
    head = origin.commit({"b": "1"})
    with pytest.raises(MergeConflict, match="no common history"):
        await mirror.pull_request(pull(head, target))


async def test_a_commit_that_was_overwritten_is_missing(mirror, origin):
    origin.commit({"a": "1"})
    await mirror.push(pushed(origin.git("rev-parse", "HEAD")))
    with pytest.raises(CommitMissing):
        await mirror.push(pushed("e" * 40))
    with pytest.raises(CommitMissing):
        await mirror.push(pushed("e" * 40, ref="refs/heads/nowhere"))


async def test_a_branch_may_become_a_folder_of_branches(mirror, origin):
    origin.commit({"a": "1"})
    origin.git("checkout", "-q", "-b", "x")
    await mirror.push(pushed(origin.commit({"a": "2"}), ref="refs/heads/x"))
    origin.git("checkout", "-q", "main")
    origin.git("branch", "-D", "x")
    origin.git("checkout", "-q", "-b", "x/y")
    sha = origin.commit({"a": "3"})
    assert (await mirror.push(pushed(sha, ref="refs/heads/x/y"))).revision == sha


async def test_a_repository_that_is_gone_is_unavailable_and_comes_back(mirror, origin):
    sha = origin.commit({"a": "1"})
    away = origin.directory.with_name("away")
    origin.directory.rename(away)
    with pytest.raises(RepositoryUnavailable):
        await mirror.push(pushed(sha))
    away.rename(origin.directory)
    assert (await mirror.push(pushed(sha))).revision == sha


async def test_a_broken_mirror_is_made_anew(tmp_path, mirror, origin):
    sha = origin.commit({"a": "1"})
    await mirror.push(pushed(sha))
    (tmp_path / "data" / "mirror.git" / "HEAD").write_text("garbage")
    sha = origin.commit({"a": "2"})
    assert (await mirror.push(pushed(sha))).revision == sha


async def test_locks_of_a_dead_git_are_cleared_at_start(tmp_path, origin):
    first = Mirror(tmp_path / "m", origin.url, Git(tmp_path / "g"))
    await first.push(pushed(origin.commit({"a": "1"})))
    for ref in (tmp_path / "m" / "refs" / "boatyard").iterdir():
        ref.with_name(ref.name + ".lock").touch()
    second = Mirror(tmp_path / "m", origin.url, Git(tmp_path / "g"))
    sha = origin.commit({"a": "2"})
    assert (await second.push(pushed(sha))).revision == sha


async def test_a_fetch_that_hangs_is_ended(tmp_path):
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x"
        mirror = Mirror(tmp_path / "m", url, Git(tmp_path / "g"), fetch_seconds=0.3)
        started = time.monotonic()
        with pytest.raises(RepositoryUnavailable, match="longer than"):
            await mirror.push(pushed("a" * 40))
        assert time.monotonic() - started < 30


async def test_a_credential_reaches_the_server_and_no_message(tmp_path):
    seen: list[str] = []

    async def strict(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        seen.extend(line for line in request.splitlines() if line.lower().startswith("authorization"))
        body = b"no: hunter2" if seen else b""
        head = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=x\r\nConnection: close\r\n"
        answer = f"{head}Content-Length: {len(body)}\r\n\r\n"
        writer.write(answer.encode() + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(strict, "127.0.0.1", 0) as server:
        host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        mirror = Mirror(tmp_path / "m", f"http://{host}/x", Git(tmp_path / "g", Credential("ci", "hunter2"), host))
        with pytest.raises(RepositoryUnavailable) as raised:
            await mirror.push(pushed("a" * 40))
    assert seen == ["Authorization: Basic " + base64.b64encode(b"ci:hunter2").decode()]
    assert "hunter2" not in str(raised.value)


async def test_other_protocols_are_refused(tmp_path):
    mirror = Mirror(tmp_path / "m", "ext::sh -c touch% /tmp/x", Git(tmp_path / "g"))
    with pytest.raises(RepositoryUnavailable, match="not allowed"):
        await mirror.push(pushed("a" * 40))


def test_the_credential_is_shown_to_the_repositorys_own_host_only(tmp_path):
    git = Git(tmp_path / "git", Credential("ci", "hunter2"), "git.example:8443")
    git.prepare()

    def ask(question: str) -> tuple[int, str]:
        done = subprocess.run([tmp_path / "git" / "askpass", question], env=git.environment(), capture_output=True, text=True)
        return done.returncode, done.stdout

    assert ask("Username for 'https://git.example:8443': ") == (0, "ci\n")
    assert ask("Password for 'https://ci@git.example:8443': ") == (0, "hunter2\n")
    for stranger in ("evil.example", "git.example:8443.evil.example", "evil.example:8443", "git.example"):
        assert ask(f"Password for 'https://ci@{stranger}': ") == (1, "")
