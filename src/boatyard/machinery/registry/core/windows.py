"""Rules for what containers may do on a machine with Windows (Kubernetes' ``WindowsSecurityContextOptions``)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from boatyard.machinery.meta import names
from boatyard.machinery.meta.errors import FieldError
from boatyard.machinery.meta.field_errors import invalid, invalid_each
from boatyard.machinery.meta.objects import Object

_LONGEST_CREDENTIAL_BYTES = 64 * 1024
_DOMAIN_CHARACTERS, _USER_CHARACTERS = 256, 104
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_DOMAIN = re.compile(rf'[^\\/:*?"<>|.][^\\/:*?"<>|]{{0,14}}|{_LABEL}(?:\.{_LABEL})*')
"""As NetBIOS or as DNS names one."""
_FORBIDDEN = '"/\\:;|=,+*?<>@[]'
_CONTAINERS = ("containers", "initContainers")


def validate_windows(spec: Object, path: str) -> Iterator[FieldError]:
    """The options of the pod and of its containers, and which of these are processes of the host."""
    whole = (spec.get("securityContext") or {}).get("windowsOptions")
    if whole is not None:
        yield from _options(whole, f"{path}.securityContext.windowsOptions")
    of_host: list[bool] = []
    everywhere = (whole or {}).get("hostProcess")
    for kind in _CONTAINERS:
        for index, container in enumerate(spec.get(kind) or ()):
            at = f"{path}.{kind}[{index}].securityContext.windowsOptions"
            own = (container.get("securityContext") or {}).get("windowsOptions")
            if own is not None:
                yield from _options(own, at)
            said = (own or {}).get("hostProcess")
            if said is not None and everywhere is not None and said is not everywhere:
                told = f"pod hostProcess value must be identical if both are specified, was {str(everywhere).lower()}"
                yield invalid(f"{at}.hostProcess", said, told)
            of_host.append(bool(everywhere if said is None else said))
    if not any(of_host):
        return
    if not all(of_host):
        told = "If pod contains any hostProcess containers then all containers must be HostProcess containers"
        yield invalid(path, "", told)
    if not spec.get("hostNetwork"):
        told = "hostNetwork must be true if pod contains any hostProcess containers"
        yield invalid(f"{path}.hostNetwork", False, told)


def _options(options: Object, at: str) -> Iterator[FieldError]:
    if (name := options.get("gmsaCredentialSpecName")) is not None:
        yield from invalid_each(f"{at}.gmsaCredentialSpecName", name, names.dns1123_subdomain(name))
    if (credential := options.get("gmsaCredentialSpec")) is not None:
        if not credential:
            yield invalid(f"{at}.gmsaCredentialSpec", credential, "gmsaCredentialSpec cannot be an empty string")
        elif len(credential.encode()) > _LONGEST_CREDENTIAL_BYTES:
            yield invalid(f"{at}.gmsaCredentialSpec", credential, "gmsaCredentialSpec size must be under 64 KiB")
    if (user := options.get("runAsUserName")) is not None:
        for told in _user(user):
            yield invalid(f"{at}.runAsUserName", user, f"runAsUserName{told}")


def _user(name: str) -> Iterator[str]:
    """What is wrong with the name of a user, or of a domain and a user in it."""
    domain, within, user = name.rpartition("\\")
    if not name:
        yield " cannot be an empty string"
        return
    if _CONTROL.search(name):
        yield " cannot contain control characters"
        return
    if "\\" in domain:
        yield " cannot contain more than one backslash"
        return
    if len(domain.encode()) >= _DOMAIN_CHARACTERS:
        yield f"'s Domain length must be under {_DOMAIN_CHARACTERS} characters"
    if not user:
        yield "'s User cannot be empty"
    elif len(user.encode()) > _USER_CHARACTERS:
        yield f"'s User length must not be longer than {_USER_CHARACTERS} characters"
    if within and not _DOMAIN.fullmatch(domain):
        yield "'s Domain doesn't match the NetBios nor the DNS format"
    if any(character in _FORBIDDEN for character in user):
        yield f"'s User cannot contain the following characters: {_FORBIDDEN}"
    if user and not user.strip(". "):
        yield "'s User cannot contain only periods or spaces"
