"""Which berth a boat gets: the project that the demo builds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Berth:
    name: str
    length_m: float


def assign(boats: dict[str, float], berths: list[Berth]) -> dict[str, str]:
    """Give each boat the shortest free berth that holds it, longest boat first. Raises LookupError when one finds none."""
    free = sorted(berths, key=lambda berth: berth.length_m)
    given: dict[str, str] = {}
    for boat, length in sorted(boats.items(), key=lambda item: -item[1]):
        fitting = [berth for berth in free if berth.length_m >= length]
        if not fitting:
            raise LookupError(f"no berth of {length} m is left for {boat}")
        given[boat] = fitting[0].name
        free.remove(fitting[0])
    return given
