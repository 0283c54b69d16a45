"""Waiting, in Python, for the steps that other containers run: the reading side of ``runner.sh``'s protocol."""

from __future__ import annotations

import os


def await_steps(shared: str) -> dict[int, str]:
    """Wait until every step of the plan is settled or its container is gone; the outcome of each (``lost`` for the latter)."""
    outcomes: dict[int, str] = {}
    with open(os.path.join(shared, "plan"), encoding="utf-8") as file:
        plan = [line.split(" ", 2)[:2] for line in file]
    for number, container in plan:
        outcomes[int(number)] = _await(shared, number, container)
    return outcomes


def _await(shared: str, number: str, container: str) -> str:
    state = os.path.join(shared, "state", number)
    if not os.path.exists(state):
        turn = os.path.join(shared, "turn", container)
        # Open for writing too while nobody else is sure to be: then reading waits instead of finding the end at once.
        both: int | None = os.open(turn, os.O_RDWR)
        reading = os.open(turn, os.O_RDONLY)
        try:
            while not os.path.exists(state):
                if both is not None and os.path.exists(os.path.join(shared, "alive", container)):
                    os.close(both)
                    both = None
                elif not os.read(reading, 1):
                    break
        finally:
            os.close(reading)
            if both is not None:
                os.close(both)
    try:
        with open(state, encoding="utf-8") as file:
            return file.read().split(" ", 1)[0] or "lost"
    except FileNotFoundError:
        return "lost"
