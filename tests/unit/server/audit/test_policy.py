"""Which calls a policy tells, and which policies are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from boatyard.server.audit.policy import Asked, PolicyError, load, parse

GET_PODS = Asked("jane", ("crew",), "get", "", "pods", "", "team", "p")


def policy(*rules: dict[str, Any], **more: Any) -> Any:
    return parse({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": list(rules), **more})


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        ({}, True),
        ({"users": ["jane"]}, True),
        ({"users": ["joe"]}, False),
        ({"userGroups": ["x", "crew"]}, True),
        ({"userGroups": ["x"]}, False),
        ({"verbs": ["get", "list"]}, True),
        ({"verbs": ["list"]}, False),
        ({"namespaces": ["team"]}, True),
        ({"namespaces": [""]}, False),
        ({"resources": [{"group": ""}]}, True),
        ({"resources": [{"group": "apps"}]}, False),
        ({"resources": [{"group": "", "resources": ["pods"]}]}, True),
        ({"resources": [{"group": "", "resources": ["pods/log"]}]}, False),
        ({"resources": [{"group": "", "resources": ["pods/*"]}]}, True),
        ({"resources": [{"group": "", "resources": ["*"]}]}, True),
        ({"resources": [{"group": "", "resources": ["*/status"]}]}, False),
        ({"resources": [{"group": "", "resources": ["pods"], "resourceNames": ["p"]}]}, True),
        ({"resources": [{"group": "", "resources": ["pods"], "resourceNames": ["q"]}]}, False),
        ({"resources": [{"group": "apps"}, {"group": "", "resources": ["pods"]}]}, True),
        ({"nonResourceURLs": ["*"]}, False),
        ({"users": ["jane"], "verbs": ["list"]}, False),
    ],
    ids=str,
)
def test_what_a_rule_fits(rule: dict[str, Any], fits: bool) -> None:
    assert policy({"level": "Request", **rule}).verdict(GET_PODS).level == ("Request" if fits else "None")


def test_subresources() -> None:
    status = GET_PODS._replace(subresource="status")
    for resources, fits in ((["pods"], False), (["pods/status"], True), (["*/status"], True), (["pods/*"], True), (["*"], True)):
        rule = {"level": "Metadata", "resources": [{"group": "", "resources": resources}]}
        assert (policy(rule).verdict(status).level == "Metadata") is fits, resources


def test_addresses_that_are_no_resources() -> None:
    metrics = Asked("", (), "get", path="/metrics")
    for paths, fits in ((["/metrics"], True), (["/met*"], True), (["*"], True), (["/api*"], False)):
        assert (policy({"level": "Metadata", "nonResourceURLs": paths}).verdict(metrics).level == "Metadata") is fits
    assert policy({"level": "Metadata", "resources": [{"group": ""}]}).verdict(metrics).level == "None"
    assert policy({"level": "Metadata", "users": [""]}).verdict(metrics).level == "Metadata"


def test_the_first_rule_that_fits_decides() -> None:
    found = policy({"level": "None", "users": ["jane"]}, {"level": "Request"})
    assert found.verdict(GET_PODS).level == "None"
    assert found.verdict(GET_PODS._replace(user="joe")).level == "Request"


def test_what_is_omitted() -> None:
    rule = {"level": "Request", "omitStages": ["ResponseStarted"], "omitManagedFields": False}
    found = policy(rule, omitStages=["RequestReceived"], omitManagedFields=True).verdict(GET_PODS)
    assert found.omit_stages == {"ResponseStarted", "RequestReceived"} and not found.omit_managed_fields


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({}, "level"),
        ({"level": "All"}, "'All'"),
        ({"level": "None", "user": ["x"]}, "user"),
        ({"level": "None", "nonResourceURLs": ["x"]}, 'must begin with a "/"'),
        ({"level": "None", "nonResourceURLs": ["/a*b"]}, "must be the final character"),
        ({"level": "None", "nonResourceURLs": ["/a"], "namespaces": ["b"]}, "both regular resources and non-resource URLs"),
        ({"level": "None", "resources": [{"group": "apps/v1"}]}, "must not have a version"),
        ({"level": "None", "resources": [{"group": "", "resourceNames": ["x"]}]}, "at least one resource"),
        ({"level": "None", "omitStages": ["Never"]}, "omitStages"),
    ],
    ids=str,
)
def test_what_is_refused(rule: dict[str, Any], told: str) -> None:
    with pytest.raises(PolicyError, match=r"rules\[1\]") as refused:
        policy({"level": "None"}, rule)
    assert told in str(refused.value)


def test_everything_wrong_is_told_at_once() -> None:
    with pytest.raises(PolicyError) as refused:
        policy({"level": "x"}, {"level": "None", "nonResourceURLs": ["a"]})
    assert "rules[0]" in str(refused.value) and "rules[1]" in str(refused.value)


def test_files(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    assert load(file) is None
    file.write_text("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n")
    found = load(file)
    assert found is not None and found.verdict(GET_PODS).level == "Metadata"
    for bad in ("", "a: [", "kind: Policy", "apiVersion: audit.k8s.io/v1\nkind: Policy\n", "- x"):
        file.write_text(bad)
        with pytest.raises(PolicyError, match="is no audit policy"):
            load(file)
