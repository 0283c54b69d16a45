"""What git is told before it touches a repository that others fill. Standard library only: ``source`` starts with it.

No hooks, no filters, no prompts, no user's or system's settings, only the protocols below, and the credential is shown to nobody
but the repository's own host: it reaches git through the environment of an askpass script, never through arguments or messages.
"""

from __future__ import annotations

import os
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

SETTINGS = {
    "safe.directory": "*", "core.hooksPath": "/dev/null", "core.fsmonitor": "false", "core.attributesFile": "/dev/null",
    "protocol.allow": "never", "protocol.https.allow": "always", "protocol.http.allow": "always", "protocol.ssh.allow": "always",
    "protocol.git.allow": "always", "protocol.file.allow": "user",  # user: asked for by us, never by a submodule
    "credential.helper": "", "http.lowSpeedLimit": "1000", "http.lowSpeedTime": "60",
    "fetch.recurseSubmodules": "false", "merge.conflictStyle": "merge", "user.name": "Boatyard", "user.email": "boatyard@localhost",
}  # fmt: skip
"""For every git that we run, by the names of https://git-scm.com/docs/git-config."""

ASKPASS = """#!/bin/sh
case "$1" in
*"//$BOATYARD_GIT_HOST'"*|*"@$BOATYARD_GIT_HOST'"*) ;;
*) exit 1 ;;
esac
case "$1" in
Username*) printf '%s\\n' "$BOATYARD_GIT_USERNAME" ;;
*) printf '%s\\n' "$BOATYARD_GIT_PASSWORD" ;;
esac
"""

_PASSED_ON = ("PATH", "LANG", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE",
              "SSL_CERT_DIR", "GIT_SSL_CAINFO", "GIT_EXEC_PATH", "GIT_TEMPLATE_DIR", "TMPDIR")  # fmt: skip


def config(settings: Mapping[str, str]) -> str:
    """The text of a configuration file with these settings."""
    lines: list[str] = []
    for key, value in settings.items():
        section, _, name = key.rpartition(".")
        first, dot, rest = section.partition(".")
        lines.append(f"[{first}{f' {chr(34)}{rest}{chr(34)}' if dot else ''}]\n\t{name} = {value}\n")
    return "".join(lines)


def environment(directory: str, host: str, username: str, password: str) -> dict[str, str]:
    """The environment of every git: its settings and askpass script are the files ``config`` and ``askpass`` of ``directory``.

    ``host`` (with its port, if it has one) is the only one that is shown the credential: a repository may redirect to others.
    """
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    askpass = os.path.join(directory, "askpass")
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin", **kept, "LC_ALL": "C", "HOME": directory,
        "GIT_CONFIG_GLOBAL": os.path.join(directory, "config"), "GIT_CONFIG_NOSYSTEM": "1", "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": askpass, "SSH_ASKPASS": askpass,
        "BOATYARD_GIT_HOST": host, "BOATYARD_GIT_USERNAME": username or "git", "BOATYARD_GIT_PASSWORD": password,
    }  # fmt: skip


def without_credential(url: str) -> tuple[str, str, str]:
    """An address without user and password, and those, if there were any (of HTTP only: an SSH address's user isn't a secret)."""
    match = re.match(r"(https?://)([^/@:]*)(?::([^/@]*))?@(.*)$", url, re.S)
    if not match:
        return url, "", ""
    from urllib.parse import unquote  # seldom needed, and its import is on the way to a build's first line

    return match[1] + match[4], unquote(match[2]), unquote(match[3] or "")


def host_of(url: str) -> str:
    """The host, with its port if it has one, of an HTTP address without a credential; nothing of any other."""
    match = re.match(r"https?://([^/]*)", url)
    return match[1] if match else ""
