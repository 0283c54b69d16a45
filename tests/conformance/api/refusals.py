"""What the embedded server doesn't support, how one asks for it, and the words of the refusal. The README's table is made of it."""

from __future__ import annotations

from typing import Any, NamedTuple

from .widgets import definition

POD = "/api/v1/namespaces/{namespace}/pods/p"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SPDY = {"Connection": "Upgrade", "Upgrade": "SPDY/3.1"}
NOT_FOUND = "the server could not find the requested resource"


class Refusal(NamedTuple):
    """One thing that isn't there. ``{namespace}`` stands for a namespace in which the pod ``p`` is on a node."""

    what: str
    method: str
    path: str
    code: int
    message: str
    body: Any = None
    headers: dict[str, str] = {}


def refused_definition(**changes: Any) -> dict[str, Any]:
    """A definition whose one version, or whose spec, has what isn't supported."""
    made = definition("refuseds", "Refused")
    version = made["spec"]["versions"][0]
    for name, value in changes.items():
        if name == "conversion":
            made["spec"][name] = value
        elif name == "spec_schema":
            version["schema"]["openAPIV3Schema"]["properties"]["spec"] = value
            # It selects by fields that are no longer there.
            version.pop("selectableFields", None)
        else:
            made["spec"]["versions"] = [{**version, **one} for one in value]
    return made


REFUSED = 'CustomResourceDefinition.apiextensions.k8s.io "refuseds.suite.boatyard.dev" is invalid: '
WEBHOOK = {"strategy": "Webhook", "webhook": {"conversionReviewVersions": ["v1"], "clientConfig": {"url": "https://example.com"}}}
RULE = {"type": "object", "x-kubernetes-validations": [{"rule": "self.size > 1"}]}
RULE_PATH = "spec.versions[0].schema.openAPIV3Schema.properties[spec].x-kubernetes-validations[0].rule"
OLDER = [{"name": "v1beta1", "storage": False}, {"name": "v1"}]

REFUSALS = (
    Refusal(
        "exec and attach over SPDY", "POST", POD + "/exec?command=sh", 400,
        "exec is served over websockets only, not over SPDY: use kubectl 1.30 or newer, or 1.29 with "
        "KUBECTL_REMOTE_COMMAND_WEBSOCKETS=true", headers=SPDY,
    ),
    Refusal(
        "port-forward over SPDY", "POST", POD + "/portforward", 400,
        "port-forward is not served over SPDY, nor by this node: reach the pod's address, or its Service, directly", headers=SPDY,
    ),
    Refusal(
        "protobuf answers", "GET", POD, 406,
        "only the following media types are accepted: application/json, application/yaml, "
        "application/json;as=Table;v=v1;g=meta.k8s.io", headers={"Accept": "application/vnd.kubernetes.protobuf"},
    ),
    Refusal(
        "protobuf bodies of other kinds than those below", "POST", "/api/v1/namespaces/{namespace}/pods", 415,
        "protobuf is not supported for Pod (v1); send application/json or application/yaml",
        b"k8s\x00\x0a\x09\x0a\x02v1\x12\x03Pod\x12\x00", {"Content-Type": "application/vnd.kubernetes.protobuf"},
    ),
    Refusal(
        "`/openapi/v2` as JSON", "GET", "/openapi/v2", 406,
        "/openapi/v2 is served as application/com.github.proto-openapi.spec.v2.v1.0+protobuf only; use /openapi/v3",
    ),
    Refusal(
        "conversion webhooks of definitions", "POST", DEFINITIONS, 422,
        REFUSED + "spec.conversion.strategy: Forbidden: conversion by webhook is not supported",
        refused_definition(conversion=WEBHOOK),
    ),
    Refusal(
        "several served versions of a definition", "POST", DEFINITIONS, 422,
        REFUSED + "spec.versions[0].served: Forbidden: only the storage version can be served here",
        refused_definition(versions=OLDER),
    ),
    Refusal(
        "rules in CEL but for `self == oldSelf`", "POST", DEFINITIONS, 422,
        f"{REFUSED}{RULE_PATH}: Forbidden: only the rule 'self == oldSelf' is supported here", refused_definition(spec_schema=RULE),
    ),
    Refusal(
        "`proxy` of pods, services and nodes", "GET", POD + "/proxy/", 404,
        "proxy is not served here: reach the address of the pod, service or node directly",
    ),
    Refusal(
        "ephemeral containers", "PATCH", POD + "/ephemeralcontainers", 404, NOT_FOUND, {},
        {"Content-Type": "application/merge-patch+json"},
    ),
    Refusal(
        "resizing a running pod", "PATCH", POD + "/resize", 404, NOT_FOUND, {}, {"Content-Type": "application/merge-patch+json"},
    ),
    Refusal("aggregated APIs (`APIService`)", "GET", "/apis/apiregistration.k8s.io/v1/apiservices", 404, NOT_FOUND),
    Refusal(
        "admission webhooks and policies", "GET", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations", 404,
        NOT_FOUND,
    ),
    Refusal("workload kinds (Deployment, StatefulSet, Job, …)", "GET", "/apis/apps/v1/deployments", 404, NOT_FOUND),
    Refusal("disruption budgets", "GET", "/apis/policy/v1/poddisruptionbudgets", 404, NOT_FOUND),
    Refusal("quotas and limit ranges", "GET", "/api/v1/resourcequotas", 404, NOT_FOUND),
    Refusal("watches by the old addresses", "GET", "/api/v1/watch/pods", 404, NOT_FOUND),
)  # fmt: skip
