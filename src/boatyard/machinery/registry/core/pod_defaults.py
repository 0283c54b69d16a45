"""What a pod's spec means where it says nothing (Kubernetes' ``core/v1/defaults.go``)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal

from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.quantity import format_quantity, parse_quantity

FILE_MODE = 0o644
"""Mode of the files of secrets, config maps, projections."""
_MILLI = Decimal("0.001")
"""Resources of containers aren't counted more finely."""
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
    _where_empty(spec, _OF_SPEC)
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("securityContext", {})
    if account := spec.get("serviceAccountName") or spec.get("serviceAccount"):
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    for container in containers_of(spec):
        _default_container(container, bool(spec.get("hostNetwork")))
    for volume in spec.get("volumes") or ():
        if isinstance(volume, dict):
            _default_volume(volume)


def _where_empty(obj: Object, meant: tuple[tuple[str, str], ...]) -> None:
    """An empty text says as little as none."""
    for name, value in meant:
        if not obj.get(name):
            obj[name] = value


_OF_SPEC = (("restartPolicy", "Always"), ("dnsPolicy", "ClusterFirst"), ("schedulerName", "default-scheduler"))
_OF_CONTAINER = (("terminationMessagePath", "/dev/termination-log"), ("terminationMessagePolicy", "File"))


def _default_container(container: Object, host_network: bool) -> None:
    _where_empty(container, _OF_CONTAINER)
    if not container.get("imagePullPolicy"):
        container["imagePullPolicy"] = "Always" if _is_latest(container.get("image", "")) else "IfNotPresent"
    resources = container.setdefault("resources", {})
    for side in ("limits", "requests"):
        for name, amount in (resources.get(side) or {}).items():
            if isinstance(amount, str) and amount[-1:] in ("u", "n"):
                resources[side][name] = format_quantity(parse_quantity(amount).quantize(_MILLI, ROUND_CEILING))
    if isinstance(limits := resources.get("limits"), dict):
        requests = resources.setdefault("requests", {})
        for name, amount in limits.items():
            requests.setdefault(name, amount)
    for port in container.get("ports") or ():
        if not port.get("protocol"):
            port["protocol"] = "TCP"
        if host_network and "containerPort" in port:
            port.setdefault("hostPort", port["containerPort"])
    for variable in container.get("env") or ():
        if source := variable.get("valueFrom"):
            _default_references(source)
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


def _default_references(source: Object) -> None:
    """To a field, or a resource, of the pod."""
    if isinstance(field := source.get("fieldRef"), dict) and not field.get("apiVersion"):
        field["apiVersion"] = "v1"
    if isinstance(resource := source.get("resourceFieldRef"), dict):
        resource.setdefault("divisor", "0")


def _default_volume(volume: Object) -> None:
    if not volume.keys() - {"name"}:
        volume["emptyDir"] = {}
    for kind in _VOLUMES_WITH_MODE:
        if isinstance(source := volume.get(kind), dict):
            source.setdefault("defaultMode", FILE_MODE)
    if isinstance(path := volume.get("hostPath"), dict):
        path.setdefault("type", "")
    for item in (volume.get("downwardAPI") or {}).get("items") or ():
        _default_references(item)
    for source in (volume.get("projected") or {}).get("sources") or ():
        if isinstance(token := source.get("serviceAccountToken"), dict):
            token.setdefault("expirationSeconds", 3600)
        for item in (source.get("downwardAPI") or {}).get("items") or ():
            _default_references(item)
    template = (volume.get("ephemeral") or {}).get("volumeClaimTemplate")
    if isinstance(template, dict):
        template.setdefault("metadata", {})
        template.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")


def qos_class(spec: Object) -> str:
    """Guaranteed, Burstable or BestEffort, by the requests and limits for CPU and memory: the pod's, or else the containers'."""
    requests: set[str] = set()
    guaranteed = True
    whole = spec.get("resources")
    for resources in [whole] if whole else [container.get("resources") or {} for container in containers_of(spec)]:
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
