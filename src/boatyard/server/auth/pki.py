"""The installation's own certificate authority, and what it signs.

Everything lies in one directory as ``<name>.crt`` and ``<name>.key`` (PEM, 0600). A pair is made when it is missing, and made again
when it runs out soon, names other hosts than it should, or doesn't fit its key or the CA. The CA is made once and lives for
twenty years: whoever loses ``ca.key`` makes a new installation.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from boatyard.machinery.registry.caller import MASTERS
from boatyard.machinery.runtime.world import World
from boatyard.server.auth import signing_keys
from boatyard.server.auth.files import alone_in, write_private

CA_LIFE = timedelta(days=20 * 365)
LIFE = timedelta(days=365)
RENEW_BEFORE = timedelta(days=60)
BACKDATE = timedelta(minutes=5)
"""Clocks of other machines may be behind."""

SERVICE_NAMES = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")
SERVICE_ADDRESS = "10.96.0.1"

ADMIN = "boatyard-admin"
KUBELET_CLIENT = "boatyard-kubelet-client"
"""The common name of the certificate with which the server calls node agents; they take no other."""
NODE_PREFIX = "system:node:"
NODES_GROUP = "system:nodes"
SIGNING_KEYS = "sa.key"
"""The file of the keys that sign service-account tokens."""

_SERVER_AUTH, _CLIENT_AUTH = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH


class Pair(NamedTuple):
    """A certificate and its key, as files."""

    cert: Path
    key: Path


class PkiError(Exception):
    """The directory holds something that must not be overwritten and can't be used; the message says what to do."""


class Pki:
    """Certificates and keys below ``directory``."""

    def __init__(self, directory: Path, world: World) -> None:
        """Make the directory and the CA if need be. Raises PkiError and OSError."""
        self._directory, self._world = directory, world
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._locked():
            self._key, self._certificate = self._authority()

    @property
    def ca(self) -> Path:
        """The CA's certificate: what clients must trust."""
        return self._directory / "ca.crt"

    def ca_pem(self) -> str:
        return self.ca.read_text(encoding="ascii")

    def server(self, hosts: Sequence[str] = ()) -> Pair:
        """The API server's and gateway's certificate: localhost, this machine's name, the names of the kubernetes Service, and
        ``hosts`` (names and addresses)."""
        own = ("localhost", "127.0.0.1", "::1", socket.gethostname(), *SERVICE_NAMES, SERVICE_ADDRESS)
        return self._leaf("server", "boatyard", (), (_SERVER_AUTH,), tuple(dict.fromkeys((*own, *hosts))))

    def admin(self) -> Pair:
        """A client certificate that may do everything."""
        return self._leaf("admin", ADMIN, (MASTERS,), (_CLIENT_AUTH,))

    def kubelet_client(self) -> Pair:
        """The client certificate that the server shows to node agents."""
        return self._leaf("kubelet-client", KUBELET_CLIENT, (), (_CLIENT_AUTH,))

    def node(self, name: str, hosts: Sequence[str] = ()) -> Pair:
        """A node agent's certificate: client of the API as ``system:node:NAME``, and server of its own kubelet-shaped API.

        It always carries the node's name as host: the API server asks for exactly that name, so no node can answer for another.
        """
        return self._leaf(f"node-{name}", NODE_PREFIX + name, (NODES_GROUP,), (_CLIENT_AUTH, _SERVER_AUTH), (name, *hosts))

    def signing_key(self) -> Path:
        """The keys of service-account tokens (``sa.key``), see :mod:`~boatyard.server.auth.signing_keys`."""
        path = self._directory / SIGNING_KEYS
        with self._locked():
            if not path.exists():
                write_private(path, signing_keys.fresh())
        return path

    def secret(self, name: str) -> bytes:
        """32 random bytes of that name, made once (``<name>.secret``)."""
        path = self._directory / f"{name}.secret"
        with self._locked():
            if not path.exists():
                write_private(path, self._world.random.randbytes(32))
        return path.read_bytes()

    def _locked(self) -> AbstractContextManager[None]:
        """Control plane and node agent may start at the same moment."""
        return alone_in(self._directory)

    def _authority(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        key_path, cert_path = self._directory / "ca.key", self.ca
        if cert_path.exists():
            if not key_path.exists():
                raise PkiError(f"{cert_path} has lost its {key_path.name}: restore it from a backup, or start with a new directory")
            key, certificate = _load_key(key_path), _load_certificate(cert_path)
            if certificate.public_key() != key.public_key():
                raise PkiError(f"{cert_path} and {key_path.name} don't belong together: restore both from one backup")
            return key, certificate
        # The key comes first: until the certificate is there, nothing was ever signed, and a crash in between costs nothing.
        key = _load_key(key_path) if key_path.exists() else ec.generate_private_key(ec.SECP256R1())
        if not key_path.exists():
            write_private(key_path, _pem(key))
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"boatyard-ca-{self._world.token(8)}")])
        certificate = (
            self._builder(name, name, key, CA_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(sign=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        write_private(cert_path, certificate.public_bytes(serialization.Encoding.PEM))
        return key, certificate

    def _leaf(
        self, file: str, name: str, groups: Sequence[str], uses: Sequence[x509.ObjectIdentifier], hosts: Sequence[str] = ()
    ) -> Pair:
        pair = Pair(self._directory / f"{file}.crt", self._directory / f"{file}.key")
        with self._locked():
            if not self._serves(pair, name, groups, hosts):
                self._issue(pair, name, groups, uses, hosts)
        return pair

    def _issue(
        self, pair: Pair, name: str, groups: Sequence[str], uses: Sequence[x509.ObjectIdentifier], hosts: Sequence[str]
    ) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        subject.append(x509.NameAttribute(NameOID.COMMON_NAME, name))
        builder = (
            self._builder(x509.Name(subject), self._certificate.subject, key, LIFE)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(sign=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(list(uses)), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        # A crash in between leaves a pair that doesn't fit, which _serves() tells, and the next start makes anew.
        write_private(pair.key, _pem(key))
        write_private(pair.cert, certificate.public_bytes(serialization.Encoding.PEM))

    def _serves(self, pair: Pair, name: str, groups: Sequence[str], hosts: Sequence[str]) -> bool:
        """Whether the pair on disk is still what is wanted."""
        try:
            certificate, key = _load_certificate(pair.cert), _load_key(pair.key)
            certificate.verify_directly_issued_by(self._certificate)
        except (OSError, ValueError, TypeError, InvalidSignature):
            return False
        if certificate.public_key() != key.public_key():
            return False
        if certificate.not_valid_after_utc - self._now() < RENEW_BEFORE:
            return False
        subject = certificate.subject
        if [str(a.value) for a in subject.get_attributes_for_oid(NameOID.COMMON_NAME)] != [name]:
            return False
        if [str(a.value) for a in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)] != list(groups):
            return False
        try:
            named = list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
        except x509.ExtensionNotFound:
            named = []
        return set(named) >= {_host(host) for host in hosts}

    def _builder(
        self, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, life: timedelta
    ) -> x509.CertificateBuilder:
        now = self._now()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(int.from_bytes(b"\x01" + self._world.random.randbytes(15), "big"))
            .not_valid_before(now - BACKDATE)
            .not_valid_after(now + life)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )

    def _now(self) -> datetime:
        return datetime.fromtimestamp(int(self._world.now()), UTC)


def _usage(*, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, key_cert_sign=sign, crl_sign=sign, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{path} holds no elliptic-curve key")
    return key


def _load_certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())
