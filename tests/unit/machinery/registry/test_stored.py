"""What a record's value must be: an object under its own key."""

import pytest

from boatyard.machinery.registry.stored import wrong

POD = b'{"metadata":{"name":"web","namespace":"shop"},"apiVersion":"v1","kind":"Pod"}'
NODE = b'{"metadata":{"name":"one"},"apiVersion":"v1","kind":"Node"}'
LEASE = b'{"metadata":{"name":"one","namespace":"shop"},"apiVersion":"coordination.k8s.io/v1","kind":"Lease"}'


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("/registry/core/pods/shop/web", POD),
        ("/registry/core/nodes/_/one", NODE),
        ("/registry/coordination.k8s.io/leases/shop/one", LEASE),
    ],
)
def test_an_object_under_its_own_key_is_right(key: str, value: bytes):
    assert wrong(key, value) == ""


def test_a_sealed_value_is_not_looked_into():
    assert wrong("/registry/core/secrets/shop/token", b"boatyard:aesgcm:v1:12345678:" + bytes(40)) == ""


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("/registry/core/pods/shop/api", POD, "another object: Pod web in shop"),
        ("/registry/core/pods/other/web", POD, "another object"),
        ("/registry/apps/pods/shop/web", POD, "another object"),
        ("/registry/core/nodes/shop/one", NODE, "another object: Node one in no namespace"),
        ("/registry/core/pods/shop/web", POD[:-1], "no object: Input data was truncated"),
        ("/registry/core/pods/shop/web", b'{"metadata":{"name":7}}', "no object"),
        ("/registry/core/pods/shop/web", b"\xff\xfe", "no object as they are stored"),
        ("/web", POD, "no key of an object"),
    ],
)
def test_anything_else_is_said(key: str, value: bytes, told: str):
    assert told in wrong(key, value)
