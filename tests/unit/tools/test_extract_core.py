"""What is taken out of a kube-apiserver's OpenAPI: structure, no prose."""

import importlib.util
from pathlib import Path

import pytest

spec = importlib.util.spec_from_file_location("extract_core", Path(__file__).parents[3] / "tools/extract_core.py")
assert spec and spec.loader
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)

META = "io.k8s.apimachinery.pkg.apis.meta.v1"


def test_types_are_called_by_their_short_names():
    assert tool.short("#/components/schemas/io.k8s.api.core.v1.Pod") == "v1.Pod"
    assert tool.short(f"{META}.ObjectMeta") == "v1.ObjectMeta"
    assert tool.short("io.k8s.api.rbac.v1.Role") == "rbac.v1.Role"


def test_structure_is_kept_and_prose_is_not():
    used: set[str] = set()
    trimmed = tool.trim(
        {
            "description": "Prose.",
            "type": "object",
            "required": ["ports"],
            "properties": {
                "ports": {
                    "description": "Prose.",
                    "type": "array",
                    "x-kubernetes-patch-merge-key": "port",
                    "items": {"default": {}, "allOf": [{"$ref": "#/components/schemas/io.k8s.api.core.v1.ServicePort"}]},
                },
                "protocol": {"type": "string", "default": "TCP", "enum": ["TCP", "UDP"]},
                "size": {"allOf": [{"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.api.resource.Quantity"}]},
                "nothing": {"type": "string", "default": ""},
            },
        },
        used,
    )
    assert used == {"io.k8s.api.core.v1.ServicePort"}
    assert trimmed == {
        "type": "object",
        "required": ["ports"],
        "properties": {
            "nothing": {"type": "string"},
            "ports": {"type": "array", "x-kubernetes-patch-merge-key": "port", "items": {"$ref": "v1.ServicePort"}},
            "protocol": {"type": "string", "default": "TCP", "enum": ["TCP", "UDP"]},
            "size": {"format": "quantity", "oneOf": [{"type": "string"}, {"type": "number"}]},
        },
        "x-boatyard-written": {"ports": None},
    }


def test_a_server_without_a_kind_is_told():
    with pytest.raises(SystemExit, match=r"api/v1 has no Binding"):
        tool.extract({path: {"components": {"schemas": {}}} for path in (*tool.KINDS, *tool.SUBRESOURCES)})
