"""Clients from what is lying around: a kubeconfig file, or what a pod is given. And a kubeconfig for those who come after."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

from boatyard.machinery.client.http import HttpClient

SERVICE_ACCOUNT_DIRECTORY = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class KubeconfigError(ValueError):
    """The kubeconfig is missing or lacks what is needed; the message says which part."""


def in_cluster() -> HttpClient:
    """The client of a pod's service account: ``KUBERNETES_SERVICE_HOST``/``_PORT`` and the mounted token and CA.

    ``BOATYARD_SERVICE_ACCOUNT_DIRECTORY`` names another directory than Kubernetes' usual one (sandboxes without mounts).
    """
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT")
    if not host or not port:
        raise KubeconfigError("not in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set")
    directory = Path(os.environ.get("BOATYARD_SERVICE_ACCOUNT_DIRECTORY") or SERVICE_ACCOUNT_DIRECTORY)
    for name in ("token", "ca.crt"):
        if not (directory / name).is_file():
            raise KubeconfigError(f"no service account is mounted: {directory / name} is missing")
    host = f"[{host}]" if ":" in host else host
    return HttpClient(f"https://{host}:{port}", ca_file=str(directory / "ca.crt"), token_file=str(directory / "token"))


def from_kubeconfig(path: str | os.PathLike[str], context: str | None = None) -> HttpClient:
    """The client of a context (default: the current one).

    Takes certificates, tokens and their files. Raises KubeconfigError, also for exec plugins and passwords, which it doesn't take.
    """
    # Not at the top: CI servers import this module for in_cluster(), and a YAML parser costs them memory.
    from boatyard.machinery.meta import yaml

    path = Path(path)
    try:
        document: Any = yaml.load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YamlError, UnicodeDecodeError) as error:
        raise KubeconfigError(f"{path}: {error}") from error
    if not isinstance(document, dict):
        raise KubeconfigError(f"{path}: not a kubeconfig")
    chosen = _named(document, "contexts", "context", context or document.get("current-context") or "", path)
    cluster = _named(document, "clusters", "cluster", chosen.get("cluster", ""), path)
    user = _named(document, "users", "user", chosen["user"], path) if chosen.get("user") else {}
    for unsupported in ("exec", "auth-provider", "username"):
        if unsupported in user:
            raise KubeconfigError(f"{path}: users of kind {unsupported!r} are not supported; use a certificate or a token")

    def file(holder: dict[str, Any], key: str) -> str:
        value = holder.get(key) or ""
        return str(path.parent / value) if value else ""

    def data(holder: dict[str, Any], key: str) -> str:
        try:
            return base64.b64decode(holder.get(key) or "", validate=True).decode("ascii")
        except ValueError as error:
            raise KubeconfigError(f"{path}: {key} is not base64 of PEM: {error}") from error

    if not cluster.get("server"):
        raise KubeconfigError(f"{path}: the cluster has no server address")
    return HttpClient(
        cluster["server"], ca_file=file(cluster, "certificate-authority"), ca_data=data(cluster, "certificate-authority-data"),
        server_name=cluster.get("tls-server-name") or "", insecure=bool(cluster.get("insecure-skip-tls-verify")),
        cert_file=file(user, "client-certificate"), key_file=file(user, "client-key"),
        cert_data=data(user, "client-certificate-data"), key_data=data(user, "client-key-data"),
        token=user.get("token") or "", token_file=file(user, "tokenFile"),
    )  # fmt: skip


def kubeconfig(
    address: str, *, ca: str, cert: str = "", key: str = "", token: str = "", name: str = "boatyard", namespace: str = "default"
) -> str:
    """The text of a kubeconfig with one context. ``ca``, ``cert`` and ``key`` are PEM."""
    from boatyard.machinery.meta import yaml

    def encode(pem: str) -> str:
        return base64.b64encode(pem.encode("ascii")).decode("ascii")

    user: dict[str, Any] = {"token": token} if token else {}
    if cert:
        user |= {"client-certificate-data": encode(cert), "client-key-data": encode(key)}
    return yaml.dump(
        {
            "apiVersion": "v1", "kind": "Config", "current-context": name,
            "clusters": [{"name": name, "cluster": {"server": address, "certificate-authority-data": encode(ca)}}],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": namespace}}],
        }
    )  # fmt: skip


def write_kubeconfig(path: str | os.PathLike[str], text: str) -> None:
    """Put ``text`` (of :func:`kubeconfig`) into place at once, readable by its owner alone. One that is the same stays, so that a
    program starts on a full disk, too."""
    path = Path(path)
    if path.exists() and path.stat().st_mode & 0o777 == 0o600 and path.read_text(encoding="utf-8") == text:
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _named(document: dict[str, Any], section: str, key: str, name: str, path: Path) -> dict[str, Any]:
    for entry in document.get(section) or ():
        if isinstance(entry, dict) and entry.get("name") == name:
            return entry.get(key) or {}
    what = f"no {key} named {name!r}" if name else "no current-context"
    raise KubeconfigError(f"{path}: {what}")
