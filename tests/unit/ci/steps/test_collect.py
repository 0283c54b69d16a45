"""``collect``: waits for the steps, tells of tests, hands over artifacts; nothing it meets changes what the steps did."""

from __future__ import annotations

import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from boatyard.ci.steps import collect, layout, upload, workspace
from boatyard.ci.steps.upload import TOKEN_SECONDS, signed_until

FAILING = "<testsuite><testcase name='a'/><testcase name='b'><failure message='no'/></testcase></testsuite>"


class Gateway:
    """Takes PUTs; answers with ``answers`` first, then 201."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.stored: dict[str, bytes] = {}
        self.tokens: list[str] = []
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = gateway.answers.pop(0) if gateway.answers else 201
                if status == 201:
                    gateway.stored[self.path] = body
                    gateway.tokens.append(self.headers["Authorization"])
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.005,), daemon=True).start()


@pytest.fixture
def gateway():
    made = Gateway()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def pod(tmp_path, gateway, monkeypatch):
    shared, root, key = tmp_path / "boatyard", tmp_path / "workspace", tmp_path / "key"
    for directory in (shared, root, key):
        directory.mkdir()
    (key / "uploads").write_bytes(b"k")
    step = {"number": 1, "container": "build", "when": "always", "limit": 0, "name": "x", "run": "true"}
    layout.prepare(str(shared), {"steps": [step], "containers": ["build", "collect"]})
    (shared / "state" / "1").write_text("ok 0 1 1\n")
    monkeypatch.setattr(upload, "WAITS_SECONDS", (0.01, 0.01, 0.01))
    monkeypatch.setattr("signal.signal", lambda *_: None)

    def run(**asked):
        settings = {"url": gateway.url, "namespace": "team", "build": "shop-7", "attempt": 1, **asked}
        for name, value in {
            "COLLECT": json.dumps(settings), "SHARED": shared, "WORKSPACE": root, "KEY": key, "TERMINATION": tmp_path / "message",
        }.items():  # fmt: skip
            monkeypatch.setenv(f"BOATYARD_{name}", str(value))
        code = collect.main()
        return code, json.loads((tmp_path / "message").read_text())

    run.root, run.shared, run.key = root, shared, key
    return run


def test_reports_are_counted_and_a_failure_fails_the_build(pod):
    (pod.root / "m").mkdir()
    (pod.root / "m" / "TEST.xml").write_text(FAILING)
    code, said = pod(tests=[{"junit": "**/*.xml", "failBuild": True}])
    assert (code, said["outcome"]) == (1, "testsFailed")
    assert said["tests"] == {"total": 2, "passed": 1, "failed": 1, "skipped": 0, "millis": 0, "files": 1}
    assert said["failures"] == [{"name": "b", "message": "no", "file": "m/TEST.xml"}]


def test_failures_may_be_told_only(pod):
    (pod.root / "r.xml").write_text(FAILING)
    assert pod(tests=[{"junit": "r.xml", "failBuild": False}])[1]["outcome"] == "ok"


def test_no_report_is_a_problem_not_a_failure(pod):
    code, said = pod(tests=[{"junit": "*.xml", "failBuild": True}])
    assert code == 0 and said["problems"] == ["no test report was found"]


def test_artifacts_are_handed_over_with_the_attempts_token(pod, gateway):
    (pod.root / "dist").mkdir()
    (pod.root / "dist" / "a b.bin").write_bytes(b"\0" * 1000)
    code, said = pod(artifacts=[{"path": "dist/", "name": "dist"}])
    assert code == 0
    assert gateway.stored == {"/-/artifacts/team/shop-7/1/dist/a%20b.bin": b"\0" * 1000}
    (shown,) = gateway.tokens
    until = int(shown.removeprefix("Bearer ").partition(".")[0])
    assert shown == f"Bearer {signed_until(b'k', 'team', 'shop-7', 1, until)}"
    assert 0 <= time.time() + TOKEN_SECONDS - until < 120
    assert said["artifacts"][0]["sizeBytes"] == 1000 and len(said["artifacts"][0]["sha256"]) == 64


def test_a_gateway_that_is_away_for_a_moment_is_tried_again(pod, gateway):
    (pod.root / "a").write_text("x")
    gateway.answers = [503, 503]
    assert pod(artifacts=[{"path": "a"}])[1]["artifactsTotal"] == 1


def test_a_gateway_that_stays_away_costs_the_artifacts_not_the_outcome(pod, gateway):
    (pod.root / "a").write_text("x")
    gateway.answers = [503] * 20
    code, said = pod(artifacts=[{"path": "a"}])
    assert (code, said["outcome"]) == (0, "ok")
    assert "can't be reached" in said["problems"][0]


def test_a_gateway_that_refuses_is_not_asked_again(pod, gateway):
    (pod.root / "a").write_text("x")
    gateway.answers = [413]
    assert "413" in pod(artifacts=[{"path": "a"}])[1]["problems"][0]
    assert gateway.answers == []


def test_without_the_key_the_reason_is_told(pod):
    (pod.key / "uploads").unlink()
    (pod.root / "a").write_text("x")
    assert "artifacts were not kept" in pod(artifacts=[{"path": "a"}])[1]["problems"][0]


def test_links_lead_nowhere(pod, gateway, tmp_path):
    (tmp_path / "secret").write_text("s")
    (pod.root / "link").symlink_to(tmp_path / "secret")
    (pod.root / "dir").symlink_to(tmp_path)
    (pod.root / "loop").symlink_to(".")
    pod(artifacts=[{"path": "**"}], tests=[{"junit": "**"}])
    assert gateway.stored == {}
    for path in ("link", "dir/secret"):
        with pytest.raises(OSError):
            workspace.open_inside(str(pod.root), path)


def test_what_is_no_file_is_not_waited_for(pod):
    os.mkfifo(pod.root / "pipe.xml")
    code, said = pod(tests=[{"junit": "*.xml"}], artifacts=[{"path": "*"}])
    assert code == 0 and said["problems"]


def test_files_too_large_are_named_and_the_rest_is_kept(pod, gateway, monkeypatch):
    monkeypatch.setattr(collect, "MAX_ARTIFACT_BYTES", 10)
    (pod.root / "a").write_text("x" * 11)
    (pod.root / "b").write_text("x")
    said = pod(artifacts=[{"path": "*"}])[1]
    assert [one["path"] for one in said["artifacts"]] == ["b"]
    assert said["problems"] == ["a was not kept: it is larger than 0 MiB"]


def test_what_does_not_fit_into_the_last_words_is_an_object(pod, gateway):
    cases = "".join(f"<testcase name='{n}'><failure message='{'m' * 400}'/></testcase>" for n in range(20))
    (pod.root / "r.xml").write_text(f"<testsuite>{cases}</testsuite>")
    _, said = pod(tests=[{"junit": "r.xml"}], messageBytes=1024)
    assert said["full"] is True and said["tests"]["failed"] == 20
    whole = json.loads(gateway.stored["/-/artifacts/team/shop-7/1/.boatyard/results.json"])
    assert len(whole["failures"]) == 20


def test_it_waits_until_the_last_step_is_over(pod):
    (pod.shared / "state" / "1").unlink()
    done = threading.Event()

    def run() -> None:
        pod(tests=[])
        done.set()

    waiting = threading.Thread(target=run, daemon=True)
    waiting.start()
    assert not done.wait(0.3)
    turn = os.open(pod.shared / "turn" / "build", os.O_RDWR)
    (pod.shared / "alive" / "build").touch()
    os.write(turn, b"\n")
    assert not done.wait(0.3)
    (pod.shared / "state" / "1").write_text("ok 0 1 1\n")
    os.write(turn, b"\n")
    assert done.wait(60)
    os.close(turn)


def test_it_does_not_wait_for_a_container_that_died(pod):
    (pod.shared / "state" / "1").unlink()
    turn = os.open(pod.shared / "turn" / "build", os.O_RDWR)
    (pod.shared / "alive" / "build").touch()
    threading.Timer(0.3, lambda: os.close(turn)).start()
    assert pod(tests=[])[0] == 0


def test_the_git_directory_is_no_artifact(pod, gateway):
    (pod.root / ".git").mkdir()
    (pod.root / ".git" / "config").write_text("x")
    (pod.root / "f").write_text("x")
    pod(artifacts=[{"path": "**"}])
    assert [Path(path).name for path in gateway.stored] == ["f"]
