"""Rules for roles, bindings, certificate requests and leases that their types don't hold."""

from __future__ import annotations

from collections.abc import Iterator

from boatyard.machinery.meta import names
from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import invalid, invalid_each, required, unsupported
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry.core.label_selectors import validate_label_selector

_GROUP = "rbac.authorization.k8s.io"


def validate_role(obj: Object, old: Object | None) -> Iterator[FieldError]:
    """A Role or ClusterRole."""
    cluster = obj.get("kind") == "ClusterRole"
    aggregated: Object | None = obj.get("aggregationRule")
    selectors = (aggregated or {}).get("clusterRoleSelectors") or []
    if aggregated is not None and not selectors:
        told = "at least one clusterRoleSelector required if aggregationRule is non-nil"
        yield required("aggregationRule.clusterRoleSelectors", told)
    for index, selector in enumerate(selectors):
        at = f"aggregationRule.clusterRoleSelectors[{index}]"
        wrong = list(validate_label_selector(selector, at))
        yield from wrong
        if wrong:
            yield invalid(at, None, "invalid label selector.")
    for index, rule in enumerate(obj.get("rules") or ()):
        at = f"rules[{index}]"
        if not rule.get("verbs"):
            yield required(f"{at}.verbs", "verbs must contain at least one value")
        if urls := rule.get("nonResourceURLs"):
            if not cluster:
                yield invalid(f"{at}.nonResourceURLs", urls, "namespaced rules cannot apply to non-resource URLs")
            if rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
                yield invalid(f"{at}.nonResourceURLs", urls, "rules cannot apply to both regular resources and non-resource URLs")
            continue
        if not rule.get("apiGroups"):
            yield required(f"{at}.apiGroups", "resource rules must supply at least one api group")
        if not rule.get("resources"):
            yield required(f"{at}.resources", "resource rules must supply at least one resource")


def validate_role_binding(obj: Object, old: Object | None) -> Iterator[FieldError]:
    """A RoleBinding or ClusterRoleBinding."""
    reference = obj.get("roleRef") or {"apiGroup": _GROUP}
    kinds = ("ClusterRole",) if obj.get("kind") == "ClusterRoleBinding" else ("Role", "ClusterRole")
    if reference.get("apiGroup") != _GROUP:
        yield unsupported("roleRef.apiGroup", reference.get("apiGroup", ""), (_GROUP,))
    if reference.get("kind") not in kinds:
        yield unsupported("roleRef.kind", reference.get("kind", ""), kinds)
    if not reference.get("name"):
        yield required("roleRef.name")
    else:
        yield from invalid_each("roleRef.name", reference["name"], names.path_segment(reference["name"]))
    for index, subject in enumerate(obj.get("subjects") or ()):
        yield from _subject(subject, f"subjects[{index}]", obj.get("kind") == "ClusterRoleBinding")
    if old is not None and old.get("roleRef") != obj.get("roleRef"):
        yield invalid("roleRef", reference, "cannot change roleRef")


def _subject(subject: Object, at: str, cluster: bool) -> Iterator[FieldError]:
    kind, group = subject.get("kind", ""), subject.get("apiGroup") or ""
    if not subject.get("name"):
        yield required(f"{at}.name")
    if kind == "ServiceAccount":
        if name := subject.get("name"):
            yield from invalid_each(f"{at}.name", name, names.dns1123_subdomain(name))
        if group:
            yield unsupported(f"{at}.apiGroup", group, ("",))
        if cluster and not subject.get("namespace"):
            yield required(f"{at}.namespace")
    elif kind in ("User", "Group"):
        if group != _GROUP:
            yield unsupported(f"{at}.apiGroup", group, (_GROUP,))
    else:
        yield unsupported(f"{at}.kind", kind, ("ServiceAccount", "User", "Group"))


def validate_signing_request(obj: Object, old: Object | None) -> Iterator[FieldError]:
    """A CertificateSigningRequest."""
    spec = obj.get("spec") or {}
    if not spec.get("request"):
        yield invalid("spec.request", "", "PEM block type must be CERTIFICATE REQUEST")
    if not spec.get("usages"):
        yield required("spec.usages", "usages must be provided")
    signer = spec.get("signerName", "")
    if not signer:
        yield required("spec.signerName")
    elif "/" not in signer:
        yield invalid("spec.signerName", signer, "must be a fully qualified domain and path of the form 'example.com/signer-name'")
    seconds = spec.get("expirationSeconds")
    if seconds is not None and seconds < 600:
        yield invalid("spec.expirationSeconds", seconds, "may not specify a duration less than 600 seconds (10 minutes)")
    if old is not None:
        before = old.get("spec") or {}
        for field in ("request", "signerName", "usages", "expirationSeconds"):
            if spec.get(field) != before.get(field):
                yield invalid(f"spec.{field}", spec.get(field), "field is immutable")


def validate_lease(obj: Object, old: Object | None) -> Iterator[FieldError]:
    """A Lease."""
    spec = obj.get("spec") or {}
    if (seconds := spec.get("leaseDurationSeconds")) is not None and seconds <= 0:
        yield invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0")
    if (count := spec.get("leaseTransitions")) is not None and count < 0:
        yield invalid("spec.leaseTransitions", count, "must be greater than or equal to 0")
