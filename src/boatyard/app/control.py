"""The control plane's process: store, API server, controllers and gateway, wired together."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import click

import boatyard
from boatyard.app import addresses, discovery
from boatyard.app.layout import DataDirectory
from boatyard.app.memory import give_back, grow, settle
from boatyard.app.program import main_of, tell_ready
from boatyard.app.roles import install_roles
from boatyard.app.sealing import Sealing, key_file
from boatyard.gateway.front import Gateway
from boatyard.gateway.sessions import Sessions
from boatyard.machinery.client.client import Client
from boatyard.machinery.client.embedded import EmbeddedClient
from boatyard.machinery.client.kubeconfig import kubeconfig, write_kubeconfig
from boatyard.machinery.meta.core import CUSTOM_RESOURCE_DEFINITIONS
from boatyard.machinery.objects.directory import DirectoryObjects
from boatyard.machinery.registry.compaction import forget_history
from boatyard.machinery.registry.rbac import RbacAuthorizer
from boatyard.machinery.registry.registry import Registry
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.settings import Settings
from boatyard.machinery.runtime.tasks import TaskGroup
from boatyard.machinery.runtime.world import RealWorld, World
from boatyard.machinery.schema.crd import crd_of, discover
from boatyard.machinery.store import metrics
from boatyard.machinery.store.faults import StoreFormatError, StoreInUse
from boatyard.machinery.store.keyring import KeyRingError
from boatyard.machinery.store.sealed import SealedStore
from boatyard.machinery.store.sqlite import SqliteStore
from boatyard.machinery.store.store import Damaged
from boatyard.machinery.telemetry.logs import get_logger
from boatyard.server.audit import policy as audit_policy
from boatyard.server.audit.audit import Audit
from boatyard.server.audit.log import AuditLog
from boatyard.server.auth import signing_keys
from boatyard.server.auth.pki import Pki, PkiError
from boatyard.server.flow import limits
from boatyard.server.server import ApiServer

log = get_logger("app")

UNUSABLE = (
    KeyRingError, PkiError, signing_keys.SigningKeyError, audit_policy.PolicyError, StoreInUse, StoreFormatError, Damaged, OSError,
)  # fmt: skip
"""What is wrong with a data directory, in words for its owner."""

SPARE_FILES = 1000
"""Files beside the connections to the API server: the database, the gateway's connections, connections to nodes."""
SWITCH_SECONDS = 0.0005
"""How long the store's thread waits for a busy event loop to let it go on. It has to a few times in every commit: at Python's own
5 ms a commit under load would take ten times as long as its sync."""
HANDOVER_SECONDS = 10.0
"""How long a control plane waits for one before it that is still ending."""

VERIFY_SECONDS = 5.0
"""After the start, when clients have their first answers, all pages of the database are looked at."""

RENEW_SECONDS = 6 * 3600.0
"""How often certificates are looked at; they are made anew two months before they run out."""


async def run(data: DataDirectory, ready_fd: int | None, secrets_key_file: Path | None = None) -> None:
    """Run until cancelled. What was acknowledged before is there again; pods are none of its business."""
    grow()
    world = RealWorld()
    chosen = addresses.load(data.root / "control" / "addresses.json")
    if chosen is None:
        raise addresses.AddressError(f"{data.root} has no addresses: start with `boatyard up`")
    allowed = limits.load(data.limits)
    allow_files(allowed.connections + SPARE_FILES)
    sys.setswitchinterval(SWITCH_SECONDS)
    sealing = Sealing(data, world, key_file(data, secrets_key_file))
    try:
        policy = audit_policy.load(data.audit_policy)
        pki = Pki(data.pki, world)
        signing_keys.load(pki.signing_key())
        store = await open_store(sealing, world)
    except UNUSABLE as error:
        raise click.ClickException(str(error)) from error
    metrics.publish(sealing.database)
    try:
        await DirectoryObjects(data.objects).sweep()
        registry = Registry(store, world)
        registry.authorizer = RbacAuthorizer(registry)
        await registry.start()
        hosts = list(dict.fromkeys(("127.0.0.1", chosen.internal_host)))
        told = AuditLog(
            data.audit_log, world, max_bytes=allowed.audit_file_bytes, files=allowed.audit_files, days=allowed.audit_days
        )
        server = ApiServer(
            registry, pki=pki, world=world, hosts=hosts, port=chosen.api_port, freebind=chosen.pod_network,
            limits=allowed, audit=Audit(told, world, policy),
        )  # fmt: skip
        client = EmbeddedClient(registry, pod_streams=server.pods)
        await install_kinds(client)
        settings = make_settings(data, chosen, pki)
        manager = Manager(client, world)
        for controller in discovery.controllers(manager, settings):
            manager.add(controller)
        certificate = pki.server(hosts)
        gateway = Gateway(
            client, world, settings, addresses=hosts, port=chosen.gateway_port, certificate=certificate.cert, key=certificate.key,
            sessions=Sessions(pki.secret("sessions"), data.keys / "used-links", world), http_port=chosen.gateway_http_port,
        )  # fmt: skip
        await server.start()
        try:
            async with TaskGroup() as group:
                group.start(manager.run(), "controllers")
                group.start(gateway.run(), "gateway")
                group.start(forget_history(store, world), "compaction")
                group.start(sealing.run(store), "sealing")
                group.start(renew(server, gateway, data, chosen, pki, world), "certificates")
                group.start(verify(sealing.database, world), "verification")
                group.start(give_back(world), "memory")
                await manager.ready()
                await gateway.ready()
                write_kubeconfig(data.kubeconfig, admin_kubeconfig(chosen, pki))
                tell_ready(ready_fd)
                settle()
                log.info("control plane is ready", api=chosen.api, gateway=chosen.gateway)
        finally:
            await server.stop()
    finally:
        await store.close()


