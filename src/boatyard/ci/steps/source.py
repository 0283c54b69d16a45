"""``source``: the first container of a build's pod. Lays out the steps' files and checks out the tree that is built.

Environment: ``BOATYARD_PLAN`` (JSON, see :func:`boatyard.ci.steps.layout.prepare`, with ``timeout`` in seconds),
``BOATYARD_SOURCE`` (JSON: url, revision, ref, target, targetRef, depth, submodules), ``BOATYARD_GIT_CREDENTIALS`` (directory of
the mounted Secret, if any), ``BOATYARD_SHARED``, ``BOATYARD_WORKSPACE``, ``BOATYARD_TERMINATION``. The termination message is JSON:
``{"outcome": "ok", "commit": …}`` or ``{"outcome": "error", "reason": …, "message": …}``. Standard library only: its
start is on the way to a build's first line.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

from boatyard.ci.steps import layout, words
from boatyard.ci.steps.checkout import Checkout, SourceFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

LONGEST_SECONDS = 1800.0


def main() -> int:
    """Do it; the exit code."""
    started = time.time()
    # Other containers of the pod may run as other users; they share its group.
    os.umask(0o002)
    plan = json.loads(os.environ["BOATYARD_PLAN"])
    source = json.loads(os.environ["BOATYARD_SOURCE"])
    shared, workspace = os.environ["BOATYARD_SHARED"], os.environ["BOATYARD_WORKSPACE"]
    timeout = float(plan["timeout"])
    try:
        layout.prepare(shared, plan)
        layout.set_deadline(shared, int(started + timeout + 0.999))
        deadline = time.monotonic() + min(timeout, LONGEST_SECONDS)
        checkout = Checkout(workspace, source, os.environ.get("BOATYARD_GIT_CREDENTIALS", ""), deadline)
        _stop_on_term(checkout)
        result = checkout.run()
    except SourceFailed as error:
        return _failed(error.reason, str(error))
    except OSError as error:
        return _failed("SourceFailed", f"{error.strerror or error}: {error.filename or workspace}")
    merged = f", merged into {source['target'][:12]}" if source.get("target") else ""
    print(f"At {source['revision'][:12]}{merged} after {time.time() - started:.1f} s.", flush=True)
    words.leave({"outcome": "ok", **result})
    return 0


def _failed(reason: str, message: str) -> int:
    print(f"{reason}: {message}", flush=True)
    words.leave({"outcome": "error", "reason": reason, "message": message})
    return 1


def _stop_on_term(checkout: Checkout) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        checkout.stop()
        words.leave({"outcome": "error", "reason": "Cancelled", "message": "It was ended before the source was there."})
        os._exit(128 + number)

    signal.signal(signal.SIGTERM, stop)


if __name__ == "__main__":
    sys.exit(main())
