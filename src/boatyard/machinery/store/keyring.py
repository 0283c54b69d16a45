"""The keys that seal values: a text file with a key per line, the first for writing, all for reading."""

from __future__ import annotations

import base64
import binascii
import hashlib
import random
from dataclasses import dataclass

KEY_BYTES = 32
_HEAD = "# Keys of sealed values (AES-256, base64). The first one seals, every one opens. Without them the values are lost.\n"


class KeyRingError(Exception):
    """The key file can't be used; the message says where and what to do."""


@dataclass(frozen=True, slots=True, repr=False)
class SealingKey:
    """256 random bits. Never printed."""

    secret: bytes

    @property
    def id(self) -> str:
        """Eight hexadecimal digits that name the key and tell nothing of it: they stand before every value that it sealed."""
        return hashlib.sha256(b"boatyard key id\0" + self.secret).hexdigest()[:8]


@dataclass(frozen=True, slots=True, repr=False)
class KeyRing:
    """At least one key, in order of use."""

    keys: tuple[SealingKey, ...]

    @classmethod
    def parse(cls, text: str, where: str) -> KeyRing:
        """Read a key file; empty lines and those that begin with ``#`` don't count. Raises KeyRingError with every wrong line."""
        keys: dict[str, SealingKey] = {}
        wrong: list[str] = []
        for number, line in enumerate(text.splitlines(), 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            try:
                secret = base64.b64decode(line, validate=True)
            except (binascii.Error, ValueError):
                secret = b""
            if len(secret) != KEY_BYTES:
                wrong.append(f"{where}:{number}: not {KEY_BYTES} bytes in base64")
            else:
                key = SealingKey(secret)
                keys.setdefault(key.id, key)
        if wrong:
            raise KeyRingError("; ".join(wrong))
        if not keys:
            raise KeyRingError(f"{where} holds no key: restore it from a backup")
        return cls(tuple(keys.values()))

    @classmethod
    def fresh(cls, source: random.Random) -> KeyRing:
        """One new key. ``source`` must be the system's randomness wherever it matters."""
        return cls((SealingKey(source.randbytes(KEY_BYTES)),))

    @property
    def first(self) -> SealingKey:
        """The key that seals."""
        return self.keys[0]

    def with_new(self, source: random.Random) -> KeyRing:
        """A new key in front of the others."""
        return KeyRing((*KeyRing.fresh(source).keys, *self.keys))

    def only_first(self) -> KeyRing:
        """Without the keys that only read."""
        return KeyRing(self.keys[:1])

    def text(self) -> str:
        """What :meth:`parse` reads."""
        return _HEAD + "".join(base64.b64encode(key.secret).decode() + "\n" for key in self.keys)
