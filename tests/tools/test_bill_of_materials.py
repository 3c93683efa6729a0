"""The bill of materials is valid CycloneDX, and names what the lock names with its licence."""

import json
import re

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.shared import ROOT
from tools.bill_of_materials import BILL, LICENCES, bill, components, page

LOCKED = dict(
    re.findall(r"^([a-z0-9-]+)==([^ \\]+)", (ROOT / "deploy" / "requirements.lock").read_text(), re.MULTILINE)
)


def test_it_is_valid_cyclonedx():
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(BILL.read_text()) is None


def test_it_names_every_package_of_the_lock_and_the_lists_and_scripts_we_carry_each_with_a_licence():
    parts = json.loads(BILL.read_text())["components"]
    libraries = {one["name"]: one["version"] for one in parts if one["type"] == "library"}

    assert libraries == {**LOCKED, "uplot": "1.6.32"}, "make lock"
    assert {one["name"] for one in parts if one["type"] == "data"} == {
        "third-party-web",
        "open-cookie-database",
    }
    assert [one["name"] for one in parts if not one["licenses"]] == []


def test_both_files_are_what_the_tool_writes_today():
    parts = components()

    assert json.loads(BILL.read_text()) == bill(parts), "make lock"
    assert LICENCES.read_text() == page(parts), "make lock"


def test_no_licence_obliges_whoever_runs_the_product_to_publish_their_own_source():
    licences = {one.licence for one in components()}

    assert [text for text in licences if re.search(r"\b(?:AGPL|GPL|SSPL|BUSL)-", text)] == []


def test_the_script_that_the_console_carries_is_the_one_that_is_named_with_its_licence():
    folder = ROOT / "proxy" / "console" / "files"
    (script,) = (one for one in components() if one.name == "uplot")

    assert f"(v{script.version})" in (folder / "uPlot.iife.min.js").read_text("utf-8").splitlines()[0]
    assert script.licence in (folder / "uPlot.LICENSE.txt").read_text("utf-8").splitlines()[0]
