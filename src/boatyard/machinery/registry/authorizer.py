"""The port through which the registry asks whether somebody may do something."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from boatyard.machinery.meta.errors import Forbidden
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry.caller import Caller


class Decision(NamedTuple):
    """May or may not, and why."""

    allowed: bool
    reason: str = ""


class Authorizer(Protocol):
    """Decides. Must answer at once (no I/O)."""

    def allows(
        self, caller: Caller, verb: str, resource: Resource, subresource: str = "", namespace: str = "", name: str = "",
        node: str = "",
    ) -> Decision:  # fmt: skip
        """``node`` is the one that a field selector confines a list or watch of pods to."""
        ...

    def allows_path(self, caller: Caller, verb: str, path: str) -> Decision:
        """For addresses that are no resource (``/healthz``, ``/metrics``); ``verb`` is the HTTP method in lower case."""
        ...

    def rules_of(self, caller: Caller, namespace: str) -> tuple[list[Object], list[Object], str]:
        """All that the caller may do in a namespace: rules for resources, for other addresses, and why that may not be all."""
        ...

    def check_grant(self, caller: Caller, resource: Resource, namespace: str, obj: Object, *, asked_name: str = "") -> None:
        """Raises Forbidden when ``obj`` is a role or a binding that gives rights which the caller hasn't got, NotFound when it
        binds a role that isn't there. ``asked_name`` is the name in the call's address: a creation has none."""
        ...


class AllowAll:
    """Everybody may do everything: where the only caller is the program itself."""

    def allows(
        self, caller: Caller, verb: str, resource: Resource, subresource: str = "", namespace: str = "", name: str = "",
        node: str = "",
    ) -> Decision:  # fmt: skip
        return Decision(True)

    def allows_path(self, caller: Caller, verb: str, path: str) -> Decision:
        return Decision(True)

    def rules_of(self, caller: Caller, namespace: str) -> tuple[list[Object], list[Object], str]:
        return [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}], [{"verbs": ["*"], "nonResourceURLs": ["*"]}], ""

    def check_grant(self, caller: Caller, resource: Resource, namespace: str, obj: Object, *, asked_name: str = "") -> None:
        return


def refusal(caller: Caller, verb: str, resource: Resource, subresource: str, namespace: str, name: str, why: str = "") -> Forbidden:
    """The 403 as Kubernetes words it."""
    what = f"{resource.plural}/{subresource}" if subresource else resource.plural
    group_resource = f"{resource.plural}.{resource.group}" if resource.group else resource.plural
    scope = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    told = f'User "{caller.name}" cannot {verb} resource "{what}" in API group "{resource.group}" {scope}'
    about = f'{group_resource} "{name}" is forbidden' if name else f"{group_resource} is forbidden"
    details = {"name": name, "group": resource.group, "kind": resource.plural}
    return Forbidden(f"{about}: {told}" + (f": {why}" if why else ""), {key: value for key, value in details.items() if value})
