"""Our API server against etcd and kube-apiserver: rates, latencies, memory, and what many objects and many watchers cost."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

from bench.api import many
from bench.api.peers import Peer, ours, theirs
from bench.api.work import POOL, VERBS
from bench.figure import Figure

CLIENTS = (1, 16, 64)
VERB_SECONDS, MIX_SECONDS, ROUNDS = 0.8, 2.5, 3
WATCHERS, IDLE_WATCHERS = 20, 100


def load(peer: Peer, **task: Any) -> dict[str, Any]:
    """Run the client program against a server."""
    server = peer.server
    task = {"port": server.port, "ca": server.ca, "token": server.token, **task}
    done = subprocess.run(
        [sys.executable, "-m", "bench.api.load"], input=json.dumps(task), capture_output=True, text=True, timeout=120
    )
    if done.returncode:
        raise RuntimeError(f"the client program failed: {done.stderr[-2000:]}")
    told = json.loads(done.stdout)
    if told["refused"] > 0.001 * sum(verb["count"] for verb in told["verbs"].values()):
        raise RuntimeError(f"{told['refused']} requests were refused, such as {told['example']}")
    return told


def fill(peer: Peer) -> None:
    """Make the pods that everything is done to."""
    made = load(peer, verb="create", clients=1, count=POOL, run="pool")
    assert made["verbs"]["create"]["count"] == POOL


def run() -> list[Figure]:
    """The rows of this bench."""
    with ours() as us, theirs() as them:
        for peer in (us, them):
            fill(peer)
        figures: list[Figure] = []
        for clients in CLIENTS:
            figures.append(_mix(us, them, clients))
        # Before the verbs one by one: those leave many more pods with the faster of the two.
        figures.append(_memory(us, them))
        for verb in VERBS:
            figures += [_verb(us, them, verb, clients) for clients in CLIENTS]
    return figures + many.run()


def _mix(us: Peer, them: Peer, clients: int) -> Figure:
    rounds: list[tuple[dict[str, Any], dict[str, Any]]] = []
    for number in range(ROUNDS):
        told = [
            load(peer, verb="mix", clients=clients, seconds=MIX_SECONDS, watchers=WATCHERS, run=f"m{clients}-{number}")
            for peer in (us, them)
        ]
        rounds.append((told[0], told[1]))
    rounds.sort(key=lambda pair: pair[0]["rate"] / pair[1]["rate"])
    ours, theirs = rounds[len(rounds) // 2]
    ratio = ours["rate"] / theirs["rate"]
    note = f"p50, p99 of get; {WATCHERS} watchers; the client program took {ours['cpu']:.0%} and {theirs['cpu']:.0%} of a core"
    return Figure(f"mix, {_clients(clients)}", _rate(ours), _rate(theirs), f"{ratio:.2f}", ">= 1", ratio >= 1, note)


def _verb(us: Peer, them: Peer, verb: str, clients: int) -> Figure:
    ours, theirs = (load(peer, verb=verb, clients=clients, seconds=VERB_SECONDS, run=f"{verb[0]}{clients}") for peer in (us, them))
    ratio = f"{ours['rate'] / theirs['rate']:.2f}" if theirs["rate"] else ""
    return Figure(f"{verb}, {_clients(clients)}", _rate(ours, verb), _rate(theirs, verb), ratio, "", None)


def _clients(count: int) -> str:
    return f"{count} client{'s' if count > 1 else ''}"


def _rate(told: dict[str, Any], verb: str = "") -> str:
    """``1,234/s (0.8, 2.1 ms)``: requests a second, p50 and p99 of one verb (of a mix: of its most frequent one)."""
    found = told["verbs"].get(verb or VERBS[0])
    if found is None:  # a stall as long as the whole round, as of a disk that writes back something else
        return "0/s"
    return f"{told['rate']:,.0f}/s ({found['p50'] * 1000:.1f}, {found['p99'] * 1000:.1f} ms)"


def _memory(us: Peer, them: Peer) -> Figure:
    """With a hundred watchers who wait."""
    held: list[int] = []
    for peer in (us, them):
        server = peer.server
        task = {
            "port": server.port, "ca": server.ca, "token": server.token, "verb": "get", "clients": 1, "seconds": 1, "run": "hold",
            "watchers": IDLE_WATCHERS, "hold": 30,
        }  # fmt: skip
        command = [sys.executable, "-m", "bench.api.load"]
        program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            assert program.stdin is not None and program.stdout is not None
            program.stdin.write(json.dumps(task))
            program.stdin.close()
            program.stdout.readline()
            time.sleep(5)
            held.append(peer.resident_bytes())
        finally:
            program.kill()
            program.wait()
    ratio = held[0] / held[1]
    return Figure(
        f"memory after the mixes, {IDLE_WATCHERS} watchers", f"{held[0] / 1e6:.0f} MB", f"{held[1] / 1e6:.0f} MB", f"{ratio:.2f}",
        "<= 0.25", ratio <= 0.25, "the whole control plane; etcd and kube-apiserver",
    )  # fmt: skip
