"""The keys of service-account tokens: one signs, those before it are believed until what they signed has expired.

All lie in one file, so that a change is one replacement of it: first the private key that signs, then the public keys of its
predecessors, each after a line ``until TIME``. A running server sees a change within a second.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey

from boatyard.machinery.meta.timestamps import parse_time, rfc3339
from boatyard.machinery.runtime.world import World
from boatyard.machinery.telemetry.logs import get_logger
from boatyard.server.auth.files import alone_in, write_private

log = get_logger("server")

LONGEST_SECONDS = 365 * 86400
"""How long a token may be good for, and so how long a key is believed after the last token it signed."""
MARGIN_SECONDS = 3600
"""Other clocks, and the moment in which a running server still signs with the old key."""
LOOK_SECONDS = 1.0
_PEM = re.compile(r"(?:until (\S+)\s+)?(-----BEGIN [A-Z ]+-----.+?-----END [A-Z ]+-----)", re.DOTALL)


class SigningKeyError(Exception):
    """The file of the keys can't be used; the message says why and what to do."""


class Retired(NamedTuple):
    """A key that signs no more: believed until then (seconds since the epoch)."""

    key: ECKey
    until: float


class Keys(NamedTuple):
    """What is in the file."""

    signer: ECKey
    retired: tuple[Retired, ...]

    def text(self) -> bytes:
        """The file's content."""
        parts = [self.signer.as_pem(private=True)]
        for key, until in self.retired:
            parts += [f"until {rfc3339(until)}\n".encode(), key.as_pem(private=False)]
        return b"".join(parts)


def load(file: Path) -> Keys:
    """Raises SigningKeyError."""
    try:
        found = _PEM.findall(file.read_text(encoding="ascii"))
        keys = [(_key(pem.encode()), parse_time(until) if until else None) for until, pem in found]
    except (OSError, ValueError) as error:
        raise SigningKeyError(f"{file} can't be read: {error}. Restore it from a backup") from error
    if not keys or not keys[0][0].is_private or any(until is None for _, until in keys[1:]):
        raise SigningKeyError(f"{file} doesn't begin with a private key, or has one without its time: restore it from a backup")
    return Keys(keys[0][0], tuple(Retired(key, until) for key, until in keys[1:] if until is not None))


def rotate(file: Path, world: World, *, revoke: bool = False) -> Keys:
    """Put a new key in front; what the file holds then. The old ones are believed as long as they must be; with ``revoke`` no more.

    Raises SigningKeyError. Whoever is killed on the way leaves the keys as they were, or the new ones.
    """
    try:
        with alone_in(file.parent):
            before, now = load(file), world.now()
            until = now + LONGEST_SECONDS + MARGIN_SECONDS
            retired = [Retired(before.signer, until), *(old for old in before.retired if old.until > now)]
            keys = Keys(_named(ECKey.import_key(fresh())), () if revoke else tuple(retired))
            write_private(file, keys.text())
    except OSError as error:
        raise SigningKeyError(f"{file} can't be replaced: {error}. The keys are as they were") from error
    return load(file)


def fresh() -> bytes:
    """A new private key (P-256), as PEM."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


class SigningKeys:
    """The keys of a file, as it is now."""

    def __init__(self, file: Path, world: World) -> None:
        """Raises SigningKeyError."""
        self._file, self._world = file, world
        self._looked = world.monotonic()
        self._stamp = _stamp(file)
        self._keys = load(file)
        self.generation = 0
        """Grows when the keys change: what was verified before has to be verified again."""

    def look(self) -> None:
        """Follow a change of the file, a second later at the latest. A file that can't be read changes nothing."""
        now = self._world.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        stamp = _stamp(self._file)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._keys = load(self._file)
        except SigningKeyError as error:
            log.error("the keys of tokens are as they were", why=str(error))
            return
        self.generation += 1
        log.info("tokens are signed with another key", key=self._keys.signer.kid, believed=len(self._keys.retired))

    @property
    def signer(self) -> ECKey:
        self.look()
        return self._keys.signer

    def believed(self) -> list[ECKey]:
        """Every key whose signature counts now, the one that signs first."""
        now = self._world.now()
        return [self._keys.signer, *(old.key for old in self._keys.retired if old.until > now)]

    def published(self) -> list[dict[str, Any]]:
        """The public keys as a JSON Web Key Set has them (RFC 7517), as Kubernetes serves them."""
        self.look()
        return [{"use": "sig", "alg": "ES256", **key.as_dict(private=False)} for key in self.believed()]


def _key(pem: bytes) -> ECKey:
    return _named(ECKey.import_key(pem))


def _named(key: ECKey) -> ECKey:
    key.ensure_kid()
    return key


def _stamp(file: Path) -> tuple[int, int]:
    try:
        found = os.stat(file)
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_ino)
