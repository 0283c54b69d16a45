"""Time that tests tell."""

from __future__ import annotations

from boatyard.machinery.runtime.world import RealWorld


class Clock(RealWorld):
    """Both clocks go only when told."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 1_800_000_000.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time
