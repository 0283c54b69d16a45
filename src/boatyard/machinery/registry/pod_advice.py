"""What whoever makes a pod is told although it is taken (Kubernetes' ``pkg/api/pod/warnings.go``)."""

from __future__ import annotations

from collections.abc import Iterator

from boatyard.machinery.meta import names
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.quantity import parse_quantity
from boatyard.machinery.meta.quoting import quoted
from boatyard.machinery.registry.address_advice import plain_ip
from boatyard.machinery.registry.core.affinity import PREFERRED, REQUIRED
from boatyard.machinery.registry.core.profile_annotations import SECCOMP_CONTAINER, SECCOMP_POD

_NODE_LABELS = {
    "beta.kubernetes.io/arch": ("v1.14", "kubernetes.io/arch"),
    "beta.kubernetes.io/os": ("v1.14", "kubernetes.io/os"),
    "failure-domain.beta.kubernetes.io/region": ("v1.17", "topology.kubernetes.io/region"),
    "failure-domain.beta.kubernetes.io/zone": ("v1.17", "topology.kubernetes.io/zone"),
    "beta.kubernetes.io/instance-type": ("v1.17", "node.kubernetes.io/instance-type"),
}
"""Labels that nodes once had, since when they have another, and which."""
_NO_SELECTOR = "a null labelSelector results in matching no pod"
_VOLUMES = {
    "gitRepo": ("gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
    "photonPersistentDisk": ("photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    "scaleIO": ("scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    "flocker": ("flocker", "deprecated in v1.22, non-functional in v1.25+"),
    "quobyte": ("quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    "storageos": ("storageOS", "deprecated in v1.22, non-functional in v1.25+"),
    "glusterfs": ("glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    "cephfs": ("cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    "rbd": ("rbd", "deprecated in v1.28, non-functional in v1.31+"),
}
"""Kinds of volumes that nothing mounts any more: what they are called, and since when."""
_ANNOTATIONS = {
    "scheduler.alpha.kubernetes.io/critical-pod": ("v1.16+", "priorityClassName"),
    "security.alpha.kubernetes.io/sysctls": ("v1.11+", "sysctls"),
    "security.alpha.kubernetes.io/unsafe-sysctls": ("v1.11+", "sysctls"),
}
"""Annotations whose place a field has taken: since when, and which."""
_IN_BYTES = ("memory", "ephemeral-storage")


def volume_advice(source: Object) -> Iterator[str]:
    """Of the ``spec`` of a volume: what nothing mounts any more. Of those that went together with their makers nothing is said."""
    for kind, (called, since) in _VOLUMES.items():
        if source.get(kind) is not None and kind not in ("flocker", "gitRepo", "quobyte"):
            yield f"spec.{called}: {since}"


def pod_advice(obj: Object) -> Iterator[str]:
    """Of a new pod."""
    spec, metadata = obj.get("spec") or {}, obj["metadata"]
    if wrong := names.dns1123_label(metadata.get("name", "")):
        told = "this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended"
        yield f"metadata.name: {told}: [{' '.join(wrong)}]"
    yield from _annotations(metadata, "metadata", spec)
    yield from spec_advice(spec)


def template_advice(template: Object) -> Iterator[str]:
    """Of a template of pods."""
    spec = template.get("spec") or {}
    yield from _annotations(template.get("metadata") or {}, "template.metadata", spec)
    yield from spec_advice(spec, "template.spec")
    if spec.get("terminationGracePeriodSeconds", 0) < 0:
        told = "must be >= 0; negative values are invalid and will be treated as 1"
        yield f"template.spec.terminationGracePeriodSeconds: {told}"


def _annotations(metadata: Object, at: str, spec: Object) -> Iterator[str]:
    for key in metadata.get("annotations") or ():
        since, instead = _ANNOTATIONS.get(key, ("", ""))
        if _names_seccomp(key, spec):
            since, instead = "v1.27+", "seccompProfile"
        if instead:
            yield f'{at}.annotations[{key}]: non-functional in {since}; use the "{instead}" field instead'


def _names_seccomp(key: str, spec: Object) -> bool:
    """Whether an annotation names a profile that no field does."""
    if key == SECCOMP_POD:
        return not (spec.get("securityContext") or {}).get("seccompProfile")
    if not key.startswith(SECCOMP_CONTAINER):
        return False
    name = key.removeprefix(SECCOMP_CONTAINER)
    named = (container for kind in ("initContainers", "containers") for container in spec.get(kind) or ())
    return any(one.get("name") == name and not (one.get("securityContext") or {}).get("seccompProfile") for one in named)


def spec_advice(spec: Object, path: str = "spec") -> Iterator[str]:
    """Of a pod's spec, wherever it stands."""
    for key in spec.get("nodeSelector") or ():
        if told := _deprecated(key):
            yield f"{path}.nodeSelector[{key}]: {told}"
    if affinity := spec.get("affinity"):
        yield from _affinity(affinity, f"{path}.affinity")
    for index, constraint in enumerate(spec.get("topologySpreadConstraints") or ()):
        at, key = f"{path}.topologySpreadConstraints[{index}]", constraint.get("topologyKey", "")
        if told := _deprecated(key):
            yield f"{at}.topologyKey: {key} is {told}"
        if constraint.get("labelSelector") is None:
            yield f"{at}.labelSelector: {_NO_SELECTOR}"
    yield from _addresses(spec, path)
    volumes: list[Object] = spec.get("volumes") or []
    for index, volume in enumerate(volumes):
        for kind in volume:
            name, since = _VOLUMES.get(kind, ("", ""))
            if since:
                yield f"{path}.volumes[{index}].{name}: {since}"
        if ephemeral := volume.get("ephemeral"):
            claim = (ephemeral.get("volumeClaimTemplate") or {}).get("spec") or {}
            yield from claim_advice(claim, f"{path}.volumes[{index}].ephemeral.volumeClaimTemplate.spec")
    yield from _pull_secrets(spec.get("imagePullSecrets") or [], f"{path}.imagePullSecrets")
    ports: list[tuple[Object, str]] = []
    for kind in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(kind) or ()):
            at = f"{path}.{kind}[{index}]"
            if env := container.get("env"):
                yield from _environment(env, f"{at}.env")
            if resources := container.get("resources"):
                for side in ("limits", "requests"):
                    yield from _whole_bytes(resources.get(side) or {}, f"{at}.resources.{side}")
            for place, port in enumerate(container.get("ports") or ()):
                yield from _port(port, f"{at}.ports[{place}]", ports)
    yield from _whole_bytes(spec.get("overhead") or {}, f"{path}.overhead")


def _deprecated(label: str) -> str:
    since, instead = _NODE_LABELS.get(label, ("", ""))
    return f'deprecated since {since}; use "{instead}" instead' if instead else ""


def _affinity(affinity: Object, at: str) -> Iterator[str]:
    nodes = affinity.get("nodeAffinity") or {}
    terms = [
        (term, f"{REQUIRED}.nodeSelectorTerms[{index}]")
        for index, term in enumerate((nodes.get(REQUIRED) or {}).get("nodeSelectorTerms") or ())
    ]
    terms += [
        (term.get("preference") or {}, f"{PREFERRED}[{index}].preference") for index, term in enumerate(nodes.get(PREFERRED) or ())
    ]
    for term, where in terms:
        for index, expression in enumerate(term.get("matchExpressions") or ()):
            if told := _deprecated(key := expression.get("key", "")):
                yield f"{at}.nodeAffinity.{where}.matchExpressions[{index}].key: {key} is {told}"
    for side in ("podAffinity", "podAntiAffinity"):
        pods = affinity.get(side) or {}
        for index, term in enumerate(pods.get(REQUIRED) or ()):
            if term.get("labelSelector") is None:
                yield f"{at}.{side}.{REQUIRED}[{index}].labelSelector: {_NO_SELECTOR}"
        for index, weighted in enumerate(pods.get(PREFERRED) or ()):
            if (weighted.get("podAffinityTerm") or {}).get("labelSelector") is None:
                yield f"{at}.{side}.{PREFERRED}[{index}].podAffinityTerm.labelSelector: {_NO_SELECTOR}"


def _addresses(spec: Object, path: str) -> Iterator[str]:
    told: set[str] = set()
    for index, alias in enumerate(spec.get("hostAliases") or ()):
        address = alias.get("ip", "")
        yield from plain_ip(address, f"{path}.hostAliases[{index}].ip")
        if address in told:
            yield f"{path}.hostAliases[{index}].ip: duplicate ip {quoted(address)}"
        told.add(address)
    for index, server in enumerate((spec.get("dnsConfig") or {}).get("nameservers") or ()):
        yield from plain_ip(server, f"{path}.dnsConfig.nameservers[{index}]")


def _pull_secrets(secrets: list[Object], where: str) -> Iterator[str]:
    told: set[str] = set()
    for index, secret in enumerate(secrets):
        name = secret.get("name", "")
        if not name:
            yield f'{where}[{index}].name: invalid empty name ""'
        elif name in told:
            yield f"{where}[{index}].name: duplicate name {quoted(name)}"
        told.add(name)


def _environment(variables: list[Object], where: str) -> Iterator[str]:
    told: set[str] = set()
    for index, variable in enumerate(variables):
        name = variable.get("name", "")
        if name in told and f"$({name})" not in (variable.get("value") or ""):
            yield f"{where}[{index}]: hides previous definition of {quoted(name)}, which may be dropped when using apply"
        told.add(name)


def _whole_bytes(amounts: Object, at: str) -> Iterator[str]:
    for name in _IN_BYTES:
        if (amount := amounts.get(name)) is not None:
            yield from whole_bytes(amount, f"{at}[{name}]")


def whole_bytes(amount: str, at: str) -> Iterator[str]:
    """There is no half a byte."""
    if parse_quantity(amount) % 1:
        yield f'{at}: fractional byte value "{amount}" is invalid, must be an integer'


def claim_advice(spec: Object, path: str = "spec") -> Iterator[str]:
    """Of a claim's spec, wherever it stands."""
    for side in ("requests", "limits"):
        if (amount := ((spec.get("resources") or {}).get(side) or {}).get("storage")) is not None:
            yield from whole_bytes(amount, f"{path}.resources.{side}[storage]")


def _port(port: Object, at: str, before: list[tuple[Object, str]]) -> Iterator[str]:
    """``before`` are the ports of the pod so far."""
    host, number, protocol, name = port.get("hostIP", ""), port.get("hostPort", 0), port.get("protocol", ""), port.get("name", "")
    if host and not number:
        shown = f"Name:{name} HostPort:0 ContainerPort:{port.get('containerPort', 0)} Protocol:{protocol} HostIP:{host}"
        yield f"{at}: hostIP set without hostPort: {{{shown}}}"
    for other, where in before:
        if (other.get("containerPort"), other.get("protocol", "")) != (port.get("containerPort"), protocol):
            continue
        if (other.get("hostPort", 0), other.get("hostIP", "")) == (number, host):
            yield f"{at}: duplicate port definition with {where}"
            break
        if not number or not other.get("hostPort"):
            yield f"{at}: overlapping port definition with {where}"
            break
    if name:
        for other, where in before:
            if other.get("name") == name:
                told = f"services and probes that select ports by name will use {where}"
                yield f"{at}: duplicate port name {quoted(name)} with {where}, {told}"
                break
    before.append((port, at))
