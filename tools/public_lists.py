"""Make proxy/catalogue/data anew from two public lists: whose a host is, and what a cookie is said to be.

    python -m tools.public_lists ENTITIES.json COOKIES.csv

The first is dist/entities-nostats.json of the npm package third-party-web (MIT), the second
open-cookie-database.csv of the Open Cookie Database (Apache-2.0). Both are cut to what is used, and changed
in nothing else; proxy/catalogue/data/NOTICE.txt names them.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parents[1] / "proxy" / "catalogue" / "data"

LONGEST = 100
"""Characters of a description that are kept."""


def owners(entities: Iterable[dict[str, Any]]) -> list[str]:
    """Return a line for each owner: name, category, home page, domains."""
    lines = []
    for one in entities:
        category = one.get("category") or (one.get("categories") or ["other"])[0]
        domains = sorted({domain.lower() for domain in one["domains"]})
        lines.append(_line(one["name"], category, one.get("homepage", ""), " ".join(domains)))
    return sorted(lines, key=str.lower)


def cookies(rows: Iterable[dict[str, str]]) -> list[str]:
    """Return a line for each cookie: name, platform, category, how long, and what it is said to do."""
    lines = set()
    for row in rows:
        name = row["Cookie / Data Key name"].strip()
        if name and row["Wildcard match"] == "1":
            name = name.rstrip("*") + "*"
        if len(name.replace("*", "")) > 1:
            said = " ".join(row["Description"].split())
            said = said if len(said) <= LONGEST else said[:LONGEST].rpartition(" ")[0] + " ..."
            lines.add(_line(name, row["Platform"], row["Category"], row["Retention period"], said))
    return sorted(lines, key=str.lower)


def _line(*fields: str) -> str:
    return "\t".join(" ".join(field.split()) for field in fields)


def write(entities: Path, database: Path) -> None:
    """Write both files."""
    with database.open(encoding="utf-8-sig", newline="") as file:
        known = cookies(csv.DictReader(file))
    found = owners(json.loads(entities.read_text("utf-8")))
    (DATA / "owners.tsv").write_text("\n".join(found) + "\n", "utf-8")
    (DATA / "cookies.tsv").write_text("\n".join(known) + "\n", "utf-8")


if __name__ == "__main__":
    write(*map(Path, sys.argv[1:]))
