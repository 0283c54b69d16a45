"""Boatyard: one control plane for the whole path from a bare machine to a green build."""

__version__ = "0.1.0"
