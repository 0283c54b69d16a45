"""The page at ``/``: where who has just logged in finds the instances. Pure."""

from __future__ import annotations

import html
from collections.abc import Iterable

from boatyard.gateway.routes import Route

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>Boatyard</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:12vh auto;padding:0 1.5rem}}
h1{{font-size:1.4rem}}li{{margin:.4rem 0}}span,p{{opacity:.75}}</style>
<main><h1>CI servers</h1>{listed}</main></html>
"""
_NONE = "<p>There is none yet. Declare one with <code>boatyard ci create</code>.</p>"


def entrance(routes: Iterable[Route]) -> str:
    """A page with a link to every instance that is served on any host, in order of namespace and name."""
    links = sorted((route.namespace, route.instance, route.path.rstrip("/") + "/") for route in routes)
    items = (
        f'<li><a href="{html.escape(path)}">{html.escape(instance)}</a> <span>{html.escape(namespace)}</span></li>'
        for namespace, instance, path in links
    )
    return _PAGE.format(listed=f"<ul>{''.join(items)}</ul>" if links else _NONE)
