"""The two servers: our control plane as `boatyard up` runs it, and etcd with a kube-apiserver. Both with one caller under RBAC."""

from __future__ import annotations

import asyncio
import base64
import compileall
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

import boatyard
from bench.api.connection import Server
from bench.api.work import NAMESPACE
from boatyard.app import addresses
from boatyard.app.layout import DataDirectory
from boatyard.machinery.client.http import HttpClient
from boatyard.machinery.client.kubeconfig import from_kubeconfig
from boatyard.machinery.meta.core import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, NAMESPACES, SERVICE_ACCOUNTS
from boatyard.machinery.meta.errors import AlreadyExists
from boatyard.machinery.runtime.world import RealWorld
from boatyard.server.auth.pki import Pki

CALLER = "caller"


@dataclass(frozen=True)
class Peer:
    """A running server: how to reach it and which processes it is."""

    server: Server
    kubeconfig: Path
    pids: tuple[int, ...]

    def resident_bytes(self) -> int:
        """Memory of its processes."""
        return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") for pid in self.pids)


@contextmanager
def ours(prepare: Callable[[DataDirectory], None] = lambda data: None, answered: list[float] | None = None) -> Iterator[Peer]:
    """A control plane without a node agent. ``prepare`` may fill its store before; ``answered`` gets the seconds from the start to
    the first answer of an object."""
    directory = Path(tempfile.mkdtemp(prefix="boatyard-bench-"))
    data = DataDirectory(directory / "data")
    data.prepare()
    file = data.root / "control" / "addresses.json"
    addresses.save(file, addresses.choose(None, api_port=0, gateway_port=0, gateway_http_port=None, internal_host="127.0.0.1"))
    chosen = addresses.load(file)
    assert chosen is not None
    prepare(data)
    # As an installer does: an interpreter that may write no bytecode would compile the program anew at every start.
    compileall.compile_dir(Path(boatyard.__file__).parent, quiet=1)
    Pki(data.pki, RealWorld()).admin()  # as after any start but the first
    reading, writing = os.pipe()
    log = open(data.run / "control.log", "wb")
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "boatyard.app.control", str(data.root), "--ready-fd", str(writing)],
        stdout=log, stderr=log, stdin=subprocess.DEVNULL, pass_fds=(writing,),
    )  # fmt: skip
    os.close(writing)
    try:
        if answered is not None:
            _answers(data, chosen.api_port, process)
            answered.append(time.perf_counter() - begun)
        if os.read(reading, 16) != b"ready":
            raise RuntimeError(f"the control plane did not start: {(data.run / 'control.log').read_text()[-2000:]}")
        token = asyncio.run(_caller(data.kubeconfig))
        yield Peer(Server(chosen.api_port, str(data.pki / "ca.crt"), token), data.kubeconfig, (process.pid,))
    finally:
        process.terminate()
        process.wait()
        os.close(reading)
        log.close()
        shutil.rmtree(directory, ignore_errors=True)


def _answers(data: DataDirectory, port: int, process: subprocess.Popen[bytes]) -> None:
    """Until a GET of an object over TLS succeeds; the caller is the administrator, whose certificate is there from the start."""
    import http.client
    import ssl

    for _ in range(6000):
        if process.poll() is not None:
            raise RuntimeError(f"the control plane ended: {(data.run / 'control.log').read_text()[-2000:]}")
        try:
            tls = ssl.create_default_context(cafile=str(data.pki / "ca.crt"))
            tls.load_cert_chain(data.pki / "admin.crt", data.pki / "admin.key")
            connection = http.client.HTTPSConnection("127.0.0.1", port, context=tls, timeout=10)
            connection.request("GET", f"/api/v1/namespaces/{NAMESPACE}/configmaps/object-00500")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.01)
    raise RuntimeError("no answer within a minute")


@contextmanager
def theirs() -> Iterator[Peer]:
    """etcd and kube-apiserver. Raises FileNotFoundError where they are missing."""
    place = os.environ.get("BOATYARD_REAL_PARTS", "")
    starter = Path(place or ".") / "kubernetes"
    if not place or not starter.exists():
        raise FileNotFoundError("set BOATYARD_REAL_PARTS to a directory with the starter 'kubernetes' (etcd and kube-apiserver)")
    directory = Path(tempfile.mkdtemp(prefix="boatyard-bench-"))
    index = next(index for index in range(9, -1, -1) if _is_free(16443 + 100 * index))
    try:
        up = subprocess.run(
            [starter, "up", directory, "--level", "api", "--index", str(index)], capture_output=True, text=True, timeout=120
        )
        if up.returncode:
            raise RuntimeError(f"kube-apiserver did not start: {up.stderr[-2000:]}")
        kubeconfig = Path(up.stdout.strip().splitlines()[-1])
        token = asyncio.run(_caller(kubeconfig))
        pids = tuple(int((directory / f"{name}.pid").read_text()) for name in ("etcd", "kube-apiserver"))
        yield Peer(Server(_port(kubeconfig), _ca(kubeconfig, directory), token), kubeconfig, pids)
    finally:
        subprocess.run([starter, "down", directory], capture_output=True, timeout=60)
        shutil.rmtree(directory, ignore_errors=True)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _cluster(kubeconfig: Path) -> dict:
    return yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]


def _port(kubeconfig: Path) -> int:
    return int(_cluster(kubeconfig)["server"].rpartition(":")[2].rstrip("/"))


def _ca(kubeconfig: Path, directory: Path) -> str:
    cluster = _cluster(kubeconfig)
    if "certificate-authority" in cluster:
        return cluster["certificate-authority"]
    (directory / "ca.pem").write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
    return str(directory / "ca.pem")


async def _caller(kubeconfig: Path) -> str:
    """The token of a service account that may do what the bench does, by a role: as any program's, not an administrator's."""
    client = from_kubeconfig(kubeconfig)
    try:
        await _make(client, NAMESPACES, {"metadata": {"name": NAMESPACE}})
        for name in ("default", CALLER):
            await _make(client, SERVICE_ACCOUNTS, {"metadata": {"name": name, "namespace": NAMESPACE}})
        rules = [{"apiGroups": [""], "resources": ["pods", "pods/status", "configmaps"], "verbs": ["*"]}]
        await _make(client, CLUSTER_ROLES, {"metadata": {"name": "bench"}, "rules": rules})
        subject = {"kind": "ServiceAccount", "name": CALLER, "namespace": NAMESPACE}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "bench"}
        await _make(client, CLUSTER_ROLE_BINDINGS, {"metadata": {"name": "bench"}, "roleRef": role, "subjects": [subject]})
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 7200}}
        answer = await client.create(SERVICE_ACCOUNTS, asked, NAMESPACE, name=CALLER, subresource="token")
        return answer["status"]["token"]
    finally:
        await client.close()


async def _make(client: HttpClient, resource, document) -> None:
    try:
        await client.create(resource, {"apiVersion": resource.api_version, "kind": resource.kind, **document})
    except AlreadyExists:
        pass
