"""Who is at the door: one-time login links and the session cookie that they are turned into.

Both are signed with a key kept in a file; a login link works once, within ten minutes. No password, no user database: whoever can
read the key (or run the command that prints a link) is the administrator of this machine.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
from pathlib import Path

from boatyard.machinery.runtime.world import World

_REVOKED = "revoked"
COOKIE = "boatyard_session"
SESSION_SECONDS = 7 * 86400
LINK_SECONDS = 600
_FORM = re.compile(r"([A-Za-z0-9_-]{1,200})\.([0-9]{1,12})\.([A-Za-z0-9]{1,64})\.([0-9a-f]{64})")


class Sessions:
    """Makes and checks login tokens and session cookies.

    ``used`` is a directory for the marks of used links, and for the time before which all sessions are revoked.
    """

    def __init__(self, key: bytes, used: Path, world: World) -> None:
        if len(key) < 16:
            raise ValueError("the session key is too short")
        self._key, self._used, self._world = key, used, world
        self._revoked: tuple[int, float] = (0, 0.0)

    def login_token(self, user: str = "admin") -> str:
        """A token for ``/-/login?token=``; works once, for LINK_SECONDS."""
        return self._sign("login", user, self._world.now() + LINK_SECONDS)

    def session(self, user: str = "admin") -> str:
        """A cookie's value."""
        return self._sign("session", user, self._world.now() + SESSION_SECONDS)

    def user(self, cookie: str) -> str | None:
        """Whose session a cookie's value is; None for none of ours, an old or a revoked one."""
        checked = self._check("session", cookie)
        if checked is None or checked[2] - SESSION_SECONDS <= self._revoked_before():
            return None
        return checked[0]

    def revoke(self) -> None:
        """End every session there is, and every login link; running control planes see it with the next request."""
        self._used.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self._used / f"{_REVOKED}.part"
        part.write_text(f"{self._world.now():.6f}")
        part.replace(self._used / _REVOKED)

    def invited(self, token: str) -> str | None:
        """The user of a login token that could be redeemed now; it stays as it is."""
        checked = self._check("login", token)
        if checked is None or checked[2] - LINK_SECONDS <= self._revoked_before() or (self._used / checked[1]).exists():
            return None
        return checked[0]

    def redeem(self, token: str) -> str | None:
        """The user of a login token, once; None when it is not ours, too old or used before."""
        checked = self._check("login", token)
        if checked is None or checked[2] - LINK_SECONDS <= self._revoked_before():
            return None
        user, nonce, _ = checked
        self._used.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._forget_old()
        try:
            # The file's creation is what makes it once, also among several processes and over restarts.
            os.close(os.open(self._used / nonce, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return None
        return user

    def _sign(self, purpose: str, user: str, expiry: float) -> str:
        name = base64.urlsafe_b64encode(user.encode()).decode().rstrip("=")
        value = f"{name}.{int(expiry)}.{self._world.token(20)}"
        return f"{value}.{self._mac(purpose, value)}"

    def _check(self, purpose: str, signed: str) -> tuple[str, str, float] | None:
        """User, nonce and expiry of what is ours and still good."""
        match = _FORM.fullmatch(signed)
        if not match:
            return None
        name, expiry, nonce, mac = match.groups()
        if not hmac.compare_digest(mac, self._mac(purpose, f"{name}.{expiry}.{nonce}")) or int(expiry) < self._world.now():
            return None
        return base64.urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode("utf-8", "replace"), nonce, float(expiry)

    def _revoked_before(self) -> float:
        """The time of the last revocation, read again when its file has changed."""
        try:
            changed = (self._used / _REVOKED).stat().st_mtime_ns
            if changed != self._revoked[0]:
                self._revoked = (changed, float((self._used / _REVOKED).read_text()))
        except FileNotFoundError:
            return 0.0
        return self._revoked[1]

    def _mac(self, purpose: str, value: str) -> str:
        return hmac.new(self._key, f"{purpose}:{value}".encode(), hashlib.sha256).hexdigest()

    def _forget_old(self) -> None:
        oldest = self._world.now() - 2 * LINK_SECONDS
        for mark in self._used.iterdir():
            if not mark.name.startswith(_REVOKED) and mark.stat().st_mtime < oldest:
                mark.unlink(missing_ok=True)
