"""Roles decide what others than the administrator may do, and kubectl says so."""

from __future__ import annotations

from .conftest import Kubectl, Yard
from .documents import CICONFIG


async def test_a_role_opens_what_it_names_and_nothing_else(kubectl: Kubectl) -> None:
    await kubectl("create", "-f", "-", stdin=CICONFIG)
    refused = await kubectl("get", "ciconfigs", "--as=jane", fails=True)
    assert 'User "jane" cannot list resource "ciconfigs" in API group "ci.boatyard.dev" in the namespace "default"' in refused.err
    assert (await kubectl("auth", "can-i", "list", "ciconfigs.ci.boatyard.dev", "--as=jane", fails=True)).out == "no\n"
    await kubectl("create", "role", "reader", "--verb=get,list,watch", "--resource=ciconfigs.ci.boatyard.dev")
    await kubectl("create", "rolebinding", "jane-reads", "--role=reader", "--user=jane")
    assert "team" in (await kubectl("get", "ciconfigs", "--as=jane")).out
    assert (await kubectl("auth", "can-i", "list", "ciconfigs.ci.boatyard.dev", "--as=jane")).out == "yes\n"
    assert "forbidden" in (await kubectl("delete", "ciconfig", "team", "--as=jane", fails=True)).err
    assert "forbidden" in (await kubectl("get", "ciconfigs", "-A", "--as=jane", fails=True)).err


async def test_a_service_account_comes_in_with_its_token(kubectl: Kubectl, yard: Yard) -> None:
    await kubectl("create", "serviceaccount", "robot")
    token = (await kubectl("create", "token", "robot")).out.strip()
    ca = str(kubectl.home.parent / "pki" / "ca.crt")
    # No client certificate: the file with it is not read.
    alone = {"KUBECONFIG": "/dev/null"}
    way = (f"--server={yard.server.address}", f"--certificate-authority={ca}", f"--token={token}")
    refused = await kubectl("get", "pods", *way, env=alone, fails=True)
    assert 'User "system:serviceaccount:default:robot" cannot list resource "pods"' in refused.err
    await kubectl("create", "clusterrolebinding", "robots", "--clusterrole=view", "--serviceaccount=default:robot")
    assert "No resources found" in (await kubectl("get", "pods", *way, env=alone)).err
    await kubectl("delete", "serviceaccount", "robot")
    assert "logged in" in (await kubectl("get", "pods", *way, env=alone, fails=True)).err
