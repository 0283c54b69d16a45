"""Which events start a build."""

from __future__ import annotations

import pytest

from boatyard.ci.kinds import CiConfig
from boatyard.ci.pipeline_fields import On, OnPullRequest, OnPush, OnSchedule
from boatyard.ci.triggers import any_matches, pull_request_starts, push_starts, touches
from unit.ci.documents import ciconfig


def config(branches=(), **pull_requests):
    git = {"url": "https://example.org/x.git", "branches": list(branches)}
    return CiConfig.read(ciconfig(source={"git": git, "pullRequests": pull_requests})).spec


@pytest.mark.parametrize(
    ("on", "ref", "changed", "starts"),
    [
        (None, "refs/heads/main", None, True),
        (None, "refs/tags/v1", None, False),
        (On(), "refs/heads/x", None, True),
        (On(pull_request=OnPullRequest()), "refs/heads/main", None, False),
        (On(schedule=(OnSchedule(cron="0 0 * * *"),)), "refs/heads/main", None, False),
        (On(push=OnPush(branches=("main", "release/*"))), "refs/heads/release/1.0", None, True),
        (On(push=OnPush(branches=("main",))), "refs/heads/topic", None, False),
        (On(push=OnPush(tags=("v*",))), "refs/tags/v1", None, True),
        (On(push=OnPush(tags=("v*",))), "refs/heads/main", None, False),
        (On(push=OnPush(paths=("src/**",))), "refs/heads/main", ["docs/a.md"], False),
        (On(push=OnPush(paths=("src/**",))), "refs/heads/main", ["docs/a.md", "src/a/b.py"], True),
        (On(push=OnPush(paths=("src/**",))), "refs/heads/main", None, True),
        (None, "refs/notes/commits", None, False),
    ],
)
def test_pushes(on, ref, changed, starts):
    assert push_starts(config(), on, ref, changed) is starts


def test_the_ciconfig_has_the_first_word():
    assert not push_starts(config(branches=["main"]), On(push=OnPush()), "refs/heads/topic", None)
    assert not pull_request_starts(config(enabled=False), None, "refs/heads/main", None)
    assert not pull_request_starts(config(targets=["main"]), None, "refs/heads/topic", None)


def test_pull_requests_by_target_and_path():
    on = On(pull_request=OnPullRequest(targets=("main",), paths=("*.py",)))
    assert pull_request_starts(config(), on, "refs/heads/main", ["a.py"])
    assert not pull_request_starts(config(), on, "refs/heads/main", ["a/b.py"])
    assert not pull_request_starts(config(), on, "refs/heads/next", ["a.py"])
    assert not pull_request_starts(config(), On(push=OnPush()), "refs/heads/main", None)


def test_two_stars_cross_directories_one_star_does_not():
    assert touches(["**/x.py"], ["x.py"]) and touches(["**/x.py"], ["a/b/x.py"])
    assert not touches(["*/x.py"], ["a/b/x.py"])
    assert any_matches(["release/*"], "release/a/b")


@pytest.mark.timeout(60)
def test_patterns_are_linear_in_the_text():
    assert not any_matches(["*a" * 50 + "b"], "a" * 2000)
