"""What this version can't serve is told from the CiConfig alone."""

from __future__ import annotations

from typing import Any

import pytest

from boatyard.ci.instance.limits import unserved
from boatyard.ci.kinds import CiConfig


def told(url: str = "https://git.example.org/web.git", **scm: Any) -> list[str]:
    source = {"git": {"url": url}, **({"scm": scm} if scm else {})}
    return list(unserved(CiConfig.read({"metadata": {"name": "web"}, "spec": {"source": source}})))


@pytest.mark.parametrize(
    "url",
    ["http://h/web.git", "https://u@h:8443/t/web.git", "ssh://git@h/web.git", "git@h:t/web.git", "h:web.git", "/srv/git/web.git", "file:///srv/web.git"],
)  # fmt: skip
def test_addresses_that_git_may_fetch(url: str):
    assert told(url) == []


@pytest.mark.parametrize("url", ["git://h/web.git", "ext::sh -c id", "ftp://h/web.git", "web", "https://", "-oProxyCommand=id"])
def test_addresses_that_git_may_not_fetch(url: str):
    assert told(url) == ["spec.source.git.url: must be an https, http or ssh address, or a path"]


def test_an_scm_without_an_adapter_is_named():
    assert told(type="gitea") == told(type="generic") == []
    assert told(type="github") == ["spec.source.scm.type: this version can't talk to github; there are gitea and generic"]


@pytest.mark.parametrize("url", ["https://ci:secret@h/web.git", "http://:token@h:3000/web.git", "ssh://git:x@h/web.git"])
def test_a_password_in_an_address_is_refused_without_being_repeated(url: str):
    (problem,) = told(url)
    assert "source.git.credentials" in problem and "secret" not in problem.replace("Secret", "")
