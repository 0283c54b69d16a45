"""``/-/login`` and ``/-/logout``: a link becomes a session, a session ends.

Opening a link shows a button, and only pressing it uses the link up: mail scanners, chat previews and browsers that look ahead open
links too.
"""

from __future__ import annotations

import html
import re

from aiohttp import web

from boatyard.gateway import headers
from boatyard.gateway.refusal import refusal
from boatyard.gateway.sessions import COOKIE, SESSION_SECONDS, Sessions

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>Boatyard</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:18vh auto;padding:0 1.5rem}}
h1{{font-size:1.4rem}}button{{font:inherit;padding:.4rem 1.2rem}}</style>
<main><h1>Log in as {user}</h1><form method="post" action="/-/login">
<input type="hidden" name="token" value="{token}"><input type="hidden" name="to" value="{to}">
<button autofocus>Log in</button></form></main></html>
"""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}


class Login:
    """The handlers."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Serve the paths."""
        router.add_get("/-/login", self._show)
        router.add_post("/-/login", self._redeem)
        router.add_get("/-/logout", self._logout)

    async def _show(self, request: web.Request) -> web.StreamResponse:
        token = request.query.get("token", "")
        user = self._sessions.invited(token)
        if user is None:
            return _used_up(request)
        page = _PAGE.format(user=html.escape(user), token=html.escape(token), to=html.escape(request.query.get("to", "/")))
        return web.Response(text=page, content_type="text/html", headers=_HEADERS)

    async def _redeem(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        user = self._sessions.redeem(str(form.get("token", "")))
        if user is None:
            return _used_up(request)
        where = str(form.get("to", "/"))
        here = re.fullmatch(r"/(?![/\\])[^\\\x00-\x20]*", where)
        response = web.Response(status=303, headers={**_HEADERS, "Location": where if here else "/"})
        value = self._sessions.session(user)
        response.headers["Set-Cookie"] = headers.set_cookie(COOKIE, value, max_age=SESSION_SECONDS, secure=request.secure)
        return response

    async def _logout(self, request: web.Request) -> web.StreamResponse:
        response = web.Response(text="You are logged out.\n")
        response.headers["Set-Cookie"] = headers.set_cookie(COOKIE, "", max_age=0, secure=request.secure)
        return response


def _used_up(request: web.Request) -> web.Response:
    return refusal(request, 403, "this login link is used up or too old", "`boatyard login` prints a new one.")
