"""What a node may do, question by question, as kube-apiserver's Node authorizer answers; where ours differs, with the reason."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from .both import Both

pytestmark = pytest.mark.real

ACCESS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
AGENT = "our agent serves what kubelets leave to kube-proxy and drivers: service addresses, volumes that are directories"
KNOWN = {
    **{("namespaces", verb): AGENT for verb in ("get", "list", "watch")},
    **{("endpointslices", verb): AGENT for verb in ("get", "list", "watch")},
    **{("persistentvolumes", verb): AGENT for verb in ("get", "list", "watch")},
    ("pods", "create"): "no static pods: no node makes pods",
    ("events", "get"): "our agent counts up an event that is there",
    ("pods/eviction", "create"): "decided here already, not by NodeRestriction: only its own",
    ("pods/status", "update"): "decided here already, not by NodeRestriction: only its own",
    ("pods/status", "patch"): "decided here already, not by NodeRestriction: only its own",
    ("pods/status", "get"): "as the pod itself",
    ("pods", "delete"): "decided here already, not by NodeRestriction: only its own",
    ("nodes", "update"): "decided here already, not by NodeRestriction: only itself",
    ("nodes", "patch"): "decided here already, not by NodeRestriction: only itself",
    ("nodes/status", "update"): "decided here already, not by NodeRestriction: only itself",
    ("nodes/status", "patch"): "decided here already, not by NodeRestriction: only itself",
    ("nodes", "get"): "every node may see the nodes: their names and addresses are no secret here",
    ("nodes", "list"): "every node may see the nodes: their names and addresses are no secret here",
    ("nodes", "watch"): "every node may see the nodes: their names and addresses are no secret here",
    ("pods", "get"): "of a pod that isn't there a node hears that: so it knows that its own has ended",
    ("localsubjectaccessreviews", "create"): "our agent asks nobody's rights within a namespace",
    ("endpoints", "get"): "not served",
}
"""(type, verb) -> why our answer may be another."""


async def _ask(pair: Both, node: str, resource: str, verb: str, name: str, namespace: str, group: str) -> tuple[bool, bool]:
    plural, _, subresource = resource.partition("/")
    asked = {"verb": verb, "group": group, "version": "v1", "resource": plural, "subresource": subresource}
    asked |= {"name": name, "namespace": namespace}
    spec = {"user": f"system:node:{node}", "groups": ["system:nodes", "system:authenticated"], "resourceAttributes": asked}
    told, judged = await pair.ask("POST", ACCESS, {"spec": spec})
    return told.body["status"]["allowed"], judged.body["status"]["allowed"]


@pytest.fixture
async def nodes(pair: Both, namespace: str) -> tuple[str, str]:
    """Two nodes, on each a pod that uses a secret, a config map, a claim and an account of its own."""
    base, found = f"/api/v1/namespaces/{namespace}", (f"{namespace}-n1", f"{namespace}-n2")
    for node, own in zip(found, ("mine", "other"), strict=True):
        await pair.make("/api/v1/nodes", {"metadata": {"name": node}})
        await pair.make(f"{base}/serviceaccounts", {"metadata": {"name": own}})
        volumes = [
            {"name": "a", "secret": {"secretName": own}}, {"name": "b", "configMap": {"name": own}},
            {"name": "c", "persistentVolumeClaim": {"claimName": own}},
        ]  # fmt: skip
        spec = {"nodeName": node, "serviceAccountName": own, "automountServiceAccountToken": False, "volumes": volumes}
        spec["containers"] = [{"name": "c", "image": "x"}]
        await pair.make(f"{base}/pods", {"metadata": {"name": own}, "spec": spec})
        async with asyncio.timeout(60):
            while not (await _ask(pair, node, "secrets", "get", own, namespace, ""))[1]:
                await asyncio.sleep(0.02)
    return found


def questions(nodes: tuple[str, str], namespace: str) -> Any:
    inside = (
        ("secrets", ""), ("configmaps", ""), ("persistentvolumeclaims", ""), ("persistentvolumeclaims/status", ""),
        ("serviceaccounts", ""), ("serviceaccounts/token", ""), ("pods", ""), ("pods/status", ""), ("pods/eviction", ""),
        ("pods/log", ""), ("pods/binding", ""),
    )  # fmt: skip
    for (resource, group), verb in itertools.product(inside, VERBS):
        for name in ("mine", "other", "none"):
            yield resource, verb, name, namespace, group
    for resource, verb in itertools.product(("nodes", "nodes/status", "nodes/proxy", "persistentvolumes", "namespaces"), VERBS):
        for name in nodes:
            yield resource, verb, name, "", ""
    everywhere = (
        ("services", ""), ("services/status", ""), ("events", ""), ("podtemplates", ""), ("endpoints", ""),
        ("endpointslices", "discovery.k8s.io"), ("ingresses", "networking.k8s.io"), ("roles", "rbac.authorization.k8s.io"),
        ("subjectaccessreviews", "authorization.k8s.io"), ("localsubjectaccessreviews", "authorization.k8s.io"),
        ("tokenreviews", "authentication.k8s.io"), ("certificatesigningrequests", "certificates.k8s.io"),
        ("certificatesigningrequests/approval", "certificates.k8s.io"), ("clusterroles", "rbac.authorization.k8s.io"),
    )  # fmt: skip
    for (resource, group), verb in itertools.product(everywhere, VERBS):
        yield resource, verb, "x", namespace, group
    for where, verb in itertools.product(("kube-node-lease", "default"), VERBS):
        for name in ("", *nodes):
            yield "leases", verb, name, where, "coordination.k8s.io"


async def test_a_node_may_what_a_node_may(pair: Both, namespace: str, nodes: tuple[str, str]) -> None:
    differing: dict[tuple[str, str], list[str]] = {}
    asked = 0
    some = iter(questions(nodes, namespace))
    while batch := list(itertools.islice(some, 16)):
        answers = await asyncio.gather(*(_ask(pair, nodes[0], *question) for question in batch))
        asked += len(batch)
        for (resource, verb, name, where, _), (ours, theirs) in zip(batch, answers, strict=True):
            if ours != theirs:
                differing.setdefault((resource, verb), []).append(f"{name} in {where!r}: ours {ours}, real {theirs}")
    unknown = {key: told for key, told in differing.items() if key not in KNOWN}
    assert not unknown, unknown
    still = KNOWN.keys() - differing.keys()
    assert not still, f"no longer true: {sorted(still)}"
    assert asked > 400
