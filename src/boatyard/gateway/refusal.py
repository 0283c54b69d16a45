"""Why a request isn't carried, in the form that whoever asked can read."""

from __future__ import annotations

import html
import json

from aiohttp import web

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>{title}</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:18vh auto;padding:0 1.5rem}}
h1{{font-size:1.4rem}}p{{opacity:.75}}</style>
<main><h1>{reason}</h1><p>{advice}</p></main></html>
"""


def refusal(request: web.Request, status: int, reason: str, advice: str = "", *, retry_seconds: int = 0) -> web.Response:
    """A page for a browser, JSON for everything else."""
    extra = {"Retry-After": str(retry_seconds)} if retry_seconds else {}
    if "text/html" not in request.headers.get("Accept", ""):
        body = json.dumps({"error": reason, **({"advice": advice} if advice else {})}) + "\n"
        return web.Response(status=status, text=body, content_type="application/json", headers=extra)
    if retry_seconds:
        extra["Refresh"] = str(retry_seconds)
    extra["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
    page = _PAGE.format(title=html.escape(f"{status}: {reason}"), reason=html.escape(reason), advice=html.escape(advice))
    return web.Response(status=status, text=page, content_type="text/html", headers=extra)
