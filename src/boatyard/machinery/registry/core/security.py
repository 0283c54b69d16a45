"""Rules for what a pod and its containers may do on the machine (Kubernetes' security contexts, host users, systems)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import duplicate, forbidden, invalid, required, too_long, unsupported
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry.core.local_paths import validate_local_path
from boatyard.machinery.registry.core.windows import validate_windows

_MAX_INT32 = 2**31 - 1
_LONGEST_SYSCTL = 253
_LONGEST_PATH_BYTES = 4095
_SYSCTL = r"^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"
_sysctl = re.compile(_SYSCTL)
_OF_IPC = (
    "kernel.msg", "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shm", "kernel.shm_rmid_forced",
    "kernel.shmall", "kernel.shmmax", "kernel.shmmni",
)  # fmt: skip
_PROFILES = ("Localhost", "RuntimeDefault", "Unconfined")
_SYSTEMS = ("linux", "windows")
_CONTAINERS = ("initContainers", "containers")
_NOT_OF_WINDOWS = "cannot be set for a windows pod"
_LINUX_SPEC = ("hostPID", "hostIPC", "shareProcessNamespace")
_LINUX_POD: tuple[str, ...] = (
    "appArmorProfile", "seLinuxOptions", "seccompProfile", "fsGroup", "fsGroupChangePolicy", "sysctls", "runAsUser", "runAsGroup",
    "supplementalGroups", "supplementalGroupsPolicy", "seLinuxChangePolicy",
)  # fmt: skip
_LINUX_CONTAINER: tuple[str, ...] = (
    "appArmorProfile", "seLinuxOptions", "seccompProfile", "capabilities", "readOnlyRootFilesystem", "privileged",
    "allowPrivilegeEscalation", "procMount", "runAsUser", "runAsGroup",
)  # fmt: skip


def validate_security(spec: Object, path: str) -> Iterator[FieldError]:
    """The security contexts of a pod and of its containers, and what the whole pod shares with its host."""
    context, at = spec.get("securityContext") or {}, f"{path}.securityContext"
    if context:
        yield from _pod(context, spec, at)
    if spec.get("hostPID") and spec.get("shareProcessNamespace"):
        yield invalid(f"{at}.shareProcessNamespace", True, "ShareProcessNamespace and HostPID cannot both be enabled")
    for kind in _CONTAINERS:
        for index, container in enumerate(spec.get(kind) or ()):
            if own := container.get("securityContext"):
                yield from _container(own, spec.get("hostUsers") is False, f"{path}.{kind}[{index}].securityContext")
    yield from validate_windows(spec, path)
    if spec.get("hostUsers") is False:
        yield from _host_users(spec, path)
    if system := spec.get("os"):
        yield from _system(spec, system.get("name", ""), path)


def _ids(context: Object, fields: tuple[str, ...], at: str) -> Iterator[FieldError]:
    for field in fields:
        if (value := context.get(field)) is not None:
            yield from _id(value, f"{at}.{field}")


def _id(value: int, at: str) -> Iterator[FieldError]:
    if not 0 <= value <= _MAX_INT32:
        yield invalid(at, value, f"must be between 0 and {_MAX_INT32}, inclusive")


def _pod(context: Object, spec: Object, at: str) -> Iterator[FieldError]:
    yield from _ids(context, ("fsGroup", "runAsUser", "runAsGroup"), at)
    for index, group in enumerate(context.get("supplementalGroups") or ()):
        yield from _id(group, f"{at}.supplementalGroups[{index}]")
    seen: set[str] = set()
    for index, sysctl in enumerate(context.get("sysctls") or ()):
        where, name = f"{at}.sysctls[{index}].name", sysctl.get("name", "")
        if not name:
            yield required(where)
        elif len(name) > _LONGEST_SYSCTL or not _sysctl.fullmatch(name):
            yield invalid(where, name, f"must have at most {_LONGEST_SYSCTL} characters and match regex {_SYSCTL}")
        elif name in seen:
            yield duplicate(where, name)
        seen.add(name)
        dotted = name.replace("/", ".")
        if spec.get("hostNetwork") and dotted.startswith("net."):
            yield invalid(where, name, "may not be specified when 'hostNetwork' is true")
        if spec.get("hostIPC") and (dotted in _OF_IPC or dotted.startswith("fs.mqueue.")):
            yield invalid(where, name, "may not be specified when 'hostIPC' is true")
    if (policy := context.get("seLinuxChangePolicy")) is not None and policy != "Recursive":
        yield unsupported(f"{at}.seLinuxChangePolicy", policy, ("Recursive",))
    yield from _profiles(context, at)


def _profiles(context: Object, at: str) -> Iterator[FieldError]:
    if (profile := context.get("seccompProfile")) is not None:
        yield from _seccomp(profile, f"{at}.seccompProfile")
    if (profile := context.get("appArmorProfile")) is not None:
        yield from _app_armor(profile, f"{at}.appArmorProfile")


def _seccomp(profile: Object, at: str) -> Iterator[FieldError]:
    kind, local = profile.get("type", ""), profile.get("localhostProfile")
    if kind == "Localhost":
        if local is None:
            yield required(f"{at}.localhostProfile", "must be set when seccomp type is Localhost")
        else:
            yield from validate_local_path(local, f"{at}.localhostProfile")
    elif local is not None:
        told = f"Invalid value: {_in_go({'Type': kind, 'LocalhostProfile': local})}: can only be set when seccomp type is Localhost"
        yield FieldError(f"{at}.localhostProfile", "FieldValueInvalid", told)
    if kind not in _PROFILES:
        told = "type is required when seccompProfile is set"
        yield unsupported(f"{at}.type", kind, _PROFILES) if kind else required(f"{at}.type", told)


def _app_armor(profile: Object, at: str) -> Iterator[FieldError]:
    kind, local = profile.get("type", ""), profile.get("localhostProfile")
    if kind == "Localhost":
        if local is not None and local != local.strip():
            yield invalid(f"{at}.localhostProfile", local, "must not be padded with whitespace")
        elif not local:
            yield required(f"{at}.localhostProfile", "must be set when AppArmor type is Localhost")
        elif len(local.encode()) > _LONGEST_PATH_BYTES:
            yield too_long(f"{at}.localhostProfile", _LONGEST_PATH_BYTES)
    elif kind not in _PROFILES:
        told = "type is required when appArmorProfile is set"
        yield unsupported(f"{at}.type", kind, _PROFILES) if kind else required(f"{at}.type", told)
    elif local is not None:
        yield invalid(f"{at}.localhostProfile", local, "can only be set when AppArmor type is Localhost")


def _container(context: Object, own_users: bool, at: str) -> Iterator[FieldError]:
    yield from _ids(context, ("runAsUser", "runAsGroup"), at)
    yield from _profiles(context, at)
    if context.get("procMount") == "Unmasked" and not own_users:
        yield invalid(f"{at}.procMount", "Unmasked", "`hostUsers` must be false to use `Unmasked`")
    if context.get("allowPrivilegeEscalation") is not False:
        return
    more = ["`privileged` to true"] if context.get("privileged") else []
    added = (context.get("capabilities") or {}).get("add") or ()
    more += ["`capabilities.Add` CAP_SYS_ADMIN" for name in added if name == "CAP_SYS_ADMIN"]
    for what in more:
        told = f"Invalid value: {_context_in_go(context)}: cannot set `allowPrivilegeEscalation` to false and {what}"
        yield FieldError(at, "FieldValueInvalid", told)


def _host_users(spec: Object, path: str) -> Iterator[FieldError]:
    told = "when `hostUsers` is false"
    for kind in _CONTAINERS:
        for index, container in enumerate(spec.get(kind) or ()):
            if container.get("volumeDevices"):
                yield forbidden(f"{path}.{kind}[{index}].volumeDevices", told)
    for field, named in (("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")):
        if spec.get(field):
            yield forbidden(f"{path}.{named}", told)


def _system(spec: Object, name: str, path: str) -> Iterator[FieldError]:
    if name not in _SYSTEMS:
        yield unsupported(f"{path}.os", name, _SYSTEMS) if name else required(f"{path}.os.name")
        return
    contexts = [(spec.get("securityContext") or {}, f"{path}.securityContext", _LINUX_POD)]
    for kind in _CONTAINERS:
        for index, container in enumerate(spec.get(kind) or ()):
            contexts.append((container.get("securityContext") or {}, f"{path}.{kind}[{index}].securityContext", _LINUX_CONTAINER))
    if name == "windows":
        if spec.get("hostUsers") is not None:
            yield forbidden(f"{path}.hostUsers", _NOT_OF_WINDOWS)
        for field in _LINUX_SPEC:
            if spec.get(field):
                yield forbidden(f"{path}.{field}", _NOT_OF_WINDOWS)
    for context, at, fields in contexts:
        if name == "linux" and context.get("windowsOptions") is not None:
            yield forbidden(f"{at}.windowsOptions", "windows options cannot be set for a linux pod")
        for field in fields if name == "windows" else ():
            if context.get(field) is not None:
                yield forbidden(f"{at}.{field}", _NOT_OF_WINDOWS)


_IN_GO = (
    "capabilities", "privileged", "seLinuxOptions", "windowsOptions", "runAsUser", "runAsGroup", "runAsNonRoot",
    "readOnlyRootFilesystem", "allowPrivilegeEscalation", "procMount", "seccompProfile", "appArmorProfile",
)  # fmt: skip
_INSIDE = {
    "capabilities": ("add", "drop"), "seLinuxOptions": ("user", "role", "type", "level"),
    "windowsOptions": ("gmsaCredentialSpecName", "gmsaCredentialSpec", "runAsUserName", "hostProcess"),
    "seccompProfile": ("type", "localhostProfile"), "appArmorProfile": ("type", "localhostProfile"),
}  # fmt: skip
_UPPER = {"seLinuxOptions": "SELinuxOptions", "gmsaCredentialSpecName": "GMSACredentialSpecName",
          "gmsaCredentialSpec": "GMSACredentialSpec"}  # fmt: skip


def _context_in_go(context: Object) -> str:
    """A container's context as Go prints Kubernetes' own type of it, which messages quote whole."""
    told = {}
    for field in _IN_GO:
        value = context.get(field)
        if value is not None and field in _INSIDE:
            empty = "" if field == "seLinuxOptions" else None
            value = {_upper(name): value.get(name, empty) for name in _INSIDE[field]}
        told[_upper(field)] = value
    return _in_go(told)


def _upper(field: str) -> str:
    return _UPPER.get(field) or field[0].upper() + field[1:]


def _in_go(value: Object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
