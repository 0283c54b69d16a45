"""What a CI server counts. Label values come from small fixed lists, never from outside."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_FAST = (0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """One CI server's counters, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.deliveries = Counter(
            "boatyard_webhook_deliveries", "Webhook deliveries by outcome", ["outcome"], registry=self.registry
        )
        """accepted, repeated, ignored, ping, unsigned, bad_signature, malformed, too_large, too_slow, too_many, wrong_type,
        unavailable"""
        self.builds = Counter("boatyard_ciserver_builds", "Intents settled by outcome", ["outcome"], registry=self.registry)
        """created, refused, skipped"""
        self.reports = Counter("boatyard_scm_reports", "Reports to the SCM by outcome", ["outcome"], registry=self.registry)
        """posted, found, refused, retried"""
        self.creation_seconds = Histogram(
            "boatyard_webhook_to_build_seconds", "From the delivery to its Build", buckets=_FAST, registry=self.registry
        )
        self.open_intents = Gauge("boatyard_open_intents", "Acknowledged deliveries that are no build yet", registry=self.registry)

    def text(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self.registry)
