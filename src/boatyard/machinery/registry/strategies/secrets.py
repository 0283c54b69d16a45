"""Secrets and config maps: keys that can be files, bounded size, and what can't change."""

from __future__ import annotations

import base64
import binascii

from boatyard.machinery.meta import names
from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry.strategy import Strategy

LARGEST_BYTES = 1024 * 1024
_REQUIRED_KEYS = {
    "kubernetes.io/basic-auth": (),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
}


class Secrets(Strategy):
    """Rules of ``ValidateSecret``. Messages never show a value."""

    def validate_create(self, obj: Object) -> list[FieldError]:
        data = obj.get("data") or {}
        wrong = _data_wrong(data, base64_encoded=True)
        for key in _REQUIRED_KEYS.get(obj["type"], ()):
            if key not in data:
                wrong.append(FieldError(f"data[{key}]", "FieldValueRequired", "Required value"))
        return wrong

    def validate_update(self, obj: Object, old: Object, subresource: str) -> list[FieldError]:
        wrong = self.validate_create(obj)
        if obj["type"] != old.get("type"):
            told = f'Invalid value: "{obj["type"]}": field is immutable'
            wrong.append(FieldError("type", "FieldValueInvalid", told))
        return wrong + immutable_wrong(obj, old, ("data",))


class ConfigMaps(Strategy):
    """Rules of ``ValidateConfigMap``."""

    def validate_create(self, obj: Object) -> list[FieldError]:
        plain, binary = obj.get("data") or {}, obj.get("binaryData") or {}
        wrong = _data_wrong(plain, base64_encoded=False) + _data_wrong(binary, base64_encoded=True, path="binaryData")
        for key in plain:
            if key in binary:
                wrong.append(
                    FieldError(
                        f"data[{key}]", "FieldValueInvalid", f'Invalid value: "{key}": duplicate of key present in binaryData'
                    )
                )
        return wrong

    def validate_update(self, obj: Object, old: Object, subresource: str) -> list[FieldError]:
        return self.validate_create(obj) + immutable_wrong(obj, old, ("data", "binaryData"))


def immutable_wrong(obj: Object, old: Object, fields: tuple[str, ...]) -> list[FieldError]:
    """What an object marked ``immutable`` doesn't allow any more."""
    if not old.get("immutable"):
        return []
    told = "Forbidden: field is immutable when `immutable` is set"
    changed = [field for field in fields if (obj.get(field) or {}) != (old.get(field) or {})]
    if not obj.get("immutable"):
        changed.insert(0, "immutable")
    return [FieldError(field, "FieldValueForbidden", told) for field in changed]


def _data_wrong(data: Object, *, base64_encoded: bool, path: str = "data") -> list[FieldError]:
    wrong: list[FieldError] = []
    total = 0
    for key, value in data.items():
        wrong += [
            FieldError(f"{path}[{key}]", "FieldValueInvalid", f'Invalid value: "{key}": {told}') for told in names.config_key(key)
        ]
        if not isinstance(value, str):
            wrong.append(FieldError(f"{path}[{key}]", "FieldValueTypeInvalid", "Invalid value: must be a string"))
            continue
        total += len(value) * 3 // 4 if base64_encoded else len(value.encode())
        if base64_encoded:
            try:
                base64.b64decode(value, validate=True)
            except (binascii.Error, ValueError):
                wrong.append(FieldError(f"{path}[{key}]", "FieldValueInvalid", "Invalid value: illegal base64 data"))
    if total > LARGEST_BYTES:
        wrong.append(FieldError(path, "FieldValueTooLong", f"Too long: may not be more than {LARGEST_BYTES} bytes"))
    return wrong
