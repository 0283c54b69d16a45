"""What the session is about: a pod, and a team's CI."""

from __future__ import annotations

POD = """
apiVersion: v1
kind: Pod
metadata:
  name: p
  labels: {app: web}
spec:
  nodeName: n1
  containers:
  - name: main
    image: boatyard.dev/host
    command: [sleep, "1000"]
"""

CICONFIG = """
apiVersion: ci.boatyard.dev/v1alpha1
kind: CiConfig
metadata:
  name: team
spec:
  source:
    git: {url: "https://git.example/team.git", branches: [main]}
  strategy:
    master: {engine: boatyard}
"""
