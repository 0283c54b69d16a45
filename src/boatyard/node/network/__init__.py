"""Pods' network: one bridge, a link and an address per pod, services by address and by name."""
