#!/usr/bin/env python3
"""Take the structure of Kubernetes' own kinds out of a running kube-apiserver.

    KUBECONFIG=… tools/extract_core.py [--kubectl PROGRAM] [--output FILE]

Reads the OpenAPI v3 documents of the groups that Boatyard serves, follows references from the kinds it serves, and keeps structure
only: types, formats, enums, required fields, list types, merge keys and strategies, defaults other than zero values. Descriptions
are Kubernetes' prose and are left out. One definition per line, sorted, so that the difference between two releases can be read.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path
from typing import Any

OUTPUT = Path(__file__).parent.parent / "src/boatyard/machinery/registry/core/types.json"

KINDS = {
    "api/v1": [
        "Binding", "ConfigMap", "DeleteOptions", "Event", "Namespace", "Node", "PersistentVolume", "PersistentVolumeClaim", "Pod",
        "PodTemplate", "Secret", "Service", "ServiceAccount", "Status",
    ],
    "apis/apiextensions.k8s.io/v1": ["CustomResourceDefinition"],
    "apis/authentication.k8s.io/v1": ["SelfSubjectReview", "TokenReview"],
    "apis/authorization.k8s.io/v1": [
        "LocalSubjectAccessReview", "SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview",
    ],
    "apis/certificates.k8s.io/v1": ["CertificateSigningRequest"],
    "apis/coordination.k8s.io/v1": ["Lease"],
    "apis/discovery.k8s.io/v1": ["EndpointSlice"],
    "apis/networking.k8s.io/v1": ["Ingress"],
    "apis/rbac.authorization.k8s.io/v1": ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
}  # fmt: skip
SUBRESOURCES = {
    "api/v1": ["io.k8s.api.authentication.v1.TokenRequest", "io.k8s.api.policy.v1.Eviction"],
    "apis/apps/v1": ["io.k8s.api.autoscaling.v1.Scale"],
}
"""Kinds that only a subresource takes, where their schemas are found."""

KEPT = ("type", "format", "enum", "required", "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type",
        "x-kubernetes-patch-merge-key", "x-kubernetes-patch-strategy", "x-kubernetes-group-version-kind")  # fmt: skip
SCALARS: dict[str, dict[str, Any]] = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"format": "quantity", "oneOf": [{"type": "string"}, {"type": "number"}]},
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {
        "format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}],
    },
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": {"type": "string", "format": "time"},
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": {"type": "string", "format": "micro-time"},
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    "io.k8s.apimachinery.pkg.runtime.RawExtension": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON": {"x-kubernetes-preserve-unknown-fields": True},
}  # fmt: skip
"""Definitions that are one value: put where they are used."""
NULLS = {
    "apiextensions.v1.CustomResourceDefinitionStatus": ("conditions", "storedVersions"),
    "apiextensions.v1.CustomResourceDefinitionCondition": ("lastTransitionTime",),
    "certificates.v1.CertificateSigningRequestCondition": ("lastTransitionTime", "lastUpdateTime"),
    "discovery.v1.EndpointSlice": ("ports",),
    "rbac.v1.ClusterRole": ("rules",),
    "rbac.v1.Role": ("rules",),
    "v1.Condition": ("lastTransitionTime",),
    "v1.ContainerStateRunning": ("startedAt",),
    "v1.ContainerStateTerminated": ("finishedAt", "startedAt"),
    "v1.Event": ("eventTime", "firstTimestamp", "lastTimestamp"),
    "v1.EventSeries": ("lastObservedTime",),
    "v1.NamespaceCondition": ("lastTransitionTime",),
    "v1.NodeCondition": ("lastHeartbeatTime", "lastTransitionTime"),
    "v1.PersistentVolumeClaimCondition": ("lastProbeTime", "lastTransitionTime"),
    "v1.PodCondition": ("lastProbeTime", "lastTransitionTime"),
}
"""Times and lists that are always written, as null when they aren't set, which OpenAPI doesn't tell."""
EMPTY_TEXTS = {"v1.Event": ("reportingComponent", "reportingInstance")}
"""Texts that are always written, which OpenAPI doesn't tell either."""
WRITTEN = "x-boatyard-written"
"""Members that Go's encoder writes even when nobody set them -> what it writes then."""
OMITTED = "x-boatyard-omitted"
"""Members that Go's encoder leaves out when they are empty texts, zero or false: those that aren't pointers."""
OMITTING = {
    "apiextensions.v1.CustomResourceColumnDefinition": ("description", "format", "priority"),
    "apiextensions.v1.CustomResourceDefinitionCondition": ("message", "reason"),
    "apiextensions.v1.CustomResourceDefinitionNames": ("listKind", "singular"),
    "apiextensions.v1.CustomResourceDefinitionSpec": ("preserveUnknownFields",),
    "apiextensions.v1.CustomResourceDefinitionVersion": ("deprecated",),
    "apiextensions.v1.ExternalDocumentation": ("description", "url"),
    "apiextensions.v1.JSONSchemaProps": (
        "$schema", "description", "exclusiveMaximum", "exclusiveMinimum", "format", "id", "nullable", "pattern", "title", "type",
        "uniqueItems", "x-kubernetes-embedded-resource", "x-kubernetes-int-or-string",
    ),
    "apiextensions.v1.ValidationRule": ("fieldPath", "message", "messageExpression"),
    "networking.v1.HTTPIngressPath": ("path",),
    "networking.v1.IngressRule": ("host",),
    "networking.v1.IngressTLS": ("secretName",),
    "networking.v1.ServiceBackendPort": ("name", "number"),
    "rbac.v1.Subject": ("apiGroup", "namespace"),
    "v1.ConfigMapEnvSource": ("name",),
    "v1.ConfigMapKeySelector": ("name",),
    "v1.ConfigMapProjection": ("name",),
    "v1.ConfigMapVolumeSource": ("name",),
    "v1.Container": ("stdin", "stdinOnce", "tty", "workingDir"),
    "v1.ContainerPort": ("hostIP", "hostPort", "name"),
    "v1.EmptyDirVolumeSource": ("medium",),
    "v1.EnvFromSource": ("prefix",),
    "v1.EnvVar": ("value",),
    "v1.Event": ("action", "count", "message", "reason", "type"),
    "v1.EventSource": ("component", "host"),
    "v1.HTTPGetAction": ("host",),
    "v1.LocalObjectReference": ("name",),
    "v1.NFSVolumeSource": ("readOnly",),
    "v1.NodeCondition": ("message", "reason"),
    "v1.NodeSpec": ("externalID", "podCIDR", "providerID", "unschedulable"),
    "v1.NodeStatus": ("phase",),
    "v1.ObjectReference": ("apiVersion", "fieldPath", "kind", "name", "namespace", "resourceVersion", "uid"),
    "v1.PersistentVolumeClaimSpec": ("volumeName",),
    "v1.PersistentVolumeClaimVolumeSource": ("readOnly",),
    "v1.PersistentVolumeSpec": ("storageClassName",),
    "v1.PodSpec": (
        "hostIPC", "hostNetwork", "hostPID", "hostname", "nodeName", "priorityClassName", "serviceAccount", "serviceAccountName",
        "subdomain",
    ),
    "v1.Probe": ("initialDelaySeconds",),
    "v1.ResourceFieldSelector": ("containerName",),
    "v1.SELinuxOptions": ("level", "role", "type", "user"),
    "v1.SecretEnvSource": ("name",),
    "v1.SecretKeySelector": ("name",),
    "v1.SecretProjection": ("name",),
    "v1.ServiceAccountTokenProjection": ("audience",),
    "v1.ServicePort": ("name", "nodePort"),
    "v1.ServiceSpec": (
        "externalName", "externalTrafficPolicy", "healthCheckNodePort", "loadBalancerIP", "publishNotReadyAddresses",
    ),
    "v1.TCPSocketAction": ("host",),
    "v1.Taint": ("value",),
    "v1.Toleration": ("effect", "key", "value"),
    "v1.VolumeMount": ("readOnly", "subPath", "subPathExpr"),
}  # fmt: skip
"""Which these are, which OpenAPI doesn't tell: tried on a kube-apiserver."""
DEFAULTS = {"v1.LocalObjectReference": ("name",)}
"""Members whose default is an empty text and counts: an item of a keyed list may lack it."""
OPEN = ("JSONSchemaPropsOrBool", "JSONSchemaPropsOrArray", "JSONSchemaPropsOrStringArray")


