"""The certificate authority: what it signs, what it keeps, what it makes again."""

from __future__ import annotations

import asyncio
import ssl
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.world import RealWorld
from boatyard.server.auth.pki import RENEW_BEFORE, Pki, PkiError
from boatyard.server.server import ApiServer

DAY = 86400.0


class LaterWorld(RealWorld):
    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    def now(self) -> float:
        return super().now() + self.seconds


def load(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    pki = Pki(tmp_path / "pki", RealWorld())
    pki.server()
    pki.admin()
    pki.signing_key()
    pki.secret("uploads")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "pki").iterdir()}
    assert len(modes) == 9
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE((tmp_path / "pki").stat().st_mode) == 0o700


def test_a_second_start_finds_everything_as_it_was(tmp_path: Path) -> None:
    first = Pki(tmp_path, RealWorld())
    before = [first.ca, *first.server(["10.1.2.3"]), *first.admin(), *first.node("n1"), first.signing_key()]
    bytes_before = [path.read_bytes() for path in before]
    second = Pki(tmp_path, RealWorld())
    after = [second.ca, *second.server(["10.1.2.3"]), *second.admin(), *second.node("n1"), second.signing_key()]
    assert [path.read_bytes() for path in after] == bytes_before
    assert first.secret("x") == second.secret("x")


def test_subjects_carry_user_and_groups(tmp_path: Path) -> None:
    subject = load(Pki(tmp_path, RealWorld()).node("worker-1").cert).subject
    assert subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "system:node:worker-1"
    assert [a.value for a in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)] == ["system:nodes"]


def test_two_programs_that_start_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        several = list(pool.map(lambda _: Pki(tmp_path, RealWorld()).admin().cert.read_bytes(), range(4)))
    assert len(set(several)) == 1
    assert load(Pki(tmp_path, RealWorld()).admin().cert).public_bytes(Encoding.PEM) == several[0]


def test_a_new_host_makes_a_new_server_certificate(tmp_path: Path) -> None:
    pki = Pki(tmp_path, RealWorld())
    old = load(pki.server().cert)
    new = load(pki.server(["10.231.0.1", "yard.example"]).cert)
    names = new.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert new.serial_number != old.serial_number
    assert {"localhost", "yard.example", "kubernetes.default.svc"} <= set(names.get_values_for_type(x509.DNSName))
    assert {"127.0.0.1", "10.96.0.1", "10.231.0.1"} <= {str(a) for a in names.get_values_for_type(x509.IPAddress)}
    new.verify_directly_issued_by(load(pki.ca))


def test_a_certificate_is_renewed_before_it_runs_out(tmp_path: Path) -> None:
    old = load(Pki(tmp_path, RealWorld()).admin().cert)
    almost = 365 * DAY - RENEW_BEFORE.total_seconds()
    assert load(Pki(tmp_path, LaterWorld(almost - DAY)).admin().cert).serial_number == old.serial_number
    assert load(Pki(tmp_path, LaterWorld(almost + DAY)).admin().cert).serial_number != old.serial_number


async def test_a_running_server_shows_a_fresh_certificate(registry: Registry, tmp_path: Path) -> None:
    clock = LaterWorld(0)
    pki = Pki(tmp_path / "pki", clock)
    server = ApiServer(registry, pki=pki, world=RealWorld())
    await server.start()

    def shown() -> int:
        pem = ssl.get_server_certificate(("127.0.0.1", server.port))
        return x509.load_pem_x509_certificate(pem.encode()).serial_number

    first = await asyncio.to_thread(shown)
    server.renew()
    assert await asyncio.to_thread(shown) == first
    clock.seconds = 330 * DAY
    server.renew()
    assert await asyncio.to_thread(shown) != first
    await server.stop()


@pytest.mark.parametrize("broken", ["admin.crt", "admin.key"])
def test_a_half_written_pair_is_made_anew(tmp_path: Path, broken: str) -> None:
    pki = Pki(tmp_path, RealWorld())
    pair = pki.admin()
    (tmp_path / broken).write_bytes(b"")
    pair = Pki(tmp_path, RealWorld()).admin()
    assert load(pair.cert).public_key()


def test_a_crash_between_the_cas_key_and_certificate_is_mended(tmp_path: Path) -> None:
    pki = Pki(tmp_path, RealWorld())
    key = (tmp_path / "ca.key").read_bytes()
    pki.ca.unlink()
    again = Pki(tmp_path, RealWorld())
    assert (tmp_path / "ca.key").read_bytes() == key
    load(again.admin().cert).verify_directly_issued_by(load(again.ca))


def test_a_ca_without_its_key_is_never_replaced(tmp_path: Path) -> None:
    Pki(tmp_path, RealWorld())
    (tmp_path / "ca.key").unlink()
    with pytest.raises(PkiError, match="restore it from a backup"):
        Pki(tmp_path, RealWorld())
