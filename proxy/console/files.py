"""The files of the page, by name: what is not in the package's folder is not served."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).resolve().parent
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}

PAGE = _FOLDER / "page.html"
SIGN_IN = _FOLDER / "sign_in.html"


def listed_files(folder: Path = _FOLDER) -> dict[str, tuple[Path, str]]:
    """Return the scripts, styles, pictures and licences by name, with the type of each."""
    return {
        path.name: (path, _TYPES[path.suffix])
        for path in sorted(folder.rglob("*"))
        if path.suffix in _TYPES and path.is_file()
    }
