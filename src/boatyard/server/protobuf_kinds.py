"""Field numbers of the messages we read, from Kubernetes' ``generated.proto`` files."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias


class Field(NamedTuple):
    """One field of a message."""

    name: str
    """Empty: the fields of the message below stand in the one above."""
    type: str | Message
    """string, int, bool, bytes (base64 in JSON), time, strings (a list in a message of its own), int-or-string, json (a document in
    a message of its own), or a message. An int or bool with a ``?`` is left out by JSON where it is zero."""
    many: Literal["", "list", "map"] = ""

    @property
    def empty(self) -> str:
        """A map's value that was left out because it is the default."""
        return ""


Message: TypeAlias = dict[int, Field]


def _strings(*names: str) -> Message:
    """Plain string fields, numbered from 1."""
    return {number: Field(name, "string") for number, name in enumerate(names, 1)}


_OWNER: Message = {
    1: Field("kind", "string"), 3: Field("name", "string"), 4: Field("uid", "string"), 5: Field("apiVersion", "string"),
    6: Field("controller", "bool"), 7: Field("blockOwnerDeletion", "bool"),
}  # fmt: skip
_METADATA: Message = {
    **_strings("name", "generateName", "namespace", "selfLink", "uid", "resourceVersion"), 7: Field("generation", "int?"),
    8: Field("creationTimestamp", "time"), 9: Field("deletionTimestamp", "time"), 10: Field("deletionGracePeriodSeconds", "int"),
    11: Field("labels", "string", "map"), 12: Field("annotations", "string", "map"), 13: Field("ownerReferences", _OWNER, "list"),
    14: Field("finalizers", "string", "list"), 17: Field("managedFields", {
        **_strings("manager", "operation", "apiVersion"), 4: Field("time", "time"), 6: Field("fieldsType", "string"),
        7: Field("fieldsV1", "json"), 8: Field("subresource", "string"),
    }, "list"),
}  # fmt: skip
_DELETE_OPTIONS: Message = {
    1: Field("gracePeriodSeconds", "int"), 2: Field("preconditions", _strings("uid", "resourceVersion")),
    3: Field("orphanDependents", "bool"), 4: Field("propagationPolicy", "string"), 5: Field("dryRun", "string", "list"),
    6: Field("ignoreStoreReadErrorWithClusterBreakingPotential", "bool"),
}  # fmt: skip
_ACCESS: Message = {
    1: Field("resourceAttributes", _strings("namespace", "verb", "group", "version", "resource", "subresource", "name")),
    2: Field("nonResourceAttributes", _strings("path", "verb")),
}  # fmt: skip
_SUBJECT_ACCESS: Message = {
    **_ACCESS, 3: Field("user", "string"), 4: Field("groups", "string", "list"), 5: Field("extra", "strings", "map"),
    6: Field("uid", "string"),
}  # fmt: skip
_TOKEN_REQUEST: Message = {
    1: Field("audiences", "string", "list"), 3: Field("boundObjectRef", _strings("kind", "apiVersion", "name", "uid")),
    4: Field("expirationSeconds", "int"),
}  # fmt: skip
_REFERENCE = _strings("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
_RULE: Message = {
    number: Field(name, "string", "list")
    for number, name in enumerate(("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs"), 1)
}
_SUBJECT = _strings("kind", "apiGroup", "name", "namespace")
_ROLE_REF = _strings("apiGroup", "kind", "name")
_ALLOWED = Field("status", {
    1: Field("allowed", "bool"), 2: Field("reason", "string"), 3: Field("evaluationError", "string"), 4: Field("denied", "bool"),
})  # fmt: skip
_USER = Field("userInfo", _strings("username", "uid"))
_RULES_STATUS = Field("status", {
    1: Field("resourceRules", {number: field for number, field in _RULE.items() if number < 5}, "list"),
    2: Field("nonResourceRules", {1: _RULE[1], 2: _RULE[5]}, "list"), 3: Field("incomplete", "bool"),
    4: Field("evaluationError", "string"),
})  # fmt: skip
_SELECTOR: Message = {1: Field("matchLabels", "string", "map"), 2: Field("matchExpressions", {
    1: Field("key", "string"), 2: Field("operator", "string"), 3: Field("values", "string", "list"),
}, "list")}  # fmt: skip
_LOAD_BALANCER = Field("loadBalancer", {1: Field("ingress", _strings("ip", "hostname", "ipMode"), "list")})
_SERVICE_SPEC: Message = {
    1: Field("ports", {
        **_strings("name", "protocol"), 3: Field("port", "int"), 4: Field("targetPort", "int-or-string"),
        5: Field("nodePort", "int?"), 6: Field("appProtocol", "string"),
    }, "list"),
    2: Field("selector", "string", "map"), 3: Field("clusterIP", "string"), 4: Field("type", "string"),
    5: Field("externalIPs", "string", "list"), 7: Field("sessionAffinity", "string"), 8: Field("loadBalancerIP", "string"),
    9: Field("loadBalancerSourceRanges", "string", "list"), 10: Field("externalName", "string"),
    11: Field("externalTrafficPolicy", "string"), 12: Field("healthCheckNodePort", "int?"),
    13: Field("publishNotReadyAddresses", "bool?"), 14: Field("sessionAffinityConfig", {
        1: Field("clientIP", {1: Field("timeoutSeconds", "int")}),
    }),
    17: Field("ipFamilyPolicy", "string"), 18: Field("clusterIPs", "string", "list"), 19: Field("ipFamilies", "string", "list"),
    20: Field("allocateLoadBalancerNodePorts", "bool"), 21: Field("loadBalancerClass", "string"),
    22: Field("internalTrafficPolicy", "string"), 23: Field("trafficDistribution", "string"),
}  # fmt: skip
_BACKEND: Message = {
    3: Field("resource", _strings("apiGroup", "kind", "name")),
    4: Field("service", {1: Field("name", "string"), 2: Field("port", {1: Field("name", "string"), 2: Field("number", "int?")})}),
}  # fmt: skip
_PATH: Message = {1: Field("path", "string"), 2: Field("backend", _BACKEND), 3: Field("pathType", "string")}
_INGRESS_SPEC: Message = {
    1: Field("defaultBackend", _BACKEND),
    2: Field("tls", {1: Field("hosts", "string", "list"), 2: Field("secretName", "string")}, "list"),
    3: Field("rules", {1: Field("host", "string"), 2: Field("", {1: Field("http", {1: Field("paths", _PATH, "list")})})}, "list"),
    4: Field("ingressClassName", "string"),
}  # fmt: skip
_SIGNING_SPEC: Message = {
    1: Field("request", "bytes"), 2: Field("username", "string"), 3: Field("uid", "string"), 4: Field("groups", "string", "list"),
    5: Field("usages", "string", "list"), 6: Field("extra", "strings", "map"), 7: Field("signerName", "string"),
    8: Field("expirationSeconds", "int"),
}  # fmt: skip
_SIGNING_STATUS: Message = {
    1: Field("conditions", {
        **_strings("type", "reason", "message"), 4: Field("lastUpdateTime", "time"), 5: Field("lastTransitionTime", "time"),
        6: Field("status", "string"),
    }, "list"),
    2: Field("certificate", "bytes"),
}  # fmt: skip
_TOKEN_STATUS = Field("status", {1: Field("token", "string"), 2: Field("expirationTimestamp", "time")})


def _object(**fields: Field) -> Message:
    """An object: metadata is field 1, ``_N`` names the number of another."""
    return {1: Field("metadata", _METADATA), **{int(number[1:]): field for number, field in fields.items()}}


_BINDING = _object(_2=Field("subjects", _SUBJECT, "list"), _3=Field("roleRef", _ROLE_REF))

KINDS: dict[str, Message] = {
    "DeleteOptions": _DELETE_OPTIONS,
    "Eviction": _object(_2=Field("deleteOptions", _DELETE_OPTIONS)),
    "SelfSubjectAccessReview": _object(_2=Field("spec", _ACCESS), _3=_ALLOWED),
    "SubjectAccessReview": _object(_2=Field("spec", _SUBJECT_ACCESS), _3=_ALLOWED),
    "LocalSubjectAccessReview": _object(_2=Field("spec", _SUBJECT_ACCESS), _3=_ALLOWED),
    "SelfSubjectRulesReview": _object(_2=Field("spec", _strings("namespace")), _3=_RULES_STATUS),
    "SelfSubjectReview": _object(_2=Field("status", {1: _USER})),
    "TokenReview": _object(_2=Field("spec", {1: Field("token", "string"), 2: Field("audiences", "string", "list")})),
    "TokenRequest": _object(_2=Field("spec", _TOKEN_REQUEST), _3=_TOKEN_STATUS),
    "Namespace": _object(
        _2=Field("spec", {1: Field("finalizers", "string", "list")}), _3=Field("status", _strings("phase")),
    ),
    "ConfigMap": _object(
        _2=Field("data", "string", "map"), _3=Field("binaryData", "bytes", "map"), _4=Field("immutable", "bool"),
    ),
    "Secret": _object(
        _2=Field("data", "bytes", "map"), _3=Field("type", "string"), _4=Field("stringData", "string", "map"),
        _5=Field("immutable", "bool"),
    ),
    "ServiceAccount": _object(
        _2=Field("secrets", _REFERENCE, "list"), _3=Field("imagePullSecrets", _strings("name"), "list"),
        _4=Field("automountServiceAccountToken", "bool"),
    ),
    "Role": _object(_2=Field("rules", _RULE, "list")),
    "ClusterRole": _object(
        _2=Field("rules", _RULE, "list"), _3=Field("aggregationRule", {1: Field("clusterRoleSelectors", _SELECTOR, "list")}),
    ),
    "RoleBinding": _BINDING,
    "ClusterRoleBinding": _BINDING,
    "Service": _object(_2=Field("spec", _SERVICE_SPEC), _3=Field("status", {1: _LOAD_BALANCER})),
    "Ingress": _object(_2=Field("spec", _INGRESS_SPEC), _3=Field("status", {1: _LOAD_BALANCER})),
    "Binding": _object(_2=Field("target", _REFERENCE)),
    "CertificateSigningRequest": _object(_2=Field("spec", _SIGNING_SPEC), _3=Field("status", _SIGNING_STATUS)),
}  # fmt: skip
"""By kind: the groups and versions that Kubernetes has of these are the same on the wire."""
