"""What may be a name: the rules of Kubernetes and their wording.

Each check returns the list of what is wrong, empty when the value is fine, so that callers can put all of it into one refusal.
"""

from __future__ import annotations

import re
from functools import lru_cache

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = _LABEL + r"(\." + _LABEL + ")*"
_DNS1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = f"({_QUALIFIED})?"
_CONFIG_KEY = "[-._a-zA-Z0-9]+"

_label = re.compile(_LABEL)
_subdomain = re.compile(_SUBDOMAIN)
_dns1035 = re.compile(_DNS1035)
_qualified = re.compile(_QUALIFIED)
_label_value = re.compile(_LABEL_VALUE)
_config_key = re.compile(_CONFIG_KEY)
_environment = re.compile("[ -<>-~]+")
_port_name = re.compile("[a-z0-9-]+")

_LABEL_TOLD = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an "
    f"alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{_LABEL}')"
)
_SUBDOMAIN_TOLD = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an "
    f"alphanumeric character (e.g. 'example.com', regex used for validation is '{_SUBDOMAIN}')"
)
_WILDCARD = r"\*\." + _SUBDOMAIN
_wildcard = re.compile(_WILDCARD)
_WILDCARD_TOLD = (
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case "
    "alphanumeric characters, '-' or '.' and end with an alphanumeric character "
    f"(e.g. '*.example.com', regex used for validation is '{_WILDCARD}')"
)
_DNS1035_TOLD = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with "
    f"an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '{_DNS1035}')"
)
_QUALIFIED_RULE = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    f"(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{_QUALIFIED}')"
)
_LABEL_VALUE_TOLD = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    f"alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '{_LABEL_VALUE}')"
)
_CONFIG_KEY_TOLD = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' "
    f"(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '{_CONFIG_KEY}')"
)


def _check(value: str, longest: int, pattern: re.Pattern[str], told: str) -> list[str]:
    wrong = [f"must be no more than {longest} characters"] if len(value) > longest else []
    if not pattern.fullmatch(value):
        wrong.append(told)
    return wrong


def dns1123_label(value: str) -> list[str]:
    """A DNS label: names of namespaces, containers, volumes."""
    return _check(value, 63, _label, "must not contain dots" if _subdomain.fullmatch(value) else _LABEL_TOLD)


def dns1123_subdomain(value: str) -> list[str]:
    """Dotted DNS labels: names of most objects."""
    return _check(value, 253, _subdomain, _SUBDOMAIN_TOLD)


def wildcard_subdomain(value: str) -> list[str]:
    """Dotted DNS labels after ``*.``: hosts of an Ingress."""
    return _check(value, 253, _wildcard, _WILDCARD_TOLD)


def dns1035_label(value: str) -> list[str]:
    """A DNS label that begins with a letter: names of services and of CiConfigs."""
    return _check(value, 63, _dns1035, _DNS1035_TOLD)


def path_segment(value: str) -> list[str]:
    """What can stand in a REST path: names of roles and bindings."""
    if value in (".", ".."):
        return [f"may not be '{value}'"]
    return [f"may not contain '{part}'" for part in ("/", "%") if part in value]


def label_value(value: str) -> list[str]:
    """The value of a label."""
    return _check(value, 63, _label_value, _LABEL_VALUE_TOLD)


def qualified_name(value: str) -> list[str]:
    """The key of a label or annotation, a finalizer, a resource: a name with an optional DNS prefix and slash."""
    return [] if len(value) <= _LONGEST_QUALIFIED and _is_qualified(value) else _unqualified(value)


_LONGEST_QUALIFIED = 253 + 1 + 63


@lru_cache(maxsize=4096)
def _is_qualified(value: str) -> bool:
    """Remembered: the same few keys come with every write."""
    return not _unqualified(value)


def _unqualified(value: str) -> list[str]:
    prefix, slash, name = value.rpartition("/")
    wrong: list[str] = []
    if slash:
        if "/" in prefix:
            return [f"a qualified name {_QUALIFIED_RULE} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"]
        if not prefix:
            wrong.append("prefix part must be non-empty")
        else:
            wrong += [f"prefix part {told}" for told in dns1123_subdomain(prefix)]
    if not name:
        wrong.append("name part must be non-empty")
    elif len(name) > 63:
        wrong.append("name part must be no more than 63 characters")
    if not _qualified.fullmatch(name):
        wrong.append(f"name part {_QUALIFIED_RULE}")
    return wrong


def config_key(value: str) -> list[str]:
    """A key of a ConfigMap or Secret, which becomes a file name."""
    wrong = _check(value, 253, _config_key, _CONFIG_KEY_TOLD)
    if value in (".", ".."):
        wrong.append(f"must not be '{value}'")
    elif value.startswith(".."):
        wrong.append("must not start with '..'")
    return wrong


def environment_name(value: str) -> list[str]:
    """The name of an environment variable."""
    if not _environment.fullmatch(value):
        return ["a valid environment variable name must consist only of printable ASCII characters other than '='"]
    return []


def port_name(value: str) -> list[str]:
    """The name of a port (IANA service name)."""
    wrong = ["must be no more than 15 characters"] if len(value) > 15 else []
    if not _port_name.fullmatch(value):
        wrong.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not any("a" <= character <= "z" for character in value):
        wrong.append("must contain at least one letter (a-z)")
    if "--" in value:
        wrong.append("must not contain consecutive hyphens")
    if value[:1] == "-" or value[-1:] == "-":
        wrong.append("must not begin or end with a hyphen")
    return wrong


def port_number(value: int) -> list[str]:
    """A TCP or UDP port."""
    return [] if 1 <= value <= 65535 else ["must be between 1 and 65535, inclusive"]
