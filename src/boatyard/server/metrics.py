"""``/metrics``: how the API is used, and whatever else this process counts."""

from __future__ import annotations

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

from boatyard.server.call import Call

REQUESTS = Counter("boatyard_api_requests", "Requests answered.", ["method", "resource", "code"])
SECONDS = Histogram(
    "boatyard_api_request_seconds", "Time to answer, without watches and other streams.", ["method", "resource"],
    buckets=(0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10),
)  # fmt: skip
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
WATCHES = Gauge("boatyard_api_watches", "Watches that are open.")


def count(method: str, resource: str, code: int, seconds: float | None) -> None:
    """One answer. ``resource`` must be a served type's, or empty: addresses that mean nothing would make endless labels."""
    method = method if method in _METHODS else "other"
    REQUESTS.labels(method, resource, str(code)).inc()
    if seconds is not None:
        SECONDS.labels(method, resource).observe(seconds)


def answer(call: Call) -> web.Response | None:
    """All metrics of this process, or None when the address is another."""
    if call.request.path != "/metrics" or call.request.method not in ("GET", "HEAD"):
        return None
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
