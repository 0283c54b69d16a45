"""What a build is refused, whoever asks for it, and what ends one that can't begin."""

from __future__ import annotations

from typing import Any

import pytest

from boatyard.ci import build_controller
from boatyard.ci.compose import refused_build
from boatyard.ci.kinds import Build
from boatyard.machinery.meta.core import (
    PODS,
)
from unit.ci.documents import build, trigger
from unit.ci.yard import Yard


def test_a_refused_build_is_an_error_at_once_and_has_no_pod(yard):
    async def body(y: Yard) -> None:
        await y.make(refused_build(y.config, trigger(), 8, "InvalidPipeline", "line 3: no"))
        assert await y.phase("shop-8") == ("Error", "InvalidPipeline")
        assert (await y.archived(8))["status"]["message"] == "line 3: no"
        assert await y.names(PODS, "team") == []

    yard(body)


def test_a_build_made_around_the_ci_server_gets_no_more_than_one_made_by_it(yard):
    async def body(y: Yard) -> None:
        made = build(config=y.config)
        for field in ("uid", "resourceVersion", "creationTimestamp"):
            made["metadata"].pop(field)
        made["spec"]["podTemplate"]["spec"]["hostNetwork"] = True
        await y.make(made)
        status = (await y.build())["status"]
        assert (status["phase"], status["reason"]) == ("Error", "TemplateRefused")
        assert "spec.podTemplate.spec.hostNetwork" in status["message"]

    yard(body)


def test_a_build_fetches_with_the_secret_of_its_ciconfig_or_with_none(yard):
    async def body(y: Yard) -> None:
        made = build(config=y.config)
        for field in ("uid", "resourceVersion", "creationTimestamp"):
            made["metadata"].pop(field)
        made["spec"]["source"] |= {"url": "https://evil.example/x.git", "credentials": {"name": "production-database"}}
        await y.make(made)
        status = (await y.build())["status"]
        assert (status["phase"], status["reason"]) == ("Error", "CredentialRefused")
        assert await y.names(PODS, "team") == []

    yard(body)


def test_an_image_that_cannot_be_had_ends_the_build(yard):
    async def body(y: Yard) -> None:
        await y.push()
        waiting = {"waiting": {"reason": "ErrImagePull", "message": "no container runtime here"}}
        await y.says("shop-7", "Pending", build=waiting)
        assert (await y.pod())["metadata"]["deletionTimestamp"]
        await y.says("shop-7", "Failed", said="", code=137)
        await y.settle(100)
        status = (await y.build())["status"]
        assert (status["phase"], status["reason"]) == ("Error", "ImageUnavailable")
        assert "no container runtime here" in status["message"]

    yard(body)


def test_a_template_that_is_no_pods_is_refused_even_where_nobody_checked_it(yard, monkeypatch):
    async def body(y: Yard) -> None:
        def broken(*_: Any) -> Any:
            raise TypeError("'int' object is not iterable")

        monkeypatch.setattr(build_controller, "build_pod", broken)
        await y.push()
        status = (await y.build())["status"]
        assert (status["phase"], status["reason"]) == ("Error", "TemplateRefused")

    yard(body)


def test_the_spec_cannot_be_changed(yard):
    async def body(y: Yard) -> None:
        await y.push()
        with pytest.raises(Exception, match="can't be changed"):
            await y.client.patch(Build.resource, "shop-7", {"spec": {"timeout": "9h"}}, "team")

    yard(body)
