"""Rules for the annotations that named profiles (seccomp, AppArmor) of pods and containers before there were fields for them."""

from __future__ import annotations

from collections.abc import Iterator

from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import forbidden, invalid
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.quoting import quoted
from boatyard.machinery.registry.core.local_paths import validate_local_path

SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod"
SECCOMP_CONTAINER = "container.seccomp.security.alpha.kubernetes.io/"
APP_ARMOR_CONTAINER = "container.apparmor.security.beta.kubernetes.io/"
_LOCAL = "localhost/"
_OF_TYPE = {"Unconfined": ("unconfined",), "RuntimeDefault": ("runtime/default", "docker/default")}
"""Type of a field's profile -> what says the same in an annotation."""
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")


def validate_profiles(pod: Object, where: str = "metadata.annotations") -> Iterator[FieldError]:
    """Each is a profile, and of a container that there is. Of a pod, or of a template of pods."""
    spec = pod.get("spec") or {}
    for key, profile in ((pod.get("metadata") or {}).get("annotations") or {}).items():
        if key == SECCOMP_POD or key.startswith(SECCOMP_CONTAINER):
            if profile.startswith(_LOCAL):
                yield from validate_local_path(profile.removeprefix(_LOCAL), f"{where}.{key}")
            elif not any(profile in same for same in _OF_TYPE.values()):
                yield invalid(f"{where}.{key}", profile, "must be a valid seccomp profile")
        elif key.startswith(APP_ARMOR_CONTAINER):
            at, name = f"{where}[{key}]", key.removeprefix(APP_ARMOR_CONTAINER)
            if not any(container.get("name") == name for kind in _CONTAINERS for container in spec.get(kind) or ()):
                yield invalid(at, name, "container not found")
            if profile not in ("", "runtime/default", "unconfined") and not profile.startswith(_LOCAL):
                yield invalid(at, profile, f"invalid AppArmor profile name: {quoted(profile)}")


def validate_kept(new: Object, old: Object) -> Iterator[FieldError]:
    """AppArmor's are for new pods only. Rules of ``ValidatePodSpecificAnnotationUpdates``."""
    after, before = (pod["metadata"].get("annotations") or {} for pod in (new, old))
    for key, profile in before.items():
        if key.startswith(APP_ARMOR_CONTAINER) and after.get(key) != profile:
            yield forbidden(f"metadata.annotations[{key}]", "may not remove or update AppArmor annotations")
    for key in after:
        if key not in before and key.startswith(APP_ARMOR_CONTAINER):
            yield forbidden(f"metadata.annotations[{key}]", "may not add AppArmor annotations")


def validate_agreement(pod: Object) -> Iterator[FieldError]:
    """Of a new pod: where a field names a profile, too, it is the same."""
    annotations, spec = pod["metadata"].get("annotations") or {}, pod.get("spec") or {}
    if not annotations:
        return
    windows = (spec.get("os") or {}).get("name") == "windows"
    profile = (spec.get("securityContext") or {}).get("seccompProfile")
    yield from _same(annotations.get(SECCOMP_POD), profile, "spec.securityContext.seccompProfile", "seccomp")
    for kind in _CONTAINERS:
        for index, container in enumerate(spec.get(kind) or ()):
            context, name = container.get("securityContext") or {}, container.get("name", "")
            at = f"spec.{kind}[{index}].securityContext"
            said = annotations.get(SECCOMP_CONTAINER + name)
            yield from _same(said, context.get("seccompProfile"), f"{at}.seccompProfile", "seccomp")
            if not windows:
                said = annotations.get(APP_ARMOR_CONTAINER + name)
                yield from _same(said, context.get("appArmorProfile"), f"{at}.appArmorProfile", "apparmor")


def _same(said: str | None, profile: Object | None, at: str, what: str) -> Iterator[FieldError]:
    if said is None or profile is None:
        return
    kind = profile.get("type", "")
    types = _OF_TYPE.get(kind, (said,))
    if what == "apparmor":
        types = types[:1]
    if (said not in types) if kind != "Localhost" else not said.startswith(_LOCAL):
        yield forbidden(f"{at}.type", f"{what} type in annotation and field must match")
    elif kind == "Localhost" and said.removeprefix(_LOCAL) != profile.get("localhostProfile"):
        yield forbidden(f"{at}.localhostProfile", f"{what} profile in annotation and field must match")