async def open_store(sealing: Sealing, world: World) -> SealedStore:
    """The store, as soon as whoever had it before has ended. Raises what ``Sealing.open`` does."""
    patience = world.monotonic() + HANDOVER_SECONDS
    while True:
        try:
            return await sealing.open()
        except StoreInUse:
            if world.monotonic() > patience:
                raise
            await world.sleep(0.1)


def allow_files(count: int) -> None:
    """Let this process have so many files and connections open, as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def verify(database: SqliteStore, world: World) -> None:
    """Once, when the start is over: whether every page of the database is whole."""
    await world.sleep(VERIFY_SECONDS)
    try:
        await database.verify()
    except (Damaged, OSError) as error:
        log.error("the database is not sound", why=str(error))


async def renew(
    server: ApiServer, gateway: Gateway, data: DataDirectory, chosen: addresses.Addresses, pki: Pki, world: World
) -> None:
    """Make certificates anew before they run out, and use them: the program may run longer than they last."""
    while True:
        await world.sleep(RENEW_SECONDS)
        try:
            server.renew()
            gateway.renew()
            write_kubeconfig(data.kubeconfig, admin_kubeconfig(chosen, pki))
        except OSError as error:
            log.error("certificates are not renewed", why=str(error))


async def install_kinds(client: Client) -> None:
    """Declare our kinds to the API server, and who may do what with them. Unchanged ones are left as they are."""
    stored = [model for model in discover() if model.info.stored]
    for model in stored:
        await client.apply(CUSTOM_RESOURCE_DEFINITIONS, crd_of(model), field_manager="boatyard")
    await install_roles(client, (model.resource.group for model in stored))


def make_settings(data: DataDirectory, chosen: addresses.Addresses, pki: Pki) -> Settings:
    """What every controller may know."""
    return Settings(
        object_store=DirectoryObjects(data.objects), objects_url=data.objects.resolve().as_uri(), gateway_url=chosen.public,
        gateway_internal_url=chosen.gateway_internal, gateway_ca_pem=pki.ca_pem(), api_internal_url=chosen.api_internal,
        api_ca_pem=pki.ca_pem(), secrets_key=pki.secret("uploads"), embedded=True, version=boatyard.__version__,
    )  # fmt: skip


def admin_kubeconfig(chosen: addresses.Addresses, pki: Pki) -> str:
    """The administrator's way in."""
    pair = pki.admin()
    return kubeconfig(chosen.api, ca=pki.ca_pem(), cert=pair.cert.read_text(), key=pair.key.read_text())


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--ready-fd", type=int, help="File descriptor to tell the parent on.")
@click.option("--secrets-key-file", type=click.Path(path_type=Path, dir_okay=False), help="Keys of secrets, elsewhere.")
def main(directory: Path, ready_fd: int | None, secrets_key_file: Path | None) -> None:
    """Run the control plane of a data directory. `boatyard up` does."""
    main_of("control", run(DataDirectory(directory), ready_fd, secrets_key_file))


if __name__ == "__main__":
    main()
