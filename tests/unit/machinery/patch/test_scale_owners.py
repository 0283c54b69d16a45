"""Who owns the number of replicas after a write through ``scale``."""

from boatyard.machinery.patch.apply import Door
from boatyard.machinery.patch.field_set import FieldSet
from boatyard.machinery.patch.managers import Manager, managers_in, written
from boatyard.machinery.patch.scale_owners import scaled
from boatyard.machinery.registry.documents import encode, parted

NUMBER, SIZE = ("f:spec", "f:replicas"), ("f:spec", "f:size")
DOOR = Door("scaler", "v1", "scale")
NOW = "2020-01-01T00:00:00Z"


def manager(name, operation, *paths, subresource="", time=NOW):
    return Manager(name, operation, "v1", subresource, FieldSet.of(*paths), time)


def test_who_changes_the_number_owns_it_alone():
    before = [manager("applier", "Apply", NUMBER, SIZE), manager("maker", "Update", NUMBER)]
    mine = manager("scaler", "Update", NUMBER, subresource="scale", time="")
    assert scaled(before, DOOR, NUMBER, 1, 2) == [manager("applier", "Apply", SIZE), mine]
    assert scaled([mine], DOOR, NUMBER, 2, 3) == [mine]
    assert scaled([mine], DOOR, NUMBER, 2, 0) == []


def test_a_number_that_nobody_owned_stays_nobodys():
    before = [manager("maker", "Update", SIZE)]
    assert scaled(before, DOOR, NUMBER, 1, 2) == before


def test_without_a_change_an_applier_keeps_it_and_an_updater_only_until_the_next_write():
    before = [manager("applier", "Apply", NUMBER), manager("maker", "Update", NUMBER, SIZE)]
    after = scaled(before, DOOR, NUMBER, 2, 2)
    assert after == [before[0], manager("maker", "Update", SIZE), manager("maker", "Update", NUMBER, time="")]
    stored = encode({"metadata": {"name": "x", "managedFields": written(after)}})
    assert [m.fields for m in managers_in(parted(stored, 1)[0])] == [FieldSet.of(NUMBER), FieldSet.of(SIZE)]
