"""ClusterRoleBinding."""

from __future__ import annotations

from boatyard.machinery.meta.core import CLUSTER_ROLE_BINDINGS as RESOURCE
from boatyard.server.columns.bindings import BINDING_COLUMNS as COLUMNS
from boatyard.server.columns.bindings import binding_cells as cells

__all__ = ["COLUMNS", "RESOURCE", "cells"]
