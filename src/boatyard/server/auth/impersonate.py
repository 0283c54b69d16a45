"""Acting as somebody else (``kubectl --as``): for who may ``impersonate`` each of the names given."""

from __future__ import annotations

from urllib.parse import unquote

from multidict import CIMultiDictProxy

from boatyard.machinery.meta.errors import BadRequest
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry.authorizer import Authorizer, refusal
from boatyard.machinery.registry.caller import Caller
from boatyard.server.auth.authenticate import AUTHENTICATED, UNAUTHENTICATED

_USERS = Resource("", "v1", "users", "User", False)
_GROUPS = Resource("", "v1", "groups", "Group", False)
_SERVICE_ACCOUNTS = Resource("", "v1", "serviceaccounts", "ServiceAccount")
_UIDS = Resource("authentication.k8s.io", "v1", "uids", "UID", False)
_EXTRA = "impersonate-extra-"
_ACCOUNT = "system:serviceaccount:"


def impersonated(caller: Caller, headers: CIMultiDictProxy[str], authorizer: Authorizer) -> Caller:
    """Whom the headers ask to be; the caller itself without them. Raises Forbidden, BadRequest."""
    user = headers.get("Impersonate-User", "")
    groups = headers.getall("Impersonate-Group", [])
    uid = headers.get("Impersonate-Uid", "")
    extra: dict[str, list[str]] = {}
    for name in headers:
        if name.lower().startswith(_EXTRA):
            extra.setdefault(unquote(name[len(_EXTRA) :].lower()), []).append(headers[name])
    if not user:
        if groups or uid or extra:
            raise BadRequest("requested impersonation without impersonating a user")
        return caller

    def ask(resource: Resource, name: str, *, namespace: str = "", subresource: str = "") -> None:
        decision = authorizer.allows(caller, "impersonate", resource, subresource, namespace, name)
        if not decision.allowed:
            raise refusal(caller, "impersonate", resource, subresource, namespace, name, decision.reason)

    if user.startswith(_ACCOUNT) and user.count(":") == 3:
        namespace, account = user[len(_ACCOUNT) :].split(":")
        ask(_SERVICE_ACCOUNTS, account, namespace=namespace)
        groups = groups or ["system:serviceaccounts", f"system:serviceaccounts:{namespace}"]
    else:
        ask(_USERS, user)
    for group in headers.getall("Impersonate-Group", []):
        ask(_GROUPS, group)
    if uid:
        ask(_UIDS, uid)
    for key, values in extra.items():
        for value in values:
            ask(Resource("authentication.k8s.io", "v1", "userextras", "UserExtra", False), value, subresource=key)
    if AUTHENTICATED not in groups and UNAUTHENTICATED not in groups:
        groups = [*groups, UNAUTHENTICATED if user == "system:anonymous" else AUTHENTICATED]
    return Caller(user, tuple(groups), uid, {key: tuple(values) for key, values in extra.items()})
