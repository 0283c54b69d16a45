"""Every kind's columns: as many cells as columns, from the emptiest object on; and what the full ones say."""

from __future__ import annotations

from typing import Any

import pytest

from boatyard.machinery.meta.core import STORED
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.meta.timestamps import parse_time
from boatyard.machinery.registry.kind import Kind
from boatyard.machinery.runtime.world import RealWorld
from boatyard.server.media import Form
from boatyard.server.tables import Tables

NOW = parse_time("2026-01-01T01:00:00Z")
BORN = "2026-01-01T00:00:00Z"


class Fixed(RealWorld):
    def now(self) -> float:
        return NOW


def row(resource: Resource, obj: dict[str, Any], **kind: Any) -> dict[str, Any]:
    """The cells by column."""
    obj = {**obj, "metadata": {"name": "x", "creationTimestamp": BORN, **obj.get("metadata", {})}}
    table = Tables(Fixed()).one(Form(transform="Table"), Kind(resource, **kind), obj, "None")
    (only,) = table["rows"]
    assert len(only["cells"]) == len(table["columnDefinitions"])
    return dict(zip([c["name"] for c in table["columnDefinitions"]], only["cells"], strict=True))


@pytest.mark.parametrize("resource", STORED, ids=lambda r: r.plural)
def test_an_empty_object_has_a_row(resource: Resource) -> None:
    assert row(resource, {})["Name"] == "x"


def by(plural: str) -> Resource:
    return next(resource for resource in STORED if resource.plural == plural)


@pytest.mark.parametrize(
    ("plural", "obj", "told"),
    [
        ("nodes", {
            "metadata": {"labels": {"node-role.kubernetes.io/builder": "", "kubernetes.io/role": "ci"}},
            "spec": {"unschedulable": True},
            "status": {"conditions": [{"type": "Ready", "status": "True"}], "nodeInfo": {"kubeletVersion": "v1"},
                       "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}]},
        },
         {"Status": "Ready,SchedulingDisabled", "Roles": "builder,ci", "Version": "v1",
          "Internal-IP": "10.0.0.1", "External-IP": "<none>"}),
        ("services", {"spec": {"clusterIP": "10.96.0.5",
                               "ports": [{"port": 80}, {"port": 53, "protocol": "UDP", "nodePort": 30000}],
                               "selector": {"b": "2", "a": "1"}}},
         {"Type": "ClusterIP", "Cluster-IP": "10.96.0.5", "External-IP": "<none>", "Port(s)": "80/TCP,53:30000/UDP",
          "Selector": "a=1,b=2"}),
        ("services", {"spec": {"type": "LoadBalancer"}}, {"External-IP": "<pending>", "Port(s)": "<none>", "Cluster-IP": "<none>"}),
        ("persistentvolumeclaims", {"spec": {"volumeName": "v", "storageClassName": "local"},
                                    "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"]}},
         {"Status": "Bound", "Volume": "v", "Capacity": "1Gi", "Access Modes": "RWO", "StorageClass": "local",
          "VolumeMode": "<unset>"}),
        ("persistentvolumeclaims", {"metadata": {"annotations": {"volume.beta.kubernetes.io/storage-class": "old"}},
                                    "spec": {"storageClassName": "new"}},
         {"StorageClass": "old"}),
        ("persistentvolumes", {"spec": {"capacity": {"storage": "1Gi"}, "claimRef": {"namespace": "n", "name": "c"},
                                        "accessModes": ["ReadWriteMany", "ReadOnlyMany"],
                                        "persistentVolumeReclaimPolicy": "Delete"}},
         {"Claim": "n/c", "Access Modes": "ROX,RWX", "Reclaim Policy": "Delete"}),
        ("events", {"involvedObject": {"kind": "Pod", "name": "p"}, "lastTimestamp": "2026-01-01T00:59:30Z", "count": 4,
                    "firstTimestamp": BORN, "source": {"component": "kubelet", "host": "n"}, "message": " m\n"},
         {"Last Seen": "30s", "Object": "pod/p", "Count": 4, "First Seen": "60m", "Source": "kubelet, n", "Message": "m"}),
        ("ingresses", {"spec": {"rules": [{"host": h} for h in "abcd"], "tls": [{}]},
                       "status": {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}},
         {"Hosts": "a,b,c + 1 more...", "Address": "1.2.3.4", "Ports": "80, 443", "Class": "<none>"}),
        ("endpointslices", {"addressType": "IPv4", "ports": [{"port": 80}], "endpoints": [{"addresses": ["10.0.0.1"]}]},
         {"Ports": "80", "Endpoints": "10.0.0.1"}),
        ("endpointslices", {"ports": [{"name": ""}]}, {"Ports": "<unset>"}),
        ("endpointslices", {"ports": [{"name": "web"}, {"name": "b", "port": 1}]}, {"Ports": "web,1"}),
        ("secrets", {"type": "Opaque", "data": {"a": "eA==", "b": "eA=="}}, {"Data": 2}),
        ("certificatesigningrequests", {"spec": {"expirationSeconds": 3600},
                                        "status": {"conditions": [{"type": "Approved"}], "certificate": "x"}},
         {"Condition": "Approved,Issued", "RequestedDuration": "60m"}),
        ("rolebindings", {"roleRef": {"kind": "Role", "name": "r"}, "subjects": [
            {"kind": "User", "name": "u"}, {"kind": "ServiceAccount", "namespace": "n", "name": "s"}]},
         {"Role": "Role/r", "Users": "u", "ServiceAccounts": "n/s", "Groups": ""}),
        ("clusterroles", {}, {"Created At": BORN}),
    ],
)  # fmt: skip
def test_what_it_says(plural: str, obj: dict[str, Any], told: dict[str, Any]) -> None:
    found = row(by(plural), obj)
    assert {name: found[name] for name in told} == told


def test_custom_columns_are_read_from_the_definition() -> None:
    columns = [
        {"name": "Phase", "type": "string", "jsonPath": ".status.phase"},
        {"name": "Ready", "type": "string", "jsonPath": '.status.conditions[?(@.type=="Ready")].status'},
        {"name": "Count", "type": "integer", "jsonPath": ".spec.count"},
        {"name": "Flag", "type": "boolean", "jsonPath": ".spec.flag"},
        {"name": "Names", "type": "string", "jsonPath": ".spec.names", "priority": 1},
        {"name": "First", "type": "string", "jsonPath": ".spec.parts[*].name"},
        {"name": "Finished", "type": "date", "jsonPath": ".status.finished"},
        {"name": "Broken", "type": "string", "jsonPath": ".spec["},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ]
    resource = Resource("x.dev", "v1", "things", "Thing")
    obj = {
        "spec": {"count": 3, "flag": True, "names": ["a"], "parts": [{"name": "p"}, {"name": "q"}]},
        "status": {"phase": "Done", "finished": "2026-01-01T00:59:00Z",
                   "conditions": [{"type": "Ready", "status": "False"}]},
    }
    assert row(resource, obj, custom={"additionalPrinterColumns": columns}) == {
        "Name": "x", "Phase": "Done", "Ready": "False", "Count": 3, "Flag": True, "Names": '["a"]',
        "First": "p", "Finished": "60s", "Broken": None,
        "Age": "60m",
    }  # fmt: skip
    empty = row(resource, {}, custom={"additionalPrinterColumns": columns})
    assert empty["Phase"] is None
    assert empty["Finished"] is None
    assert row(resource, {}, custom={}) == {"Name": "x", "Age": "60m"}