def short(reference: str) -> str:
    """``v1.Pod`` for core and meta types, ``rbac.v1.Role`` for the others."""
    *package, version, kind = reference.rpartition("/")[2].split(".")
    return f"{version}.{kind}" if package[-1] in ("core", "meta") else f"{package[-1]}.{version}.{kind}"


def trim(schema: dict[str, Any], used: set[str]) -> dict[str, Any]:
    """The structure of a schema; references go into ``used``."""
    if "allOf" in schema and len(schema["allOf"]) == 1:
        schema = {**schema, **schema["allOf"][0]}
    reference = schema.get("$ref", "").rpartition("/")[2]
    kept = {key: schema[key] for key in KEPT if key in schema}
    if schema.get("default") not in (None, "", 0, False, {}, []):
        kept["default"] = schema["default"]
    if reference in SCALARS:
        return kept | SCALARS[reference]
    if reference.endswith(OPEN):
        return kept | {"x-kubernetes-preserve-unknown-fields": True}
    if reference:
        used.add(reference)
        return kept | {"$ref": short(reference)}
    if "properties" in schema:
        kept["properties"] = {name: trim(child, used) for name, child in sorted(schema["properties"].items())}
        if always := written(schema):
            kept[WRITTEN] = always
    if "items" in schema:
        kept["items"] = trim(schema["items"], used)
    if isinstance(schema.get("additionalProperties"), dict):
        kept["additionalProperties"] = trim(schema["additionalProperties"], used)
    return kept


