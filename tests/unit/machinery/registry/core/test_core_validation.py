"""What may change of documents of Kubernetes' own kinds. What may be in them is judged in ``tests/conformance/core``."""

import pytest

from boatyard.machinery.meta import core
from boatyard.machinery.meta.objects import copied
from boatyard.machinery.registry.core.defaults import default
from boatyard.machinery.registry.core.validation import validate


def defaulted(resource, document):
    obj = {"metadata": {"name": "x"}, **copied(document)}
    default(resource, obj)
    return obj


def changed(resource, before, **changes):
    old = defaulted(resource, before)
    new = copied(old)
    for path, value in changes.items():
        *way, last = path.split("__")
        target = new
        for step in way:
            target = target[int(step) if step.isdigit() else step]
        if value is None:
            target.pop(last)
        else:
            target[int(last) if last.isdigit() else last] = value
    return [error.path for error in validate(resource, new, old)]


POD = {"spec": {"containers": [{"name": "a", "image": "i"}], "tolerations": [{"key": "a", "operator": "Exists"}]}}
CONTAINER = defaulted(core.PODS, POD)["spec"]["containers"][0]
CLAIM = {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
BOUND = {"spec": {**CLAIM["spec"], "volumeName": "v"}, "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}}}
VOLUME = {"spec": {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}, "hostPath": {"path": "/a"}}}
SERVICE = {"spec": {"ports": [{"port": 80}], "clusterIP": "10.96.0.9"}}
BINDING = {"roleRef": {"kind": "Role", "name": "r"}}
GATE = "spec.schedulingGates[0].name"
MAP = {"data": {"a": "b"}, "immutable": True}


@pytest.mark.parametrize(
    ("resource", "document", "changes", "refused"),
    [
        (core.PODS, POD, {"spec__containers__0__image": "j"}, []),
        (core.PODS, POD, {"spec__activeDeadlineSeconds": 5}, []),
        (core.PODS, POD, {"spec__tolerations": [{"key": "a", "operator": "Exists"}, {"key": "b", "operator": "Exists"}]}, []),
        (
            core.PODS,
            POD,
            {"spec__tolerations": [{"key": "a", "operator": "Exists", "tolerationSeconds": 5, "effect": "NoExecute"}]},
            ["spec.tolerations"],
        ),
        (core.PODS, POD, {"spec__tolerations": []}, ["spec.tolerations"]),
        (core.PODS, POD, {"spec__nodeName": "n"}, ["spec"]),
        (core.PODS, POD, {"spec__containers__0__command": ["x"]}, ["spec"]),
        (core.PODS, POD, {"spec__containers": [CONTAINER, {**CONTAINER, "name": "b"}]}, ["spec.containers"]),
        (core.PODS, POD, {"spec__containers": []}, ["spec.containers", "spec.containers"]),
        (core.PODS, POD, {"spec__containers__0__image": ""}, ["spec.containers[0].image"]),
        (core.PODS, POD, {"spec__schedulingGates": [{"name": "a.b/c"}]}, ["spec.schedulingGates[0].name"]),
        (core.PODS, POD, {"spec__schedulingGates": [{"name": "a"}], "spec__nodeName": "n"}, [GATE, "spec"]),
        (core.PODS, POD, {"spec__activeDeadlineSeconds": -1}, ["spec.activeDeadlineSeconds", "spec.activeDeadlineSeconds"]),
        (core.PERSISTENT_VOLUME_CLAIMS, CLAIM, {"spec__volumeName": "v"}, []),
        (core.PERSISTENT_VOLUME_CLAIMS, CLAIM, {"spec__accessModes": ["ReadOnlyMany"]}, ["spec"]),
        (core.PERSISTENT_VOLUME_CLAIMS, CLAIM, {"spec__storageClassName": "x"}, []),
        (core.PERSISTENT_VOLUME_CLAIMS, CLAIM, {"spec__volumeMode": "Block"}, ["spec", "volumeMode"]),
        (core.PERSISTENT_VOLUME_CLAIMS, CLAIM, {"spec__resources__requests__storage": "512Mi"}, ["spec"]),
        (core.PERSISTENT_VOLUME_CLAIMS, CLAIM, {"spec__resources__requests__storage": "2Gi"}, ["spec"]),
        (core.PERSISTENT_VOLUME_CLAIMS, BOUND, {"spec__resources__requests__storage": "2Gi"}, []),
        (
            core.PERSISTENT_VOLUME_CLAIMS,
            BOUND,
            {"spec__resources__requests__storage": "512Mi"},
            ["spec.resources.requests.storage"],
        ),
        (core.PERSISTENT_VOLUMES, VOLUME, {"spec__hostPath__path": "/b"}, ["spec.persistentvolumesource"]),
        (core.PERSISTENT_VOLUMES, VOLUME, {"spec__persistentVolumeReclaimPolicy": "Delete"}, []),
        (core.SERVICES, SERVICE, {"spec__clusterIP": "10.96.0.10"}, ["spec.clusterIPs[0]"]),
        (core.SERVICES, SERVICE, {"spec__ports__0__port": 81}, []),
        (core.ROLE_BINDINGS, BINDING, {"roleRef__name": "s"}, ["roleRef"]),
        (core.CONFIG_MAPS, MAP, {"data__a": "c"}, ["data"]),
        (core.CONFIG_MAPS, MAP, {"immutable": None}, ["immutable"]),
        (core.SECRETS, {"data": {}}, {"type": "x"}, ["type"]),
        (core.ENDPOINT_SLICES, {"addressType": "IPv4", "endpoints": []}, {"addressType": "IPv6"}, ["addressType"]),
    ],
)
def test_what_may_change(resource, document, changes, refused):
    assert changed(resource, document, **changes) == refused


def test_a_whole_document_is_judged_at_once():
    errors = validate(
        core.PODS,
        defaulted(
            core.PODS, {"spec": {"containers": [{"name": "A"}, {"name": "b", "image": "x", "volumeMounts": [{"name": "v"}]}]}}
        ),
    )
    assert {(error.path, error.type) for error in errors} == {
        ("spec.containers[0].name", "FieldValueInvalid"),
        ("spec.containers[0].image", "FieldValueRequired"),
        ("spec.containers[1].volumeMounts[0].name", "FieldValueNotFound"),
        ("spec.containers[1].volumeMounts[0].mountPath", "FieldValueRequired"),
    }


def test_expressions_that_cannot_be_evaluated_are_refused_not_ignored():
    crd = {
        "metadata": {"name": "boats.sea.example.com"},
        "spec": {
            "group": "sea.example.com", "scope": "Namespaced", "names": {"plural": "boats", "kind": "Boat"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {
                "type": "object", "x-kubernetes-validations": [{"rule": "self == oldSelf"}, {"rule": "self.a > 1"}]}}}],
        },
    }  # fmt: skip
    default(core.CUSTOM_RESOURCE_DEFINITIONS, crd)
    assert [error.path for error in validate(core.CUSTOM_RESOURCE_DEFINITIONS, crd)] == [
        "spec.versions[0].schema.openAPIV3Schema.x-kubernetes-validations[1].rule"
    ]


def test_a_path_without_a_type_isnt_looked_at_further():
    def told(**path):
        document = {"spec": {"rules": [{"http": {"paths": [{"path": "x", **path}]}}]}}
        return [error.path.rpartition(".")[2] for error in validate(core.INGRESSES, defaulted(core.INGRESSES, document))]

    assert told() == ["pathType"]
    assert told(pathType="Nope") == ["pathType", "backend"]
    assert told(pathType="Prefix") == ["path", "backend"]


def test_a_template_of_pods_may_name_a_node_behind_a_gate():
    spec = {"containers": [{"name": "a", "image": "b"}], "nodeName": "n", "schedulingGates": [{"name": "a.b/c"}]}
    assert validate(core.POD_TEMPLATES, defaulted(core.POD_TEMPLATES, {"template": {"spec": spec}})) == []
    assert [error.path for error in validate(core.PODS, defaulted(core.PODS, {"spec": spec}))] == ["spec.nodeName"]
