"""What a client shows a server, and how it knows the server: TLS and bearer tokens. Standard library only."""

from __future__ import annotations

import os
import ssl
import tempfile
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Who we are and whom we trust. Whatever is empty isn't used; ``*_data`` is PEM text and wins over a file."""

    ca_file: str = ""
    ca_data: str = ""
    """The server's CA. With neither, the system's."""
    cert_file: str = ""
    key_file: str = ""
    cert_data: str = ""
    key_data: str = ""
    token: str = ""
    token_file: str = ""
    """Read again whenever it changes: projected tokens are replaced before they expire."""
    server_name: str = ""
    """The name the server's certificate must carry, when it isn't the address's host."""
    insecure: bool = False
    """Trust whoever answers."""

    def tls(self) -> ssl.SSLContext:
        """A client context. Raises OSError or ssl.SSLError when a file is missing or isn't what it should be."""
        ca_file = None if self.ca_data else self.ca_file or None
        context = ssl.create_default_context(cafile=ca_file, cadata=self.ca_data or None)
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.cert_data and self.key_data:
            _load_pair(context, self.cert_data, self.key_data)
        elif self.cert_file:
            context.load_cert_chain(self.cert_file, self.key_file or None)
        return context


class BearerToken:
    """The token to send with the next request; follows its file."""

    def __init__(self, token: str = "", file: str = "") -> None:
        self._token, self._file = token, file
        self._seen: tuple[int, int, int] | None = None

    def current(self) -> str:
        """The token, or empty. A file that can't be read just now leaves the last token in use."""
        if not self._file:
            return self._token
        try:
            stat = os.stat(self._file)
            seen = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
            if seen != self._seen:
                with open(self._file, encoding="ascii") as file:
                    self._token = file.read().strip()
                self._seen = seen
        except (OSError, UnicodeDecodeError):
            if not self._token:
                raise
        return self._token


def _load_pair(context: ssl.SSLContext, cert: str, key: str) -> None:
    # OpenSSL's loader takes paths only; the file lives for these few lines, readable by us alone.
    with tempfile.NamedTemporaryFile("w", prefix="boatyard-", suffix=".pem") as file:
        file.write(cert.rstrip() + "\n" + key.rstrip() + "\n")
        file.flush()
        context.load_cert_chain(file.name)
