"""Writes what the product consists of: a CycloneDX bill of materials in deploy/, and docs/licences.md.

From the lock, and from what the installed packages say of themselves. Without a time or a random number:
the same lock gives the same bytes.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from email.message import Message
from importlib import metadata
from typing import Any, cast

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from proxy.version import VERSION
from tools.lock import ROOT, SERVING

BILL = ROOT / "deploy" / "bill-of-materials.cdx.json"
LICENCES = ROOT / "docs" / "licences.md"

_SPDX = {  # what packages say that have no SPDX expression yet
    "Apache 2.0": "Apache-2.0",
    "ISC License": "ISC",
    "MIT License": "MIT",
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
}
_DATA = (
    ("third-party-web", "MIT", "pkg:npm/third-party-web"),
    ("open-cookie-database", "Apache-2.0", "pkg:github/jkwakman/Open-Cookie-Database"),
)
"""Public lists of which parts are in proxy/catalogue/data: NOTICE.txt there."""

_SCRIPTS = (("uplot", "1.6.32", "MIT", "pkg:npm/uplot@1.6.32"),)
"""Scripts of others in proxy/console/files, as `npm pack` gives them, each with its licence there."""

_PAGE = """\
# Licences

What an installed copy consists of, beside its own source (MIT): the packages of
[the lock](../deploy/requirements.lock), two public lists in `proxy/catalogue/data`, and a script in
`proxy/console/files`. The same for programs:
[bill-of-materials.cdx.json](../deploy/bill-of-materials.cdx.json), CycloneDX 1.6. `make lock` writes both.

| what | version | licence (SPDX) |
|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Component:
    """One package, list or script, its licence, and the packages it needs."""

    name: str
    version: str
    licence: str
    purl: str
    needs: tuple[str, ...] = ()
    kind: str = "library"


def components() -> list[Component]:
    """Return every package of the lock, the lists and the scripts."""
    locked = dict(re.findall(r"^([a-z0-9-]+)==([^ \\]+)", SERVING.read_text("utf-8"), re.MULTILINE))
    packages = [
        Component(name, version, licence_of(name), f"pkg:pypi/{name}@{version}", tuple(_needs(name, locked)))
        for name, version in locked.items()
    ]
    lists = [Component(name, "", licence, purl, kind="data") for name, licence, purl in _DATA]
    return [*packages, *lists, *(Component(*script) for script in _SCRIPTS)]


def licence_of(name: str) -> str:
    """Return the SPDX expression of an installed package; ValueError if it names none."""
    said = cast("Message", metadata.metadata(name))
    candidates = [said["License-Expression"], said["License"], *said.get_all("Classifier", [])]
    for text in (str(one) for one in candidates if one):
        if text in _SPDX:
            return _SPDX[text]
        if re.fullmatch(r"[A-Za-z0-9.+-]+(?: (?:AND|OR) [A-Za-z0-9.+-]+)*", text):
            return text
    raise ValueError(f"{name} names no licence; look it up and add it to tools/bill_of_materials.py")


def _needs(name: str, locked: dict[str, str]) -> list[str]:
    needs = map(Requirement, metadata.requires(name) or ())
    found = {
        canonicalize_name(one.name) for one in needs if not one.marker or one.marker.evaluate({"extra": ""})
    }
    return sorted(found & locked.keys())


def bill(parts: list[Component]) -> dict[str, Any]:
    """Return the bill of materials as a CycloneDX 1.6 document."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    ours = f"pkg:pypi/{project['name']}@{VERSION}"
    wanted = {canonicalize_name(Requirement(text).name) for text in project["dependencies"]}
    references = {one.name: one.purl for one in parts}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": ours,
                "name": project["name"],
                "version": VERSION,
                "purl": ours,
                "licenses": [{"license": {"id": project["license"]}}],
            }
        },
        "components": [_entry(one) for one in parts],
        "dependencies": [
            {"ref": ours, "dependsOn": [references[name] for name in references if name in wanted]},
            *({"ref": one.purl, "dependsOn": [references[name] for name in one.needs]} for one in parts),
        ],
    }


def _entry(one: Component) -> dict[str, Any]:
    single = re.fullmatch(r"[A-Za-z0-9.+-]+", one.licence)
    version = {"version": one.version} if one.version else {}
    return {
        "type": one.kind,
        "bom-ref": one.purl,
        "name": one.name,
        **version,
        "purl": one.purl,
        "licenses": [{"license": {"id": one.licence}} if single else {"expression": one.licence}],
    }


def page(parts: list[Component]) -> str:
    """Return the list of licences as a page."""
    return _PAGE + "".join(f"| {one.name} | {one.version} | {one.licence} |\n" for one in parts)


def main() -> None:
    """Write both files."""
    parts = components()
    BILL.write_text(json.dumps(bill(parts), indent=2) + "\n", encoding="utf-8")
    LICENCES.write_text(page(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
