"""``boatyard``: Boatyard's own CI server."""

from __future__ import annotations

import msgspec

from boatyard.ci.ciconfig_fields import CiConfigSpec
from boatyard.ci.engines.engine import Place
from boatyard.machinery.meta.objects import Object, name, namespace

HEALTH = "/healthz"


def container(ciconfig: Object, spec: CiConfigSpec, place: Place) -> Object:
    """The CI server's container. It keeps what it must not lose on the claim, and reads the archive of its builds."""
    own = {
        "BOATYARD_CICONFIG": name(ciconfig), "BOATYARD_NAMESPACE": namespace(ciconfig), "BOATYARD_PORT": str(place.port),
        "BOATYARD_BASE_PATH": place.base_path, "BOATYARD_URL": place.url, "BOATYARD_DATA": place.data,
        "BOATYARD_OBJECTS": place.objects,
    }  # fmt: skip
    token = {"secretKeyRef": {"name": place.secret, "key": "gateway-token"}}
    declared = [msgspec.to_builtins(one) for one in spec.strategy.master.env if one.name not in own]
    master = spec.strategy.master
    return {
        "name": "ciserver",
        "image": master.image or f"boatyard.dev/ciserver:{place.settings.version or 'latest'}",
        "command": ["/bin/sh", "-c", 'exec "${BOATYARD_PYTHON:-/opt/boatyard/bin/python}" -m boatyard.ciserver'],
        "env": [
            *({"name": key, "value": value} for key, value in own.items()),
            {"name": "BOATYARD_GATEWAY_TOKEN", "valueFrom": token},
            *declared,
        ],
        "ports": [{"name": "http", "containerPort": place.port}],
        "readinessProbe": {"httpGet": {"path": HEALTH, "port": place.port}, "periodSeconds": 2, "failureThreshold": 3},
        "livenessProbe": {
            "httpGet": {"path": HEALTH, "port": place.port}, "initialDelaySeconds": 30, "periodSeconds": 20, "timeoutSeconds": 10,
            "failureThreshold": 6,
        },
        **({"resources": master.resources} if master.resources else {}),
    }  # fmt: skip
