"""Clients from files, and files for others."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from boatyard.machinery.client.kubeconfig import KubeconfigError, from_kubeconfig, in_cluster, kubeconfig, write_kubeconfig
from boatyard.machinery.meta import yaml


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config"
    path.write_text(text)
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "config"
    write_kubeconfig(path, kubeconfig("https://127.0.0.1:1", ca="CA", cert="CERT", key="KEY"))
    client = from_kubeconfig(path)
    assert client.address == "https://127.0.0.1:1"
    credentials = client._transport._credentials
    assert (credentials.ca_data, credentials.cert_data, credentials.key_data) == ("CA", "CERT", "KEY")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["config"]


def test_files_are_relative_to_the_kubeconfig(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\n"
        "clusters: [{name: c, cluster: {server: 'https://x', certificate-authority: ca.pem, tls-server-name: y}}]\n"
        "users: [{name: u, user: {client-certificate: /abs/cert, client-key: key, tokenFile: t}}]\n",
    )
    credentials = from_kubeconfig(path)._transport._credentials
    assert credentials.ca_file == str(tmp_path / "ca.pem")
    assert (credentials.cert_file, credentials.key_file) == ("/abs/cert", str(tmp_path / "key"))
    assert (credentials.token_file, credentials.server_name) == (str(tmp_path / "t"), "y")


def test_a_context_is_chosen_by_name(tmp_path: Path) -> None:
    document = yaml.load(kubeconfig("https://one", ca="", token="t"))
    document["contexts"].append({"name": "two", "context": {"cluster": "two"}})
    document["clusters"].append({"name": "two", "cluster": {"server": "https://two"}})
    path = written(tmp_path, yaml.dump(document))
    assert from_kubeconfig(path).address == "https://one"
    assert from_kubeconfig(path, "two").address == "https://two"
    with pytest.raises(KubeconfigError, match="no context named 'three'"):
        from_kubeconfig(path, "three")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[", "line"), ("just text", "not a kubeconfig"), ("{}", "no current-context"),
        ("current-context: a\ncontexts: [{name: a, context: {cluster: c}}]", "no cluster named 'c'"),
        ("current-context: a\ncontexts: [{name: a, context: {cluster: c}}]\nclusters: [{name: c, cluster: {}}]",
         "no server address"),
        (
            "current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\n"
            "clusters: [{name: c, cluster: {server: s}}]\nusers: [{name: u, user: {exec: {command: x}}}]",
            "'exec' are not supported",
        ),
        (
            "current-context: a\ncontexts: [{name: a, context: {cluster: c}}]\n"
            "clusters: [{name: c, cluster: {server: s, certificate-authority-data: '%'}}]", "not base64",
        ),
    ],
)  # fmt: skip
def test_what_is_missing_is_told(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(KubeconfigError, match=told):
        from_kubeconfig(written(tmp_path, text))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match="No such file"):
        from_kubeconfig(tmp_path / "none")


def test_a_pod_finds_its_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(KubeconfigError, match="not in a pod"):
        in_cluster()
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "6443")
    monkeypatch.setenv("BOATYARD_SERVICE_ACCOUNT_DIRECTORY", str(tmp_path))
    with pytest.raises(KubeconfigError, match="no service account is mounted"):
        in_cluster()
    (tmp_path / "token").write_text("t")
    (tmp_path / "ca.crt").write_text("")
    assert in_cluster().address == "https://[fd00::1]:6443"
