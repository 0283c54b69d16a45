"""Placement as tables: what fits where, and what is said when nothing fits."""

from __future__ import annotations

from typing import Any

import pytest

from boatyard.machinery.placement.demand import demand_of, requests_of
from boatyard.machinery.placement.place import place
from boatyard.machinery.placement.snapshot import Snapshot

Labels = dict[str, str]


def node(name: str, *, cpu: str = "4", memory: str = "8Gi", pods: str = "110", labels: Labels | None = None, **spec: Any) -> Any:
    metadata = {"name": name, "labels": {"kubernetes.io/hostname": name, **(labels or {})}}
    return {"metadata": metadata, "spec": spec, "status": {"allocatable": {"cpu": cpu, "memory": memory, "pods": pods}}}


def pod(
    name: str, *, cpu: str = "1", memory: str = "1Gi", labels: Labels | None = None, namespace: str = "default", **spec: Any
) -> Any:
    container = {"name": "main", "resources": {"requests": {"cpu": cpu, "memory": memory}}}
    return {
        "metadata": {"name": name, "namespace": namespace, "uid": name, "labels": labels or {}},
        "spec": {"containers": [container], **spec},
    }


def snapshot(*nodes: Any, on: dict[str, Any] | None = None) -> Snapshot:
    result = Snapshot()
    for each in nodes:
        result.set_node(each)
    for where, each in (on or {}).items():
        result.set_pod(demand_of(each), where)
    return result


def where(snap: Snapshot, *pods: Any) -> dict[str, str]:
    plan = place(snap, [demand_of(each) for each in pods])
    return {p.pod.name: p.node for p in plan.placed} | {r.pod.name: r.message for r in plan.refused}


