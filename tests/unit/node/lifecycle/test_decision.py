"""The next steps of a pod, from whatever state."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from boatyard.node.lifecycle.decision import Decision, Facts, Stop, decide
from boatyard.node.lifecycle.history import Histories, History, histories
from boatyard.node.lifecycle.loss import loss, settled
from boatyard.node.lifecycle.verdict import Verdict
from boatyard.node.runtime import ContainerState, PodConfig, PodState

NOW = 1000.0


def pod(policy="Never", inits=(), mains=("main",), **metadata):
    return {
        "metadata": {"name": "p", "uid": "u", **metadata},
        "spec": {"restartPolicy": policy, "initContainers": list(inits), "containers": [{"name": name} for name in mains]},
    }


def running(name, attempt=0):
    return ContainerState(name, attempt, "running", started=NOW - 1)


def exited(name, code=0, attempt=0, started=NOW - 5, finished=NOW - 1):
    return ContainerState(name, attempt, "exited", started=started, finished=finished, exit_code=code)


def past(*states):
    return Histories({name: History(tuple(s for s in states if s.name == name)) for name in {s.name: None for s in states}})


SIDECAR = {"name": "db", "restartPolicy": "Always"}


def test_all_main_containers_start_at_once():
    assert decide(pod(mains=("a", "b")), past(), Facts(NOW)).start == (("a", 0), ("b", 0))


def test_a_sidecar_holds_the_rest_back_until_it_has_started():
    declared = pod(inits=[SIDECAR, {"name": "setup"}])
    assert decide(declared, past(), Facts(NOW)).start == (("db", 0),)
    assert decide(declared, past(running("db")), Facts(NOW)) == Decision()
    assert decide(declared, past(running("db")), Facts(NOW, started={("db", 0)})).start == (("setup", 0),)


def test_once_main_containers_ran_init_containers_are_not_looked_at_again():
    declared = pod("Always", inits=[{"name": "setup"}])
    assert decide(declared, past(running("main")), Facts(NOW)) == Decision()


def test_main_containers_end_before_sidecars():
    declared = pod(inits=[SIDECAR], deletionTimestamp="x")
    both = past(running("db"), running("main"))
    assert [stop.container for stop in decide(declared, both, Facts(NOW)).stop] == ["main"]
    one = past(running("db"), exited("main"))
    assert [stop.container for stop in decide(declared, one, Facts(NOW)).stop] == ["db"]
    assert decide(declared, past(exited("db"), exited("main")), Facts(NOW)).over


def test_a_condemned_container_ends_and_the_others_go_on():
    decision = decide(pod("Always", mains=("a", "b")), past(running("a"), running("b")), Facts(NOW, condemned={("a", 0): "sick"}))
    assert decision.stop == (Stop("a", 0, "sick"),)
    assert not decision.over


def test_what_could_not_start_waits_for_its_time():
    decision = decide(pod(), past(), Facts(NOW, held={"main": NOW + 3}))
    assert (decision.start, decision.wake_at) == ((), NOW + 3)


def test_the_restarts_of_a_crash_loop_come_later_and_later():
    waits = []
    attempts: list[ContainerState] = []
    at = 0.0
    for number in range(9):
        attempts.append(exited("main", 1, number, at, at + 1))
        earliest, wait = History(tuple(attempts)).back_off()
        waits.append(wait)
        at = earliest
    assert waits == [0, 10, 20, 40, 80, 160, 300, 300, 300]


def test_starts_the_machine_no_longer_knows_of_are_counted_from_the_status():
    declared = pod("Always") | {
        "status": {"containerStatuses": [{"name": "main", "restartCount": 4, "state": {"running": {"startedAt": "x"}}}]}
    }
    assert decide(declared, histories(declared, None), Facts(NOW)).start == (("main", 5),)


def machine(alive, *states):
    return PodState(PodConfig("u", "p", "ns", "p", True, ""), alive, "", True, states)


def test_a_dead_supervisor_is_a_loss_only_while_something_was_left_to_do():
    lost = exited("main", 137)
    lost = ContainerState(**{**{f: getattr(lost, f) for f in lost.__struct_fields__}, "reason": "SupervisorLost"})
    assert loss(pod(), machine(True, running("main")), NOW) is None
    assert loss(pod(), machine(False, running("main")), NOW)
    assert loss(pod(), machine(False, lost), NOW), "a machine may count it as exited already"
    assert loss(pod(), machine(False, exited("main")), NOW) is None
    assert loss(pod(mains=("a", "b")), machine(False, exited("a")), NOW), "b never ran"
    assert settled(machine(False, running("main")), NOW).containers[0].reason == "SupervisorLost"


STATES = st.lists(
    st.tuples(st.sampled_from(["setup", "db", "a", "b"]), st.sampled_from(["running", "ok", "bad", "starting"])),
    unique_by=lambda pair: pair[0], max_size=4,
)  # fmt: skip


@given(STATES, st.sampled_from(["Never", "OnFailure", "Always"]), st.booleans(), st.booleans())
def test_nothing_runs_when_it_is_over_and_nothing_starts_that_runs(states, policy, deleting, judged):
    declared = pod(policy, inits=[{"name": "setup"}, SIDECAR], mains=("a", "b"), **({"deletionTimestamp": "x"} if deleting else {}))
    made = {
        "running": running, "ok": exited, "bad": lambda name: exited(name, 1),
        "starting": lambda name: ContainerState(name, 0, "starting"),
    }  # fmt: skip
    known = past(*(made[kind](name) for name, kind in states))
    verdict = Verdict("Evicted", "", NOW) if judged else None
    decision = decide(declared, known, Facts(NOW, started={("db", 0)}, verdict=verdict))
    active = {name for name, kind in states if kind in ("running", "starting")}
    assert not (decision.over and active)
    assert not {name for name, _ in decision.start} & active
    assert {stop.container for stop in decision.stop} <= active
    if decision.over or deleting or judged:
        assert not decision.start
