"""``python -m bench [NAME …]``: run all benches, or those named, and print one table."""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys

from bench.figure import Figure, show

BENCHES = {
    "store": "durable puts per second, against etcd",
    "server": "the API server's verbs, mixes, memory and many watchers, against etcd and kube-apiserver",
    "main_job": "a push until somebody sees something, builds per minute, against Buildbot",
    "idle": "memory and CPU of an installation that has nothing to do",
    "cost": "writes and CPU of a build, after few and after many",
}
EXAMPLES = """
examples:
  python -m bench                  all of them
  python -m bench server           only the API server; some five minutes
  python -m bench idle cost        two of them, in this order

BOATYARD_REAL_PARTS names a directory with the starter `kubernetes` (etcd and kube-apiserver): the peer of `server`.
What each bench measures, and the last figures: bench/README.md.
"""


def asked(arguments: list[str]) -> list[str]:
    """The benches that are named; all where none is. Exits with 2 for one that isn't there."""
    told = "\n".join(f"  {name:10} {what}" for name, what in BENCHES.items())
    parser = argparse.ArgumentParser(
        prog="python -m bench", formatter_class=argparse.RawDescriptionHelpFormatter, epilog=EXAMPLES,
        description=f"Measure, and print one table. Exit code 1 when a figure falls short.\n\nbenches:\n{told}",
    )  # fmt: skip
    parser.add_argument("names", metavar="NAME", nargs="*", help="a bench; all without one")
    names: list[str] = parser.parse_args(arguments).names
    if unknown := [name for name in names if name not in BENCHES]:
        parser.error(f"there is no bench {', '.join(map(repr, unknown))}; there are {', '.join(BENCHES)}")
    return names or list(BENCHES)


def main(arguments: list[str]) -> int:
    """Exit code 1 when a figure falls short."""
    figures: list[Figure] = []
    for name in asked(arguments):
        print(f"bench {name} …", file=sys.stderr, flush=True)
        try:
            figures += importlib.import_module(f"bench.{name}").run()
        except FileNotFoundError as missing:
            figures.append(Figure(name, "", str(missing), "", "", None))
        except (RuntimeError, subprocess.TimeoutExpired) as failure:
            # The others' figures are worth having all the same.
            figures.append(Figure(name, "", "", "", "", False, f"failed: {failure}"))
    show(figures)
    return 1 if any(figure.holds is False for figure in figures) else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