def affinity(key: str, *values: str, operator: str = "In") -> Any:
    term = {"matchExpressions": [{"key": key, "operator": operator, **({"values": list(values)} if values else {})}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}


def pods_affinity(kind: str, app: str) -> Any:
    term = {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": "kubernetes.io/hostname"}
    return {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


TAINT = {"key": "dedicated", "value": "builds", "effect": "NoSchedule"}
HOST_PORT = {"containers": [{"name": "main", "ports": [{"containerPort": 80, "hostPort": 8080}]}]}

FITS = [
    ("enough room", node("a"), {}),
    ("the node's label is selected", node("a", labels={"disk": "ssd"}), {"nodeSelector": {"disk": "ssd"}}),
    ("affinity by label", node("a", labels={"zone": "x"}), {"affinity": affinity("zone", "x", "y")}),
    ("affinity by absence", node("a"), {"affinity": affinity("gpu", operator="DoesNotExist")}),
    ("taint tolerated by value", node("a", taints=[TAINT]), {"tolerations": [{"key": "dedicated", "value": "builds"}]}),
    ("taint tolerated by existence", node("a", taints=[TAINT]), {"tolerations": [{"key": "dedicated", "operator": "Exists"}]}),
    ("everything tolerated", node("a", taints=[TAINT], unschedulable=True), {"tolerations": [{"operator": "Exists"}]}),
    ("a taint that only prefers", node("a", taints=[{**TAINT, "effect": "PreferNoSchedule"}]), {}),
    ("first of a group", node("a"), {"affinity": pods_affinity("podAffinity", "web"), "labels": {"app": "web"}}),
]


@pytest.mark.parametrize(("what", "on", "spec"), FITS, ids=[row[0] for row in FITS])
def test_fits(what: str, on: Any, spec: dict[str, Any]) -> None:
    assert where(snapshot(on), pod("p", **spec)) == {"p": "a"}


WRONG_VALUE = {"key": "dedicated", "value": "x"}
WRONG_EFFECT = {"key": "dedicated", "operator": "Exists", "effect": "NoExecute"}

REFUSED = [
    ("Insufficient cpu", node("a", cpu="500m"), {}),
    ("Insufficient cpu, 1 Insufficient memory", node("a", cpu="500m", memory="512Mi"), {}),
    ("Too many pods", node("a", pods="0"), {}),
    ("node(s) were unschedulable", node("a", unschedulable=True), {}),
    ("node(s) had untolerated taint {dedicated: builds}", node("a", taints=[TAINT]), {"tolerations": [WRONG_VALUE]}),
    ("node(s) had untolerated taint {dedicated: builds}", node("a", taints=[TAINT]), {"tolerations": [WRONG_EFFECT]}),
    ("node(s) didn't match Pod's node affinity/selector", node("a"), {"nodeSelector": {"disk": "ssd"}}),
    ("node(s) didn't match Pod's node affinity/selector", node("a", labels={"zone": "z"}), {"affinity": affinity("zone", "x")}),
    ("node(s) didn't match pod affinity rules", node("a"), {"affinity": pods_affinity("podAffinity", "web")}),
]


@pytest.mark.parametrize(("why", "on", "spec"), REFUSED)
def test_is_refused_with_the_reason(why: str, on: Any, spec: dict[str, Any]) -> None:
    assert where(snapshot(on), pod("p", **spec)) == {"p": f"0/1 nodes are available: 1 {why}."}


def test_reasons_of_all_nodes_are_counted() -> None:
    snap = snapshot(node("a", cpu="0"), node("b", cpu="0"), node("c", unschedulable=True))
    assert where(snap, pod("p"))["p"] == "0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu."
    assert where(snapshot(), pod("p"))["p"] == "no nodes available to schedule pods"


def test_host_ports_conflict_only_on_the_same_protocol_and_address() -> None:
    def on_port(name: str, **port: Any) -> Any:
        each = pod(name)
        each["spec"]["containers"][0]["ports"] = [{"containerPort": 80, "hostPort": 8080, **port}]
        return each

    snap = snapshot(node("a"), on={"a": on_port("taken", hostIP="127.0.0.1")})
    told = where(snap, on_port("p"), on_port("udp", protocol="UDP"), on_port("other", hostIP="127.0.0.2"))
    assert told == {
        "p": "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.", "udp": "a", "other": "a",
    }  # fmt: skip


def test_a_pod_of_the_host_network_takes_its_container_ports() -> None:
    spec = {"hostNetwork": True, "containers": [{"name": "m", "ports": [{"containerPort": 9000}]}]}
    told = where(snapshot(node("a")), pod("one", **spec), pod("two", **spec))
    assert told["two"].endswith("free ports for the requested pod ports.")


def test_a_node_that_has_not_told_yet_what_it_offers_gets_nothing() -> None:
    silent = {"metadata": {"name": "a", "labels": {}}, "spec": {}}
    assert where(snapshot(silent), {"metadata": {"name": "p"}, "spec": {"containers": []}})["p"].endswith("1 Too many pods.")


def sharing(name: str) -> Any:
    """A node whose pods have no network of their own."""
    made = node(name)
    made["status"]["conditions"] = [{"type": "PodNetwork", "status": "False", "reason": "PodsShareTheHostNetwork"}]
    return made


def listening(name: str, *ports: int, **more: Any) -> Any:
    return pod(name, containers=[{"name": "m", "ports": [{"containerPort": port} for port in ports]}], **more)


def test_where_pods_share_the_nodes_network_they_take_the_ports_they_declare() -> None:
    told = where(snapshot(sharing("a")), listening("one", 80, 5432), listening("two", 5432), listening("three", 5433))
    assert (told["one"], told["three"]) == ("a", "a")
    assert told["two"] == "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports."


def test_ports_of_sidecars_count_too() -> None:
    sidecar = {"name": "db", "restartPolicy": "Always", "ports": [{"containerPort": 5432}]}
    told = where(snapshot(sharing("a")), pod("one", initContainers=[sidecar]), pod("two", initContainers=[sidecar]))
    assert told["one"] == "a" and told["two"].endswith("free ports for the requested pod ports.")


def test_another_node_takes_the_second_one() -> None:
    told = where(snapshot(sharing("a"), node("b")), *(listening(name, 5432) for name in ("one", "two", "three")))
    assert sorted(told.values()) == ["a", "b", "b"]


def test_a_node_that_loses_its_network_knows_which_ports_its_pods_take() -> None:
    snap = snapshot(node("a"), on={"a": listening("there", 5432)})
    assert where(snap, listening("p", 5432)) == {"p": "a"}
    snap.set_node(sharing("a"))
    assert where(snap, listening("p", 5432))["p"].endswith("free ports for the requested pod ports.")
    snap.remove_pod("there")
    assert where(snap, listening("p", 5432)) == {"p": "a"}
    snap.set_node(node("a"))
    assert snap.nodes["a"].ports == {}


def test_anti_affinity_keeps_apart_in_both_directions() -> None:
    apart = pod("apart", labels={"app": "web"}, affinity=pods_affinity("podAntiAffinity", "web"))
    web = pod("web", labels={"app": "web"})
    assert where(snapshot(node("a"), node("b"), on={"a": web}), apart) == {"apart": "b"}
    refused = where(snapshot(node("a"), on={"a": apart}), web)
    assert refused == {"web": "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules."}
    elsewhere = pod("else", labels={"app": "web"}, namespace="other")
    assert where(snapshot(node("a"), on={"a": apart}), elsewhere) == {"else": "a"}


def test_volumes_hold_a_pod_to_their_node() -> None:
    local = affinity("kubernetes.io/hostname", "b")["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    snap = snapshot(node("a"), node("b"))
    assert [p.node for p in place(snap, [demand_of(pod("p"), (local,))]).placed] == ["b"]
    alone = place(snapshot(node("a")), [demand_of(pod("p"), (local,))])
    assert alone.refused[0].message == "0/1 nodes are available: 1 node(s) had volume node affinity conflict."


def test_full_nodes_are_filled_first_and_preferences_weigh() -> None:
    snap = snapshot(node("a"), node("b"), node("c", labels={"disk": "ssd"}), on={"b": pod("there")})
    assert where(snap, pod("p")) == {"p": "b"}
    preferred = [{"weight": 100, "preference": {"matchExpressions": [{"key": "disk", "operator": "Exists"}]}}]
    wish = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}
    assert where(snap, pod("p", affinity=wish)) == {"p": "c"}


def test_pods_of_one_plan_count_and_the_snapshot_stays() -> None:
    snap = snapshot(node("a", cpu="2"))
    told = where(snap, *(pod(f"p{n}") for n in range(4)))
    assert [told[f"p{n}"] for n in range(2)] == ["a", "a"]
    assert told["p3"] == "0/1 nodes are available: 1 Insufficient cpu."
    assert where(snap, pod("again")) == {"again": "a"}


def test_an_ended_pod_frees_its_place_and_a_node_that_returns_still_has_its_pods() -> None:
    snap = snapshot(node("a", cpu="1"), on={"a": pod("one")})
    assert "Insufficient" in where(snap, pod("p"))["p"]
    snap.remove_node("a")
    snap.set_node(node("a", cpu="1"))
    assert "Insufficient" in where(snap, pod("p"))["p"]
    snap.remove_pod("one")
    assert where(snap, pod("p")) == {"p": "a"}


def test_requests_cover_every_moment_of_a_pods_life() -> None:
    def container(cpu: str, **more: Any) -> Any:
        return {"resources": {"requests": {"cpu": cpu}}, **more}

    spec = {
        "containers": [container("1"), container("500m")],
        "initContainers": [container("3"), container("1", restartPolicy="Always"), container("1500m")],
        "overhead": {"cpu": "100m"},
    }
    assert requests_of(spec) == {"cpu": 3100, "pods": 1}
    only_limits = {"containers": [{"resources": {"limits": {"cpu": "2", "memory": "1Gi"}}}]}
    assert requests_of(only_limits) == {"cpu": 2000, "memory": 2**30, "pods": 1}
    assert requests_of({"containers": [container("nonsense")]}) == {"pods": 1}


def test_thousands_of_waiting_pods_of_one_shape_cost_one_try() -> None:
    snap = snapshot(*(node(f"n{number}", cpu="0") for number in range(100)))
    assert len(place(snap, [demand_of(pod(f"p{number}")) for number in range(5000)]).refused) == 5000
