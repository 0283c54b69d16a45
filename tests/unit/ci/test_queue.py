"""Which build starts next."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from boatyard.ci.queue import Limits, Quota, Waiting, plan


def waiting(team: str, number: int, priority: int = 0, created: str = "2026-01-01T00:00:00Z", namespace: str = "n") -> Waiting:
    return Waiting(namespace, team, f"{team}-{number}", number, created, priority)


def names(builds) -> list[str]:
    return [one.name for one in builds]


def quotas(*teams: str, running: int = 2, queue: int = 100, namespace: str = "n") -> dict:
    return {(namespace, team): Quota(running, queue) for team in teams}


def test_a_team_gets_no_more_than_its_quota():
    found = plan([waiting("a", n) for n in range(1, 6)], {("n", "a"): 1}, quotas("a", running=3))
    assert names(found.admit) == ["a-1", "a-2"] and found.refuse == ()


def test_the_oldest_starts_first_and_priority_before_age():
    builds = [waiting("a", 1), waiting("a", 2, priority=5), waiting("a", 3, created="2025-01-01T00:00:00Z")]
    assert names(plan(builds, {}, quotas("a", running=9)).admit) == ["a-2", "a-3", "a-1"]


def test_teams_share_what_there_is():
    builds = [waiting("a", n, created="2025-01-01T00:00:00Z") for n in range(1, 5)] + [waiting("b", n) for n in range(1, 5)]
    found = plan(builds, {("n", "a"): 1}, quotas("a", "b", running=9), Limits(total=4))
    assert names(found.admit) == ["b-1", "a-1", "b-2"]


def test_namespaces_share_before_teams_do_whatever_their_priority():
    builds = [waiting("a", n, priority=9) for n in range(1, 5)] + [waiting("x", n, namespace="m") for n in range(1, 3)]
    both = quotas("a", running=9) | quotas("x", running=9, namespace="m")
    assert names(plan(builds, {}, both, Limits(total=4)).admit) == ["a-1", "x-1", "a-2", "x-2"]
    assert names(plan(builds, {}, both, Limits(per_namespace=1)).admit) == ["a-1", "x-1"]


def test_a_full_house_admits_nobody():
    assert plan([waiting("a", 1)], {("n", "b"): 3}, quotas("a", "b"), Limits(total=3)).admit == ()
    assert plan([waiting("a", 1)], {("n", "b"): 5}, quotas("a", "b"), Limits(total=3)).admit == ()


def test_a_paused_team_waits():
    assert plan([waiting("a", 1)], {}, quotas("a", running=0)).admit == ()


def test_beyond_the_queues_limit_the_youngest_are_refused():
    builds = [waiting("a", n, created=f"2026-01-01T00:00:0{n}Z", priority=n) for n in range(1, 7)]
    found = plan(builds, {}, quotas("a", running=1, queue=3))
    assert names(found.admit) == ["a-6"] and names(found.refuse) == ["a-5", "a-4"]


builds_of = st.lists(
    st.builds(waiting, st.sampled_from("abc"), st.integers(1, 50), st.integers(-1, 1), namespace=st.sampled_from("mn")),
    unique_by=lambda one: (one.namespace, one.name),
)


@given(
    builds_of,
    st.dictionaries(st.tuples(st.sampled_from("mn"), st.sampled_from("abc")), st.integers(0, 4)),
    st.integers(0, 9),
    st.randoms(),
)
def test_no_limit_is_ever_broken_and_no_place_stays_empty(builds, running, total, random):
    every = {(namespace, team): Quota(3, 1000) for namespace in "mn" for team in "abc"}
    found = plan(builds, running, every, Limits(total=total, per_namespace=5))
    after = dict(running)
    for one in found.admit:
        after[one.team] = after.get(one.team, 0) + 1
        assert after[one.team] <= 3
    spaces = {namespace: sum(count for team, count in after.items() if team[0] == namespace) for namespace in "mn"}
    if found.admit:
        assert sum(after.values()) <= total
    if sum(after.values()) < total:
        for one in builds:
            assert one in found.admit or after.get(one.team, 0) >= 3 or spaces[one.namespace] >= 5
    shuffled = list(builds)
    random.shuffle(shuffled)
    assert plan(shuffled, running, every, Limits(total=total, per_namespace=5)) == found