def written(schema: dict[str, Any]) -> dict[str, Any]:
    """What of a type is always written: structs, scalars and lists that are no pointers and may not be left out."""
    found: dict[str, Any] = {}
    for name, child in schema["properties"].items():
        references = [part.get("$ref", "").rpartition("/")[2] for part in (child, *child.get("allOf", ()))]
        zero = child.get("default")
        if any(reference in SCALARS for reference in references):
            continue
        required = name in schema.get("required", ())
        if zero == {} or (required and zero in ("", 0, False)):
            found[name] = zero
        elif required and child.get("type") == "array":
            found[name] = None
    return found


def served(schema: dict[str, Any], kind: str, path: str) -> bool:
    group, _, version = path.rpartition("/")
    group = "" if group == "api" else group.removeprefix("apis/")
    return {"group": group, "kind": kind, "version": version} in schema.get("x-kubernetes-group-version-kind", ())


def extract(documents: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Short name -> trimmed schema, of the kinds and all that they refer to."""
    schemas = {name: schema for document in documents.values() for name, schema in document["components"]["schemas"].items()}
    wanted = {name for names in SUBRESOURCES.values() for name in names}
    for path, kinds in KINDS.items():
        for kind in kinds:
            names = {name for name, schema in documents[path]["components"]["schemas"].items() if served(schema, kind, path)}
            if not names:
                raise SystemExit(f"{path} has no {kind}")
            wanted |= names
    found: dict[str, dict[str, Any]] = {}
    done: set[str] = set()
    while todo := sorted(wanted - done):
        for name in todo:
            done.add(name)
            if short(name) in found:
                raise SystemExit(f"two definitions would be called {short(name)}")
            found[short(name)] = trim(schemas[name], wanted)
    for name, members in NULLS.items():
        found[name].setdefault(WRITTEN, {}).update(dict.fromkeys(members))
    for name, members in EMPTY_TEXTS.items():
        found[name].setdefault(WRITTEN, {}).update(dict.fromkeys(members, ""))
    for name, members in OMITTING.items():
        found[name][OMITTED] = list(members)
    for name, members in DEFAULTS.items():
        for member in members:
            found[name]["properties"][member]["default"] = ""
    for name in ("v1.Status", "v1.DeleteOptions"):
        found[name].pop("x-kubernetes-group-version-kind", None)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kubectl", default="kubectl")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args()

    def read(path: str) -> dict[str, Any]:
        return json.loads(subprocess.run([options.kubectl, "get", "--raw", path], check=True, capture_output=True).stdout)

    documents = {path: read(f"/openapi/v3/{path}") for path in sorted({*KINDS, *SUBRESOURCES})}
    found = extract(documents)
    lines = [f"{json.dumps(name)}:{json.dumps(found[name], separators=(',', ':'), sort_keys=True)}" for name in sorted(found)]
    options.output.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{len(found)} definitions of Kubernetes {read('/version')['gitVersion']} in {options.output}")


if __name__ == "__main__":
    main()
