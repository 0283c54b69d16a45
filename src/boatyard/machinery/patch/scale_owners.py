"""Who owns an object's number of replicas after a write through ``scale``.

As apimachinery's ``ScaleHandler``: the Scale has entries of its own, made of those who own the number in the object, and they are
put back afterwards. On the way an updater's entry comes to be of another version and isn't recognized: its share is taken from it
and stands beside it, without a time, until the next write reads both as one.
"""

from __future__ import annotations

from boatyard.machinery.patch.apply import Door
from boatyard.machinery.patch.field_set import FieldSet, Path
from boatyard.machinery.patch.managers import Manager


def scaled(managers: list[Manager], door: Door, path: Path, before: int | None, after: int) -> list[Manager]:
    """The managers of the object once ``door.manager`` wrote its number, which is at ``path``. A number that nobody owned stays so,
    and nobody owns 0: a Scale doesn't say it."""
    number, changed = FieldSet.of(path), before != after
    owners = [manager for manager in managers if manager.fields.has_below(path)]
    if not owners:
        return managers
    robbed = [owner.identity for owner in owners if changed or owner.operation == "Update"]
    left: list[Manager] = []
    for manager in managers:
        if manager.identity not in robbed:
            left.append(manager)
        elif fields := manager.fields - number:
            left.append(manager._replace(fields=fields))
    if changed:
        mine = Manager(door.manager, "Update", door.api_version, door.subresource, number)
        return [*left, mine] if after else left
    return left + [owner._replace(fields=number, time="") for owner in owners if owner.identity in robbed]
