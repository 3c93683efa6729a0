"""`consent-proxy files`: where the documents, the unit and the examples of this version are."""

from __future__ import annotations

import sys

from proxy.package_files import shipped_folders


def files() -> None:
    """Print the folders of documents, examples (unit, configs, schema) and deployments of this version."""
    for folder in shipped_folders():
        sys.stdout.write(f"{folder}\n")
