"""Paths of the files that ship inside the distribution: rules.yaml, its schema, local.yaml, documents.

An installed copy has them in the package, a checkout where people edit them.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_IN_CHECKOUT = {
    "rules.yaml": "rules.yaml",
    "local.yaml": "config/local.yaml",
    "rules.schema.json": "config/rules.schema.json",
}


def bundled(name: str) -> Path:
    """Return the path of a shipped file: in the package, else in the checkout."""
    installed = _PACKAGE / name
    return installed if installed.exists() else _PACKAGE.parent / _IN_CHECKOUT[name]


def shipped_folders() -> list[Path]:
    """Return the folders of documents, examples and deployments; links between them hold."""
    installed = _PACKAGE / "share"
    root = installed if installed.exists() else _PACKAGE.parent
    return [folder for name in ("docs", "config", "deploy") if (folder := root / name).is_dir()]
