"""What a CI server pays for its client."""

from __future__ import annotations

import subprocess
import sys


def test_the_client_brings_neither_cryptography_nor_yaml_nor_models() -> None:
    code = (
        "import sys, boatyard.machinery.client.http, boatyard.machinery.client.kubeconfig\n"
        "print(*[m for m in ('cryptography', 'joserfc', 'yaml', 'boatyard.machinery.schema.kind',"
        " 'boatyard.machinery.registry.registry') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""
