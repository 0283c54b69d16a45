"""What the clients of a bench do: the verbs on pods of 2 KB, ready-made, and their mix."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from bench.api.connection import Server, request

NAMESPACE = "bench"
POOL = 600
"""Pods that are there from the start: what is read, patched and listed."""
BYTES = 2048

MIX = ("get",) * 8 + ("status",) * 4 + ("create",) * 2 + ("merge",) * 2 + ("apply",) * 2 + ("list",) + ("delete",)
"""40 % get, 20 % status update, 10 % create, 10 % merge patch, 10 % server-side apply, 5 % list of 500, 5 % delete."""
VERBS = tuple(dict.fromkeys(MIX))

_PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"


def pod(name: str) -> dict[str, Any]:
    """A pod that nobody schedules, of about 2 KB."""
    environment = [{"name": f"VARIABLE_{number}", "value": f"the value of variable {number} " + "x" * 40} for number in range(6)]
    container = {
        "name": "main", "image": "registry.example.org/team/image:1.2.3", "command": ["/bin/sh", "-c", "exec /srv/run --steadily"],
        "env": environment, "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
        "volumeMounts": [{"name": "work", "mountPath": "/work"}],
    }  # fmt: skip
    document: dict[str, Any] = {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"app": "bench", "part": "main"}},
        "spec": {
            "schedulerName": "nobody", "automountServiceAccountToken": False, "terminationGracePeriodSeconds": 0,
            "containers": [container], "volumes": [{"name": "work", "emptyDir": {}}],
        },
    }  # fmt: skip
    missing = BYTES - len(json.dumps(document, separators=(",", ":"))) - 40
    document["metadata"]["annotations"] = {"example.org/fill": "f" * missing}
    return document


class Work:
    """The requests of one client. Names of what it makes begin with its own number, so that clients don't meet."""

    def __init__(self, server: Server, verb: str, number: int, run: str) -> None:
        self._server, self._verb, self._number, self._run = server, verb, number, run
        self._count = number * 7
        self._made: list[str] = []
        self._making = 0
        pool = [pod(f"pool-0-{index + 1}") for index in range(POOL)]
        self._pool = [json.dumps(document).encode() for document in pool]

    def steps(self) -> Iterator[tuple[str, bytes]]:
        """Verb and request, without end. A deletion without anything to delete is a creation."""
        while True:
            # 13 and 20 have no common factor: every client goes through the whole mix, each from another place.
            verb = MIX[self._count * 13 % len(MIX)] if self._verb == "mix" else self._verb
            self._count += 1
            if verb == "delete" and not self._made:
                verb = "create"
            yield verb, self._request(verb)

    def _request(self, verb: str) -> bytes:
        count = self._count
        index = count * 31 % POOL
        name = f"pool-0-{index + 1}"
        if verb == "get":
            return request(self._server, "GET", f"{_PODS}/{name}")
        if verb == "list":
            return request(self._server, "GET", f"{_PODS}?limit=500")
        if verb == "create":
            self._making += 1
            made = f"{self._run}-{self._number}-{self._making}"
            self._made.append(made)
            return request(self._server, "POST", _PODS, self._pool[index].replace(name.encode(), made.encode(), 1))
        if verb == "delete":
            return request(self._server, "DELETE", f"{_PODS}/{self._made.pop(0)}")
        if verb == "merge":
            body = b'{"metadata":{"annotations":{"example.org/merged":"%d"}}}' % count
            return request(self._server, "PATCH", f"{_PODS}/{name}", body, "application/merge-patch+json")
        if verb == "status":
            status = (
                b',"status":{"phase":"Pending","message":"update %d","conditions":[{"type":"Ready","status":"False",'
                b'"lastTransitionTime":"2024-01-01T00:00:00Z","reason":"Waiting"}]}}' % count
            )
            return request(self._server, "PUT", f"{_PODS}/{name}/status", self._pool[index][:-1] + status)
        if verb == "apply":
            applied = self._pool[index].replace(b'"annotations": {', b'"annotations": {"example.org/applied": "%d", ' % count, 1)
            path = f"{_PODS}/{name}?fieldManager=bench-apply&force=true"
            return request(self._server, "PATCH", path, applied, "application/apply-patch+yaml")
        raise ValueError(verb)
