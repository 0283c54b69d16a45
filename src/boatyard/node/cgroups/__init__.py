"""Limits and accounting by control groups: version 1, version 2, or none. Standard library only: the supervisor uses it too."""
