"""Sealing one value: AES-256-GCM, bound to the key under which the value is stored.

A sealed value is ``boatyard:aesgcm:v1:<id of the key>:`` and then a nonce of 12 random bytes, the ciphertext and its tag of 16
bytes. The storage key is authenticated too, so a value that somebody moved to another key, or changed, isn't opened. One key may
seal 2^32 values (NIST SP 800-38D, 8.3): far more than a rotation a year leaves time for.
"""

from __future__ import annotations

import random

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from boatyard.machinery.meta.errors import InternalError
from boatyard.machinery.store.keyring import KeyRing

MARK = b"boatyard:aesgcm:v1:"
_ID_END = len(MARK) + 8
_HEAD_BYTES = _ID_END + 1
NONCE_BYTES = 12


class Unreadable(InternalError):
    """A sealed value that no key opens, or that isn't what was sealed under this storage key."""


def key_id(value: bytes) -> str:
    """The id of the key that sealed a value; empty when it isn't sealed."""
    return value[len(MARK) : _ID_END].decode("ascii", "replace") if value.startswith(MARK) else ""


class Sealer:
    """Seals with the first key of a ring, opens with any."""

    def __init__(self, ring: KeyRing, source: random.Random) -> None:
        self._source = source
        self._ciphers = {key.id: AESGCM(key.secret) for key in ring.keys}
        self.id = ring.first.id
        self._head = MARK + self.id.encode() + b":"

    def knows(self, id: str) -> bool:
        """Whether the ring has this key."""
        return id in self._ciphers

    def seal(self, key: str, value: bytes) -> bytes:
        nonce = self._source.randbytes(NONCE_BYTES)
        return self._head + nonce + self._ciphers[self.id].encrypt(nonce, value, key.encode())

    def open(self, key: str, value: bytes) -> bytes:
        """The value in clear; one that was never sealed as it is. Raises Unreadable."""
        id = key_id(value)
        if not id:
            return value
        cipher = self._ciphers.get(id)
        if cipher is None:
            raise Unreadable(f"{key} can't be decrypted: the key {id} that sealed it is not in the key file")
        nonce = value[_HEAD_BYTES : _HEAD_BYTES + NONCE_BYTES]
        try:
            return cipher.decrypt(nonce, value[_HEAD_BYTES + NONCE_BYTES :], key.encode())
        except (InvalidTag, ValueError):
            raise Unreadable(f"{key} can't be decrypted: its value is damaged, or was stored under another name") from None
