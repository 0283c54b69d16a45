"""Rules for services, their endpoints and routes that their types don't hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from boatyard.machinery.meta import names
from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import duplicate, forbidden, invalid, invalid_each, required, unsupported
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry.core.addresses import (
    NO_ADDRESS,
    NO_CIDR,
    is_cidr,
    is_ip,
    parse_ip,
    validate_domain,
    validate_reachable,
)
from boatyard.machinery.registry.core.handlers import validate_port
from boatyard.machinery.registry.core.label_selectors import validate_labels

SERVICE_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
PROTOCOLS = ("SCTP", "TCP", "UDP")
ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")
DISTRIBUTIONS = ("PreferClose", "PreferSameZone", "PreferSameNode")
PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")


def reached_from_outside(spec: Object) -> bool:
    """Whether traffic may come in from beyond the cluster."""
    kind = spec.get("type")
    return kind in ("LoadBalancer", "NodePort") or bool(kind == "ClusterIP" and spec.get("externalIPs"))


def validate_service(obj: Object, old: Object | None) -> Iterator[FieldError]:
    """A Service whose addresses have been settled."""
    spec = obj.get("spec") or {}
    kind, ports, headless = spec.get("type", ""), spec.get("ports") or [], spec.get("clusterIP") == "None"
    address, before = spec.get("clusterIP"), ((old or {}).get("spec") or {}).get("clusterIP")
    if kind == "ExternalName":
        pass  # what it says of addresses is too much, whatever it is
    elif address and not headless and not is_ip(address):
        yield invalid("spec.clusterIPs[0]", address, NO_ADDRESS)
    elif before and address != before:
        yield invalid("spec.clusterIPs[0]", [address] if address else None, "may not change once set")
    if kind not in SERVICE_TYPES:
        yield unsupported("spec.type", kind, SERVICE_TYPES)
    if not ports and not headless and kind != "ExternalName":
        yield required("spec.ports")
    if kind in ("LoadBalancer", "NodePort") and headless:
        yield invalid("spec.clusterIPs[0]", "None", f"may not be set to 'None' for {kind} services")
    if kind == "ExternalName":
        yield from _external(spec)
    yield from _service_ports(ports, kind)
    affinity = spec.get("sessionAffinity")
    if affinity not in ("ClientIP", "None"):
        yield unsupported("spec.sessionAffinity", affinity, ("ClientIP", "None"))
    yield from _affinity(spec.get("sessionAffinityConfig"), affinity)
    yield from validate_labels(spec.get("selector"), "spec.selector")
    for index, external in enumerate(spec.get("externalIPs") or ()):
        yield from validate_reachable(external, f"spec.externalIPs[{index}]")
    yield from _traffic(spec, kind)


def _external(spec: Object) -> Iterator[FieldError]:
    for field in ("clusterIPs", "ipFamilies", "ipFamilyPolicy"):
        if spec.get(field):
            yield forbidden(f"spec.{field}", "may not be set for ExternalName services")
    external = spec.get("externalName", "").removesuffix(".")
    if not external:
        yield required("spec.externalName")
    else:
        yield from invalid_each("spec.externalName", external, names.dns1123_subdomain(external))


def _affinity(config: Object | None, affinity: str | None) -> Iterator[FieldError]:
    if affinity == "ClientIP":
        seconds = ((config or {}).get("clientIP") or {}).get("timeoutSeconds", 0)
        if not 0 < seconds <= _DAY_SECONDS:
            at = "spec.sessionAffinityConfig.clientIP.timeoutSeconds"
            yield invalid(at, seconds, f"must be greater than 0 and less than {_DAY_SECONDS}")


_DAY_SECONDS = 86400


def _traffic(spec: Object, kind: str) -> Iterator[FieldError]:
    """What only services have that are reached from outside."""
    if kind != "LoadBalancer":
        for field in ("loadBalancerSourceRanges", "allocateLoadBalancerNodePorts", "loadBalancerClass"):
            if spec.get(field) is not None:
                told = field.replace("loadBalancerS", "LoadBalancerS")
                yield forbidden(f"spec.{told}", "may only be used when `type` is 'LoadBalancer'")
    for index, cidr in enumerate(spec.get("loadBalancerSourceRanges") or ()):
        if not is_cidr(cidr.strip()):
            yield invalid(f"spec.LoadBalancerSourceRanges[{index}]", cidr, NO_CIDR)
    if (wish := spec.get("trafficDistribution")) is not None and wish not in DISTRIBUTIONS:
        yield unsupported("spec.trafficDistribution", wish, DISTRIBUTIONS)
    policy = spec.get("externalTrafficPolicy")
    if policy and not reached_from_outside(spec):
        yield invalid("spec.externalTrafficPolicy", policy, "may only be set for externally-accessible services")
    if (port := spec.get("healthCheckNodePort")) and not (kind == "LoadBalancer" and policy == "Local"):
        told = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        yield invalid("spec.healthCheckNodePort", port, told)


def _service_ports(ports: list[Object], kind: str) -> Iterator[FieldError]:
    taken: set[str] = set()
    pairs: set[tuple[Any, Any]] = set()
    for index, port in enumerate(ports):
        at, name = f"spec.ports[{index}]", port.get("name", "")
        if not name and len(ports) > 1:
            yield required(f"{at}.name")
        elif name:
            yield from invalid_each(f"{at}.name", name, names.dns1123_label(name))
            if name in taken:
                yield duplicate(f"{at}.name", name)
            taken.add(name)
        yield from invalid_each(f"{at}.port", port.get("port", 0), names.port_number(port.get("port", 0)))
        if port.get("protocol") not in PROTOCOLS:
            yield unsupported(f"{at}.protocol", port.get("protocol", ""), PROTOCOLS)
        yield from validate_port(port.get("targetPort"), f"{at}.targetPort")
        if (protocol := port.get("appProtocol")) is not None:
            yield from invalid_each(f"{at}.appProtocol", protocol, names.qualified_name(protocol))
        if kind == "ClusterIP" and port.get("nodePort"):
            yield forbidden(f"{at}.nodePort", "may not be used when `type` is 'ClusterIP'")
        pair = (port.get("port"), port.get("protocol"))
        if pair in pairs:
            yield duplicate(at, {key: port[key] for key in ("port", "protocol") if key in port})
        pairs.add(pair)


def validate_endpoint_slice(obj: Object, old: Object | None) -> Iterator[FieldError]:
    """An EndpointSlice."""
    kind = obj.get("addressType", "")
    if not kind:
        yield required("addressType")
    elif kind not in ADDRESS_TYPES:
        yield unsupported("addressType", kind, ADDRESS_TYPES)
    endpoints = obj.get("endpoints") or []
    for index, endpoint in enumerate(endpoints if old is None or old.get("endpoints") != endpoints else ()):
        yield from _endpoint(endpoint, kind, f"endpoints[{index}]")
    taken: set[str] = set()
    for index, port in enumerate(obj.get("ports") or ()):
        name = port.get("name") or ""
        if name:
            yield from invalid_each(f"ports[{index}].name", name, names.dns1123_label(name))
        if name in taken:
            yield duplicate(f"ports[{index}].name", name)
        taken.add(name)
        if (protocol := port.get("appProtocol")) is not None:
            yield from invalid_each(f"ports[{index}].appProtocol", protocol, names.qualified_name(protocol))
    if old is not None and old.get("addressType") != kind:
        yield invalid("addressType", kind, "field is immutable")


def _endpoint(endpoint: Object, kind: str, at: str) -> Iterator[FieldError]:
    addresses = endpoint.get("addresses") or []
    if not addresses:
        yield required(f"{at}.addresses", "must contain at least 1 address")
    for place, address in enumerate(addresses):
        if kind == "FQDN":
            yield from validate_domain(address, f"{at}.addresses[{place}]")
        elif kind in ("IPv4", "IPv6"):
            if is_ip(address) and not is_ip(address, kind):
                # As Kubernetes has it: without telling which one.
                yield invalid(f"{at}.addresses", address, f"must be an {kind} address")
            elif kind == "IPv6" and (parsed := parse_ip(address)) is not None and str(parsed) != address:
                yield invalid(f"{at}.addresses[{place}]", address, f'must be in canonical form ("{parsed}")')
            # Pods without a network of their own are reached at this machine's loopback address.
            yield from validate_reachable(address, f"{at}.addresses[{place}]", here=True)
    if (node := endpoint.get("nodeName")) is not None:
        yield from invalid_each(f"{at}.nodeName", node, names.dns1123_subdomain(node))
    if (host := endpoint.get("hostname")) is not None:
        yield from invalid_each(f"{at}.hostname", host, names.dns1123_label(host))
    zones: set[str] = set()
    for place, hint in enumerate((endpoint.get("hints") or {}).get("forZones") or ()):
        where, zone = f"{at}.hints.forZones[{place}].name", hint.get("name", "")
        if zone in zones:
            yield duplicate(where, zone)
        zones.add(zone)
        yield from invalid_each(where, zone, names.label_value(zone))


def validate_ingress(obj: Object, old: Object | None) -> Iterator[FieldError]:
    """An Ingress."""
    spec = obj.get("spec") or {}
    rules, backend = spec.get("rules") or [], spec.get("defaultBackend")
    if not rules and backend is None:
        yield invalid("spec", None, "either `defaultBackend` or `rules` must be specified")
    if name := spec.get("ingressClassName"):
        yield from invalid_each("spec.ingressClassName", name, names.dns1123_subdomain(name))
    for index, tls in enumerate(spec.get("tls") or ()):
        for place, host in enumerate(tls.get("hosts") or ()):
            at = f"spec.tls[{index}].hosts[{place}]"
            yield from invalid_each(at, host, _host_wrong(host))
    if backend is not None:
        yield from _backend(backend, "spec.defaultBackend")
    for index, rule in enumerate(rules):
        at, host = f"spec.rules[{index}]", rule.get("host", "")
        if host and is_ip(host):
            yield invalid(f"{at}.host", host, "must be a DNS name, not an IP address")
        elif host:
            yield from invalid_each(f"{at}.host", host, _host_wrong(host))
        for place, path in enumerate((rule.get("http") or {}).get("paths") or ()):
            yield from _path(path, f"{at}.http.paths[{place}]")
        if "http" in rule and not (rule["http"] or {}).get("paths"):
            yield required(f"{at}.http.paths")


def _host_wrong(host: str) -> list[str]:
    return names.wildcard_subdomain(host) if "*" in host else names.dns1123_subdomain(host)


def _path(path: Object, at: str) -> Iterator[FieldError]:
    kind, value = path.get("pathType"), path.get("path", "")
    if not kind:
        yield required(f"{at}.pathType", "pathType must be specified")
        return
    if kind not in PATH_TYPES:
        yield unsupported(f"{at}.pathType", kind, PATH_TYPES)
    elif (kind in ("Exact", "Prefix") or value) and not value.startswith("/"):
        yield invalid(f"{at}.path", value, "must be an absolute path")
    if kind in ("Exact", "Prefix"):
        for part in ("//", "/./", "/../", "%2f", "%2F"):
            if part in value:
                yield invalid(f"{at}.path", value, f"must not contain '{part}'")
        for part in ("/..", "/."):
            if value.endswith(part):
                yield invalid(f"{at}.path", value, f"cannot end with '{part}'")
    yield from _backend(path.get("backend") or {}, f"{at}.backend")


def _backend(backend: Object, at: str) -> Iterator[FieldError]:
    service, resource = backend.get("service"), backend.get("resource")
    if service is None and resource is None:
        yield invalid(at, "", "resource or service backend is required")
    elif service is not None and resource is not None:
        yield invalid(at, "", "cannot set both resource and service backends")
    elif service is not None:
        name, port = service.get("name", ""), service.get("port") or {}
        if not name:
            yield required(f"{at}.service.name")
        else:
            yield from invalid_each(f"{at}.service.name", name, names.dns1035_label(name))
        if port.get("name") and port.get("number"):
            yield invalid(at, "", "cannot set both port name & port number")
        elif port.get("name"):
            yield from invalid_each(f"{at}.service.port.name", port["name"], names.port_name(port["name"]))
        elif port.get("number"):
            yield from invalid_each(f"{at}.service.port.number", port["number"], names.port_number(port["number"]))
        else:
            yield required(at, "port name or number is required")
