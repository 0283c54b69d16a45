"""Rules for services, their endpoints and routes that their types don't hold."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from boatyard.machinery.meta import names
from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import duplicate, invalid, invalid_each, required, unsupported
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry.core.containers import validate_port

SERVICE_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
PROTOCOLS = ("SCTP", "TCP", "UDP")
ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")
NO_ADDRESS = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")


def validate_service(obj: Object, old: Object | None) -> Iterator[FieldError]:
    """A Service."""
    spec = obj.get("spec") or {}
    kind, ports = spec.get("type", ""), spec.get("ports") or []
    address, before = spec.get("clusterIP"), ((old or {}).get("spec") or {}).get("clusterIP")
    if before and kind != "ExternalName" and address != before:
        yield invalid("spec.clusterIPs[0]", [address] if address else None, "may not change once set")
    if kind not in SERVICE_TYPES:
        yield unsupported("spec.type", kind, SERVICE_TYPES)
    if not ports and spec.get("clusterIP") != "None" and kind != "ExternalName":
        yield required("spec.ports")
    if kind == "ExternalName":
        external = spec.get("externalName", "").removesuffix(".")
        if not external:
            yield required("spec.externalName")
        else:
            yield from invalid_each("spec.externalName", external, names.dns1123_subdomain(external))
    yield from _service_ports(ports)
    affinity = spec.get("sessionAffinity")
    if affinity not in ("ClientIP", "None"):
        yield unsupported("spec.sessionAffinity", affinity, ("ClientIP", "None"))
    for key, value in (spec.get("selector") or {}).items():
        yield from invalid_each("spec.selector", key, names.qualified_name(key))
        yield from invalid_each("spec.selector", value, names.label_value(value))
    if address and address != "None" and not is_ip(address):
        yield invalid("spec.clusterIPs[0]", address, NO_ADDRESS)


def _service_ports(ports: list[Object]) -> Iterator[FieldError]:
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
    for index, endpoint in enumerate(obj.get("endpoints") or ()):
        addresses = endpoint.get("addresses") or []
        if not addresses:
            yield required(f"endpoints[{index}].addresses", "must contain at least 1 address")
        if host := endpoint.get("hostname"):
            yield from invalid_each(f"endpoints[{index}].hostname", host, names.dns1123_label(host))
        for place, address in enumerate(addresses):
            if kind in ("IPv4", "IPv6") and not is_ip(address, kind):
                told = f"must be an {kind} address" if is_ip(address) else NO_ADDRESS
                yield invalid(f"endpoints[{index}].addresses[{place}]", address, told)
    taken: set[str] = set()
    for index, port in enumerate(obj.get("ports") or ()):
        name = port.get("name") or ""
        if name:
            yield from invalid_each(f"ports[{index}].name", name, names.dns1123_label(name))
        if name in taken:
            yield duplicate(f"ports[{index}].name", name)
        taken.add(name)
    if old is not None and old.get("addressType") != kind:
        yield invalid("addressType", kind, "field is immutable")


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
    elif kind not in PATH_TYPES:
        yield unsupported(f"{at}.pathType", kind, PATH_TYPES)
    if (kind in ("Exact", "Prefix") or value) and not value.startswith("/"):
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


def is_ip(text: str, kind: str = "") -> bool:
    """Whether it is an address; of ``kind`` (``IPv4``, ``IPv6``) if one is named."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return kind in ("", f"IPv{address.version}")
