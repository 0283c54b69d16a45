"""Rules for how a pod finds addresses of names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import invalid, invalid_each, required, unsupported
from boatyard.machinery.meta.objects import Object
from boatyard.machinery.registry.core.addresses import NO_ADDRESS, is_ip

POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_MOST_SERVERS, _MOST_SEARCHES, _LONGEST_SEARCHES, _LONGEST_NAME = 3, 32, 2048, 253
_UNDERSCORED = r"_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*"
_underscored = re.compile(_UNDERSCORED)
_UNDERSCORED_TOLD = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end "
    f"with an alphanumeric character (e.g. 'example.com', regex used for validation is '{_UNDERSCORED}')"
)


def validate_name_resolution(spec: Object, path: str) -> Iterator[FieldError]:
    """``dnsPolicy`` and ``dnsConfig``."""
    policy, config, at = spec.get("dnsPolicy"), spec.get("dnsConfig"), f"{path}.dnsConfig"
    if policy not in POLICIES:
        yield unsupported(f"{path}.dnsPolicy", policy, POLICIES) if policy else required(f"{path}.dnsPolicy")
    if policy == "None" and config is None:
        yield required(at, "must provide `dnsConfig` when `dnsPolicy` is None")
    elif policy == "None" and not (config or {}).get("nameservers"):
        yield required(f"{at}.nameservers", "must provide at least one DNS nameserver when `dnsPolicy` is None")
    elif config:
        yield from _config(config, at)


def _config(config: Object, at: str) -> Iterator[FieldError]:
    servers, searches = config.get("nameservers") or [], config.get("searches") or []
    if len(servers) > _MOST_SERVERS:
        yield invalid(f"{at}.nameservers", servers, f"must not have more than {_MOST_SERVERS} nameservers")
    for index, server in enumerate(servers):
        if not is_ip(server):
            yield invalid(f"{at}.nameservers[{index}]", server, NO_ADDRESS)
    if len(searches) > _MOST_SEARCHES:
        yield invalid(f"{at}.searches", searches, f"must not have more than {_MOST_SEARCHES} search paths")
    if len(" ".join(searches)) > _LONGEST_SEARCHES:
        told = f"must not have more than {_LONGEST_SEARCHES} characters (including spaces) in the search list"
        yield invalid(f"{at}.searches", searches, told)
    for index, search in enumerate(searches):
        if search != ".":
            name = search.removesuffix(".")
            yield from invalid_each(f"{at}.searches[{index}]", search, _domain_wrong(name))
    for index, option in enumerate(config.get("options") or ()):
        if not option.get("name"):
            yield required(f"{at}.options[{index}]", "must not be empty")


def _domain_wrong(name: str) -> list[str]:
    wrong = [f"must be no more than {_LONGEST_NAME} characters"] if len(name) > _LONGEST_NAME else []
    return wrong if _underscored.fullmatch(name) else [*wrong, _UNDERSCORED_TOLD]
