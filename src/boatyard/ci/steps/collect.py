"""``collect``: the last container of a build's pod. Waits for the steps, reads test reports, hands artifacts over to the gateway.

Environment: ``BOATYARD_COLLECT`` (JSON: ``tests`` [{junit, failBuild}], ``artifacts`` [{path, name}], ``url``, ``namespace``,
``build``, ``attempt``, ``messageBytes``), ``BOATYARD_KEY`` (directory with the upload key), ``BOATYARD_CA_PEM``,
``BOATYARD_SHARED``, ``BOATYARD_WORKSPACE``, ``BOATYARD_TERMINATION``. The termination message is JSON: ``outcome`` (``ok``,
``testsFailed``), ``tests`` {total, passed, failed, skipped, millis, files}, ``failures``, ``artifacts``, ``artifactsTotal``,
``problems``. When not all of it fits there, ``full`` is true and all is in the object ``.boatyard/results.json`` beside the
artifacts. Whatever goes wrong here never changes what the steps did.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import time
from types import FrameType
from typing import Any

from boatyard.ci.steps import junit, words, workspace
from boatyard.ci.steps.await_steps import await_steps
from boatyard.ci.steps.upload import NotTaken, Uploader, read_key, upload_token

RESULTS = ".boatyard/results.json"
LONGEST_SECONDS = 600.0
"""For all uploads together."""
MAX_REPORT_FILES = 5000
MAX_ARTIFACTS = 1000
MAX_ARTIFACT_BYTES = 64 * 1024 * 1024
MAX_TOTAL_BYTES = 512 * 1024 * 1024


def main() -> int:
    """Do it; the exit code, 0 unless a failed test fails the build."""
    signal.signal(signal.SIGTERM, _stop)
    settings = json.loads(os.environ["BOATYARD_COLLECT"])
    root = os.environ["BOATYARD_WORKSPACE"]
    await_steps(os.environ["BOATYARD_SHARED"])
    problems: list[str] = []
    result: dict[str, Any] = {"outcome": "ok"}
    if tests := settings.get("tests"):
        report, fails = _read_reports(root, tests)
        _add_report(result, report, fails)
        problems += report.problems
    uploader = _uploader(settings, problems)
    if uploader is not None and settings.get("artifacts"):
        stored = _upload(root, settings["artifacts"], uploader, problems)
        result["artifacts"], result["artifactsTotal"] = stored, len(stored)
    result["problems"] = problems
    for problem in problems:
        print(problem)
    _leave(result, uploader, settings.get("messageBytes", words.MAX_BYTES))
    sys.stdout.flush()
    return 0 if result["outcome"] == "ok" else 1


def _add_report(result: dict[str, Any], report: junit.Report, fails: bool) -> None:
    counts = {"total": report.total, "passed": report.passed, "failed": report.failed, "skipped": report.skipped}
    result["tests"] = {**counts, "millis": int(report.seconds * 1000), "files": report.files}
    result["failures"] = report.failures
    if fails:
        result["outcome"] = "testsFailed"
    print(f"{report.total} tests in {report.files} reports:", ", ".join(f"{counts[one]} {one}" for one in list(counts)[1:]))


def _uploader(settings: dict[str, Any], problems: list[str]) -> Uploader | None:
    try:
        key = read_key(os.environ.get("BOATYARD_KEY", ""))
        token = upload_token(key, settings["namespace"], settings["build"], settings["attempt"], time.time())
        base = f"{settings['url']}/-/artifacts/{settings['namespace']}/{settings['build']}/{settings['attempt']}"
        return Uploader(base, token, os.environ.get("BOATYARD_CA_PEM", ""), time.monotonic() + LONGEST_SECONDS)
    except (OSError, ValueError) as error:
        if settings.get("artifacts"):
            problems.append(f"artifacts were not kept: {error}")
        return None


def _leave(result: dict[str, Any], uploader: Uploader | None, limit: int) -> None:
    """The last words; and all of them as an object when they are too long."""
    text = json.dumps(result, separators=(",", ":"))
    if len(text) > limit:
        if uploader is not None:
            try:
                uploader.put(RESULTS, io.BytesIO(text.encode()), len(text.encode()))
                result = {"full": True, **result}
            except (OSError, NotTaken) as error:
                result["problems"].append(f"the full results were not kept: {error}")
        if "failures" in result:
            result["failures"] = [{"name": one["name"]} for one in result["failures"]]
    words.leave(result, limit)


def _read_reports(root: str, tests: list[dict[str, Any]]) -> tuple[junit.Report, bool]:
    report, fails = junit.Report(), False
    if not tests:
        return report, fails
    try:
        for index, path in workspace.files(root, [test["junit"] for test in tests]):
            if report.files >= MAX_REPORT_FILES:
                report.problem(f"only the first {MAX_REPORT_FILES} reports were read")
                break
            before = report.failed
            try:
                with os.fdopen(workspace.open_inside(root, path), "rb") as file:
                    junit.read(report, path, file)
            except OSError as error:
                report.problem(f"{path}: {error.strerror or error}")
            fails = fails or (report.failed > before and tests[index].get("failBuild", True))
    except workspace.TooManyFiles as error:
        report.problem(str(error))
    if not report.files:
        report.problem("no test report was found")
    return report, fails


def _upload(root: str, artifacts: list[dict[str, Any]], uploader: Uploader, problems: list[str]) -> list[dict[str, Any]]:
    stored: list[dict[str, Any]] = []
    total = 0
    if not artifacts:
        return stored
    try:
        for index, path in workspace.files(root, [artifact["path"] for artifact in artifacts]):
            if len(stored) >= MAX_ARTIFACTS:
                problems.append(f"only the first {MAX_ARTIFACTS} artifacts were kept")
                break
            try:
                with os.fdopen(workspace.open_inside(root, path), "rb") as file:
                    size = os.fstat(file.fileno()).st_size
                    if size > MAX_ARTIFACT_BYTES:
                        raise NotTaken(f"it is larger than {MAX_ARTIFACT_BYTES >> 20} MiB")
                    if total + size > MAX_TOTAL_BYTES:
                        raise NotTaken(f"all artifacts together would be larger than {MAX_TOTAL_BYTES >> 20} MiB")
                    digest = uploader.put(path, file, size)
            except NotTaken as error:
                if len(problems) < 20:
                    problems.append(f"{path} was not kept: {error}")
                continue
            total += size
            name = artifacts[index].get("name") or artifacts[index]["path"]
            stored.append({"name": name, "path": path, "sizeBytes": size, "sha256": digest})
    except (OSError, workspace.TooManyFiles) as error:
        problems.append(f"not all artifacts were kept: {error}")
    if not stored and not problems:
        problems.append("no file fits the artifacts' patterns")
    return stored


def _stop(number: int, frame: FrameType | None) -> None:
    os._exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
