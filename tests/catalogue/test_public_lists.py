"""The public lists that ship: they are read, they have their notices, the tool makes them."""

import csv
import io

import pytest

from proxy.catalogue.public_lists import cookie_guess, owner_of
from tests.shared import ROOT
from tools.public_lists import LONGEST, cookies, owners

DATA = ROOT / "proxy" / "catalogue" / "data"


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("cdn.pendo.io", "Pendo"),
        ("pendo.io", "Pendo"),
        ("notpendo.io", None),
        ("io", None),
        ("a.vendor.example", None),
    ],
)
def test_the_owner_of_a_host_is_that_of_its_longest_listed_parent(host, name):
    found = owner_of(host)

    assert (found.name if found else None) == name


@pytest.mark.parametrize(
    ("name", "category"),
    [("__kla_id", "Marketing"), ("AMCV_1@AdobeOrg", "Marketing"), ("never_heard_of", None)],
)
def test_a_cookie_is_said_to_be_what_its_name_or_beginning_says(name, category):
    found = cookie_guess(name)

    assert (found.category if found else None) == category


def test_the_lists_ship_with_their_notices():
    notice = (DATA / "NOTICE.txt").read_text("utf-8")

    assert "third-party-web" in notice
    assert "Permission is hereby granted" in notice
    assert "Open Cookie Database" in notice
    assert "Apache License" in (DATA / "LICENSE-Apache-2.0.txt").read_text("utf-8")


@pytest.mark.parametrize(("file", "fields"), [("owners.tsv", 4), ("cookies.tsv", 5)])
def test_every_line_has_its_fields_and_is_short(file, fields):
    lines = (DATA / file).read_text("utf-8").splitlines()

    assert len(lines) > 1000
    assert {line.count("\t") for line in lines} == {fields - 1}


def test_the_tool_cuts_the_originals_to_what_is_used():
    entities = [{"name": "Acme\tAds", "categories": ["ad"], "domains": ["*.B.example", "a.example"]}]
    table = io.StringIO(
        "ID,Platform,Category,Cookie / Data Key name,Domain,Description,Retention period,Wildcard match\n"
        f"1,Acme,Analytics,_acme_,,{'word ' * 50},1 year,1\n"
        "2,Acme,Analytics,x,,too short a name,1 year,1\n"
    )

    assert owners(entities) == ["Acme Ads\tad\t\t*.b.example a.example"]
    (line,) = cookies(csv.DictReader(table))
    assert line.startswith("_acme_*\tAcme\tAnalytics\t1 year\tword word")
    assert len(line.rpartition("\t")[2]) <= LONGEST + 4
