"""Where the files live that ship inside the distribution: rules.yaml, local.yaml.

Installed they lie in the package; in a checkout they lie where people edit them. Lookup
only: who reads them decides what they mean.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_IN_CHECKOUT = {"rules.yaml": "rules.yaml", "local.yaml": "config/local.yaml"}


def bundled(name: str) -> Path:
    """Return the path of a shipped file; installed copy first, else the checkout's."""
    installed = _PACKAGE / name
    return installed if installed.exists() else _PACKAGE.parent / _IN_CHECKOUT[name]
