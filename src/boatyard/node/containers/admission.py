"""What of a pod this node can't honour. A pod is refused as a whole, with every reason, before anything of it is started:
ignoring a restriction would be a lie, and half a pod helps nobody."""

from __future__ import annotations

from collections.abc import Iterator

from boatyard.machinery.meta.objects import Object

VOLUME_KINDS = ("emptyDir", "configMap", "secret", "projected", "downwardAPI", "persistentVolumeClaim", "hostPath")
_POD_FLAGS: dict[str, str] = {
    "hostPID": "the host's processes",
    "hostIPC": "the host's shared memory",
    "shareProcessNamespace": "a common process tree",
}
_POD_SECURITY = ("seLinuxOptions", "windowsOptions", "sysctls", "supplementalGroups", "runAsGroup")
_CONTAINER_SECURITY = ("seLinuxOptions", "windowsOptions", "runAsGroup")


def refusals(pod: Object) -> list[str]:
    """Why this node can't run the pod, each as ``path: reason``; empty when it can."""
    return list(_refusals(pod))


def run_as_user(pod: Object, container: Object) -> int | None:
    """The user that was asked for, the container's wish over the pod's."""
    for holder in (container, pod["spec"]):
        user = (holder.get("securityContext") or {}).get("runAsUser")
        if user is not None:
            return user
    return None


def all_containers(pod: Object) -> Iterator[tuple[str, Object]]:
    """Every container with its path."""
    for group in ("initContainers", "containers"):
        for index, container in enumerate(pod["spec"].get(group) or ()):
            yield f"spec.{group}[{index}]", container


def _refusals(pod: Object) -> Iterator[str]:
    spec = pod["spec"]
    for flag, what in _POD_FLAGS.items():
        if spec.get(flag):
            yield f"spec.{flag}: containers of this node can't share {what}"
    if spec.get("ephemeralContainers"):
        yield "spec.ephemeralContainers: not supported by this node"
    if spec.get("runtimeClassName"):
        yield f"spec.runtimeClassName: this node has no runtime class {spec['runtimeClassName']!r}"
    if (spec.get("os") or {}).get("name", "linux") != "linux":
        yield f"spec.os.name: this node runs linux, not {spec['os']['name']}"
    if spec.get("hostAliases"):
        yield "spec.hostAliases: not supported by this node; use a Service"
    if (spec.get("dnsConfig") or {}).get("nameservers") or spec.get("dnsPolicy") == "None":
        yield "spec.dnsConfig: pods of this node can't choose their name servers"
    security = spec.get("securityContext") or {}
    for key in _POD_SECURITY:
        if security.get(key):
            yield f"spec.securityContext.{key}: not supported by this node"
    yield from _profile("spec.securityContext", security)
    for index, volume in enumerate(spec.get("volumes") or ()):
        kinds = [key for key in dict(volume) if key != "name"]
        if kinds and kinds[0] not in VOLUME_KINDS:
            yield f"spec.volumes[{index}]: this node has no volumes of kind {kinds[0]}; it has {', '.join(VOLUME_KINDS)}"
    for path, container in all_containers(pod):
        yield from _container_refusals(pod, path, container)


def _container_refusals(pod: Object, path: str, container: Object) -> Iterator[str]:
    security = container.get("securityContext") or {}
    if security.get("privileged"):
        yield f"{path}.securityContext.privileged: containers of this node are never privileged"
    if added := (security.get("capabilities") or {}).get("add"):
        yield f"{path}.securityContext.capabilities.add: containers of this node have no capabilities; can't add {', '.join(added)}"
    if security.get("procMount", "Default") != "Default":
        yield f"{path}.securityContext.procMount: only Default is supported by this node"
    for key in _CONTAINER_SECURITY:
        if security.get(key):
            yield f"{path}.securityContext.{key}: not supported by this node"
    yield from _profile(f"{path}.securityContext", security)
    if container.get("volumeDevices"):
        yield f"{path}.volumeDevices: this node has no block devices to give"
    if not pod["spec"].get("hostNetwork"):
        for index, port in enumerate(container.get("ports") or ()):
            if port.get("hostPort"):
                yield f"{path}.ports[{index}].hostPort: not supported by this node; use a Service"
    for kind in ("livenessProbe", "readinessProbe", "startupProbe"):
        if (container.get(kind) or {}).get("grpc"):
            yield f"{path}.{kind}.grpc: not supported by this node; use httpGet, tcpSocket or exec"
    for index, mount in enumerate(container.get("volumeMounts") or ()):
        if mount.get("mountPropagation", "None") == "Bidirectional":
            yield f"{path}.volumeMounts[{index}].mountPropagation: Bidirectional needs a privileged container"
    non_root = security.get("runAsNonRoot", (pod["spec"].get("securityContext") or {}).get("runAsNonRoot"))
    if non_root and run_as_user(pod, container) == 0:
        yield f"{path}.securityContext: container's runAsUser breaks non-root policy (runAsUser is 0, runAsNonRoot is true)"


def _profile(path: str, security: Object) -> Iterator[str]:
    for key in ("seccompProfile", "appArmorProfile"):
        if (security.get(key) or {}).get("type") == "Localhost":
            yield f"{path}.{key}: this node has no profiles of its own; use RuntimeDefault"
