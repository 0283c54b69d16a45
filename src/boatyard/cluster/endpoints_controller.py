"""Keeps a Service's EndpointSlices true to the pods that its selector chooses."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from boatyard.machinery.meta.conditions import is_true
from boatyard.machinery.meta.core import ENDPOINT_SLICES, PODS, SERVICES
from boatyard.machinery.meta.errors import AlreadyExists, NotFound
from boatyard.machinery.meta.objects import Object, deleting, labels, name, namespace, owner_reference, uid
from boatyard.machinery.meta.selectors import LabelSelector
from boatyard.machinery.runtime.controller import Controller, Request, Watch
from boatyard.machinery.runtime.manager import Manager
from boatyard.machinery.runtime.settings import Settings

MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
SERVICE_NAME = "kubernetes.io/service-name"
OURS = "endpoints.boatyard.dev"
BY_SELECTOR, BY_SERVICE = "selector", "service"


def controller(manager: Manager, settings: Settings) -> Controller:
    endpoints = Endpoints(manager)
    return Controller(
        "endpoints", SERVICES, endpoints.reconcile, workers=2,
        watches=[Watch(PODS, endpoints.requests_of_pod), Watch(ENDPOINT_SLICES, requests_of_slice)],
    )  # fmt: skip


def requests_of_slice(endpoint_slice: Object) -> Iterable[Request]:
    if labels(endpoint_slice).get(MANAGED_BY) == OURS:
        yield Request(namespace(endpoint_slice), labels(endpoint_slice).get(SERVICE_NAME, ""))


def selector_key(service: Object) -> Iterable[str]:
    """One label that every pod of the service has: finds the few services that may be meant by a pod."""
    selector = service["spec"].get("selector")
    if selector:
        key = min(selector)
        yield f"{namespace(service)}/{key}={selector[key]}"


def desired_slices(service: Object, pods: Iterable[Object]) -> dict[str, Object]:
    """The slices, by name: one for each way in which the service's ports resolve in its pods. Pure.

    A pod counts when it has an address and has not ended; it is ready when its Ready condition says so and it isn't being deleted.
    """
    always = bool(service["spec"].get("publishNotReadyAddresses"))
    groups: dict[str, tuple[list[Object], list[Object]]] = {}
    for pod in sorted(pods, key=name):
        status = pod.get("status") or {}
        address = status.get("podIP")
        if not address or status.get("phase") in ("Succeeded", "Failed"):
            continue
        ports = [resolved for port in service["spec"].get("ports") or () if (resolved := _resolve(port, pod)) is not None]
        serving = is_true(pod, "Ready")
        endpoint = {
            "addresses": [address],
            "conditions": {"ready": always or (serving and not deleting(pod)), "serving": serving, "terminating": deleting(pod)},
            "nodeName": pod["spec"].get("nodeName"),
            "targetRef": {"kind": "Pod", "namespace": namespace(pod), "name": name(pod), "uid": uid(pod)},
        }  # fmt: skip
        groups.setdefault(repr(ports), (ports, []))[1].append(endpoint)
    if not groups:
        groups["[]"] = ([], [])
    slices = [_slice(service, key, ports, endpoints) for key, (ports, endpoints) in groups.items()]
    return {name(each): each for each in slices}


def _resolve(port: Object, pod: Object) -> Object | None:
    target = port.get("targetPort", port["port"])
    if isinstance(target, str):
        if target.isdigit():
            target = int(target)
        else:
            declared = (p for c in _containers(pod) for p in c.get("ports") or () if p.get("name") == target)
            target = next((p["containerPort"] for p in declared if p.get("protocol", "TCP") == port.get("protocol", "TCP")), None)
            if target is None:
                return None
    return {"name": port.get("name", ""), "port": target or port["port"], "protocol": port.get("protocol", "TCP")}


def _containers(pod: Object) -> list[Object]:
    return [*(pod["spec"].get("containers") or ()), *(pod["spec"].get("initContainers") or ())]


def _slice(service: Object, key: str, ports: list[Object], endpoints: list[Object]) -> Object:
    suffix = hashlib.sha256(f"{uid(service)} {key}".encode()).hexdigest()[:8]
    return {
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {
            "name": f"{name(service)}-{suffix}", "namespace": namespace(service),
            "labels": {SERVICE_NAME: name(service), MANAGED_BY: OURS}, "ownerReferences": [owner_reference(service)],
        },
        "addressType": "IPv4", "endpoints": endpoints, "ports": ports,
    }  # fmt: skip


class Endpoints:
    """Converges the slices of one service. Slices that somebody else manages stay as they are."""

    def __init__(self, manager: Manager) -> None:
        self.client = manager.client
        self.services = manager.cache(SERVICES, indexes={BY_SELECTOR: selector_key})
        self.pods = manager.cache(PODS)
        self.slices = manager.cache(
            ENDPOINT_SLICES, indexes={BY_SERVICE: lambda each: [f"{r.namespace}/{r.name}" for r in requests_of_slice(each)]}
        )

    def requests_of_pod(self, pod: Object) -> Iterable[Request]:
        for key, value in labels(pod).items():
            for service in self.services.by_index(BY_SELECTOR, f"{namespace(pod)}/{key}={value}"):
                if LabelSelector.from_map(service["spec"]["selector"]).matches(labels(pod)):
                    yield Request(namespace(service), name(service))

    async def reconcile(self, request: Request) -> float | None:
        service = self.services.get(request.name, request.namespace)
        if service is None or not service["spec"].get("selector"):
            return None  # gone: its slices go with it; without a selector its slices are somebody else's
        selector = LabelSelector.from_map(service["spec"]["selector"])
        pods = [pod for pod in self.pods.list(request.namespace) if selector.matches(labels(pod))]
        wanted = desired_slices(service, pods)
        there = {name(each): each for each in self.slices.by_index(BY_SERVICE, f"{request.namespace}/{request.name}")}
        for slice_name, body in wanted.items():
            await self._write(body, there.get(slice_name))
        for slice_name, stale in there.items():
            if slice_name not in wanted and not deleting(stale):
                try:
                    await self.client.delete(ENDPOINT_SLICES, slice_name, request.namespace, uid=uid(stale))
                except NotFound:
                    pass
        return None

    async def _write(self, body: Object, known: Object | None) -> None:
        if known is None:
            try:
                await self.client.create(ENDPOINT_SLICES, body, namespace(body))
                return
            except AlreadyExists:
                known = await self.client.get(ENDPOINT_SLICES, name(body), namespace(body))
        if any((known.get(field) or []) != body[field] for field in ("endpoints", "ports")):
            fresh = {**known, "endpoints": body["endpoints"], "ports": body["ports"]}
            await self.client.update(ENDPOINT_SLICES, fresh)
