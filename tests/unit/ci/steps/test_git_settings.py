"""What git is told before it touches a repository that others fill."""

import subprocess

import pytest

from boatyard.ci.steps import git_settings


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("https://u:p%40@h/x", ("https://h/x", "u", "p@")),
        ("http://token@h:3000/x", ("http://h:3000/x", "token", "")),
        ("https://h/x@y", ("https://h/x@y", "", "")),
        ("https://h:8443/x@y", ("https://h:8443/x@y", "", "")),
        ("ssh://git@h/x", ("ssh://git@h/x", "", "")),
        ("git@h:a/b", ("git@h:a/b", "", "")),
    ],
)
def test_an_address_with_a_credential_is_taken_apart(address, parts):
    assert git_settings.without_credential(address) == parts


@pytest.mark.parametrize(
    ("address", "host"), [("https://h:8443/x", "h:8443"), ("http://h", "h"), ("ssh://git@h/x", ""), ("git@h:a/b", "")]
)
def test_only_a_host_of_http_is_ever_asked_for_a_password(address, host):
    assert git_settings.host_of(address) == host


def test_git_reads_the_settings_as_they_are_meant(tmp_path):
    (tmp_path / "config").write_text(git_settings.config(git_settings.SETTINGS))
    for name, value in git_settings.SETTINGS.items():
        command = ("git", "config", "--file", tmp_path / "config", "--get", name)
        assert subprocess.run(command, capture_output=True, check=True, text=True).stdout == value + "\n"


def test_nothing_of_the_users_environment_reaches_git_but_what_it_needs(monkeypatch, tmp_path):
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    monkeypatch.setenv("https_proxy", "http://proxy")
    environment = git_settings.environment(str(tmp_path), "h", "", "p")
    assert environment["https_proxy"] == "http://proxy" and environment["HOME"] == str(tmp_path)
    assert not {"GIT_DIR", "AWS_SECRET_ACCESS_KEY"} & environment.keys()
