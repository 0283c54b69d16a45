"""``python -m bench [NAME …]``: run all benches, or those named, and print one table."""

from __future__ import annotations

import importlib
import subprocess
import sys

from bench.figure import Figure, show

BENCHES = ("store", "server", "main_job", "idle", "cost")


def main(names: list[str]) -> int:
    """Exit code 1 when a figure falls short."""
    figures: list[Figure] = []
    for name in names or BENCHES:
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
