"""`consent-proxy schema`: where the JSON schema of rules.yaml is, for editors."""

from __future__ import annotations

import sys

from proxy.package_files import bundled


def schema() -> None:
    """Print the path of the JSON schema with which editors complete and check rules.yaml."""
    sys.stdout.write(f"{bundled('rules.schema.json')}\n")
