"""Namespaces' own roles reach our kinds."""

from boatyard.app.roles import install_roles
from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.meta.core import ROLE_BINDINGS
from boatyard.machinery.meta.resource import Resource
from boatyard.machinery.registry.caller import Caller
from boatyard.machinery.registry.rbac import RbacAuthorizer
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.world import RealWorld
from boatyard.machinery.store.memory import MemoryStore

BUILDS = Resource("ci.boatyard.dev", "v1alpha1", "builds", "Build")


async def test_who_may_view_a_namespace_sees_builds_and_who_may_edit_changes_them():
    registry = Registry(MemoryStore(), RealWorld())
    await registry.start()
    authorizer = RbacAuthorizer(registry)
    client = EmbeddedClient(registry)
    await install_roles(client, ["ci.boatyard.dev"])
    await install_roles(client, ["ci.boatyard.dev"])
    for user, role in (("ann", "view"), ("bob", "edit")):
        binding = {
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": user, "namespace": "default"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user}],
        }  # fmt: skip
        await client.create(ROLE_BINDINGS, binding, "default")

    def allowed(user: str, verb: str, namespace: str = "default") -> bool:
        return authorizer.allows(Caller(user), verb, BUILDS, "", namespace, "").allowed

    assert allowed("ann", "list") and not allowed("ann", "patch")
    assert allowed("bob", "patch") and not allowed("bob", "patch", "kube-system")
    assert not allowed("eve", "list")
