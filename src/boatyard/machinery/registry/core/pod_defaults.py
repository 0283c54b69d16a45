"""What a pod's spec means where it says nothing (Kubernetes' ``core/v1/defaults.go``)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from boatyard.machinery.meta.objects import Object

FILE_MODE = 0o644
"""Mode of the files of secrets, config maps, projections."""
_VOLUMES_WITH_MODE = ("secret", "configMap", "downwardAPI", "projected")
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[A-Za-z0-9](?:[-A-Za-z0-9.]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::\d+)?"
_IMAGE = re.compile(
    rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*(?::(?P<tag>\w[\w.-]{{0,127}}))?(?P<digest>@[A-Za-z][\w+.-]*:[0-9a-fA-F]{{32,}})?", re.ASCII
)
"""The grammar of container images' references."""
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def containers_of(spec: Object) -> Iterator[Object]:
    """Every container: first those that initialise, then the others."""
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        yield from (container for container in spec.get(kind) or () if isinstance(container, dict))


def default_pod_spec(spec: Object) -> None:
    """Fill in, in place, what holds for pods and for templates of pods."""
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("securityContext", {})
    spec.setdefault("schedulerName", "default-scheduler")
    if account := spec.get("serviceAccountName") or spec.get("serviceAccount"):
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    for container in containers_of(spec):
        _default_container(container, bool(spec.get("hostNetwork")))
    for volume in spec.get("volumes") or ():
        if isinstance(volume, dict):
            _default_volume(volume)


def _default_container(container: Object, host_network: bool) -> None:
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    container.setdefault("imagePullPolicy", "Always" if _is_latest(container.get("image", "")) else "IfNotPresent")
    resources = container.setdefault("resources", {})
    if isinstance(limits := resources.get("limits"), dict):
        requests = resources.setdefault("requests", {})
        for name, amount in limits.items():
            requests.setdefault(name, amount)
    for port in container.get("ports") or ():
        port.setdefault("protocol", "TCP")
        if host_network and "containerPort" in port:
            port.setdefault("hostPort", port["containerPort"])
    for variable in container.get("env") or ():
        _default_field_reference((variable.get("valueFrom") or {}).get("fieldRef"))
    for name in _PROBES:
        if isinstance(probe := container.get(name), dict):
            _default_probe(probe)
    for handler in (container.get("lifecycle") or {}).values():
        if isinstance(handler, dict):
            _default_http_get(handler)


def _is_latest(image: str) -> bool:
    """Whether it names what may be another image tomorrow. What is no reference to an image at all names nothing."""
    found = _IMAGE.fullmatch(image)
    return found is not None and not found["digest"] and found["tag"] in (None, "latest")


def _default_probe(probe: Object) -> None:
    for name, value in (("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)):
        if not probe.get(name):
            probe[name] = value
    _default_http_get(probe)
    if isinstance(grpc := probe.get("grpc"), dict):
        grpc.setdefault("service", "")


def _default_http_get(handler: Object) -> None:
    if isinstance(get := handler.get("httpGet"), dict):
        for name, value in (("path", "/"), ("scheme", "HTTP")):
            if not get.get(name):
                get[name] = value


def _default_field_reference(reference: Object | None) -> None:
    if isinstance(reference, dict) and not reference.get("apiVersion"):
        reference["apiVersion"] = "v1"


def _default_volume(volume: Object) -> None:
    if not volume.keys() - {"name"}:
        volume["emptyDir"] = {}
    for kind in _VOLUMES_WITH_MODE:
        if isinstance(source := volume.get(kind), dict):
            source.setdefault("defaultMode", FILE_MODE)
    if isinstance(path := volume.get("hostPath"), dict):
        path.setdefault("type", "")
    for item in (volume.get("downwardAPI") or {}).get("items") or ():
        _default_field_reference(item.get("fieldRef"))
    for source in (volume.get("projected") or {}).get("sources") or ():
        if isinstance(token := source.get("serviceAccountToken"), dict):
            token.setdefault("expirationSeconds", 3600)
        for item in (source.get("downwardAPI") or {}).get("items") or ():
            _default_field_reference(item.get("fieldRef"))
    claim = ((volume.get("ephemeral") or {}).get("volumeClaimTemplate") or {}).get("spec")
    if isinstance(claim, dict):
        claim.setdefault("volumeMode", "Filesystem")


def qos_class(spec: Object) -> str:
    """Guaranteed, Burstable or BestEffort, by the containers' requests and limits for CPU and memory."""
    requests: set[str] = set()
    guaranteed = True
    for container in containers_of(spec):
        resources = container.get("resources") or {}
        asked, limits = resources.get("requests") or {}, resources.get("limits") or {}
        for name in ("cpu", "memory"):
            amount = asked.get(name, limits.get(name))
            if amount not in (None, "0", 0):
                requests.add(name)
            if limits.get(name) in (None, "0", 0) or amount != limits[name]:
                guaranteed = False
    if not requests:
        return "BestEffort"
    return "Guaranteed" if guaranteed else "Burstable"
