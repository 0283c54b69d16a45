"""``maven``: Java projects with a ``pom.xml``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boatyard.ci.builders.builder import Builder, stack
from boatyard.ci.pipeline_fields import JunitReports, Step

STACKS = {f"java{version}": f"docker.io/library/maven:3.9-eclipse-temurin-{version}" for version in (8, 11, 17, 21)}


def builder(spec: Mapping[str, Any]) -> Builder:
    """``spec.stack``: java8, java11, java17 (the default), java21."""
    return Builder(
        image=stack(spec, STACKS, "java17"),
        steps=(Step(name="verify", run="if [ -x ./mvnw ]; then mvn=./mvnw; else mvn=mvn; fi\n$mvn -B -ntp verify"),),
        tests=(JunitReports(junit="**/target/surefire-reports/*.xml"), JunitReports(junit="**/target/failsafe-reports/*.xml")),
    )
