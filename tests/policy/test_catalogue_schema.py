"""Blocks of the catalogue are blocks of rules.yaml with more to say: shapes and what each refuses."""

import pytest
from pydantic import ValidationError

from proxy.policy.catalogue_schema import CatalogueShape, PlatformShape, TrackerShape

ROW = {"name": "sid", "purpose": "necessary", "lasts": "1 day", "why": "Sign-in"}
CHECKED = {"on": "2026-11-01", "how": "read", "at": ["https://acme.example/docs"]}
BLOCK = {"name": "Acme", "kind": "analytics", "checked": CHECKED}
KNOWN = {"purposes": {"necessary", "performance"}}


def refused(shape, value) -> list[tuple[object, ...]]:
    """Return where the faults of a block are."""
    with pytest.raises(ValidationError) as error:
        shape.model_validate(value, context=KNOWN, by_alias=True)
    return [fault["loc"] for fault in error.value.errors()]


def test_a_platforms_cookie_is_the_sites_own_and_set_by_its_server_unless_said():
    block = PlatformShape.model_validate({"name": "Wiki", "cookies": [ROW]}, context=KNOWN, by_alias=True)

    assert (block.cookies[0].domain, block.cookies[0].by_scripts) == (("self",), "no")


def test_a_platforms_cookie_has_no_other_domain():
    assert refused(PlatformShape, {"name": "Wiki", "cookies": [ROW | {"domain": ".example.com"}]})[0][:3] == ("cookies", 0, "domain")  # fmt: skip


def test_a_block_says_what_it_is_and_when_somebody_looked():
    assert set(refused(CatalogueShape, {"name": "Acme"})) == {("kind",), ("checked",)}
    assert refused(CatalogueShape, BLOCK | {"checked": CHECKED | {"how": "guessed"}}) == [("checked", "how")]
    assert refused(CatalogueShape, BLOCK | {"checked": CHECKED | {"on": "lately"}}) == [("checked", "on")]


def test_a_blocks_cookie_may_be_the_sites_own_or_of_a_domain():
    rows = [ROW | {"domain": "self"}, ROW | {"domain": [".example.com", "self"]}]
    block = CatalogueShape.model_validate(BLOCK | {"cookies": rows}, context=KNOWN, by_alias=True)

    assert [row.domain for row in block.cookies] == [("self",), (".example.com", "self")]
    assert refused(CatalogueShape, BLOCK | {"cookies": [ROW]}) == [("cookies", 0, "domain")]


def test_a_block_is_no_place_for_other_keys():
    assert refused(CatalogueShape, BLOCK | {"kinds": "x"}) == [("kinds",)]
    assert refused(TrackerShape, {"name": "Spy", "cookie": "x"}) == [("cookie",)]


def test_a_tracker_is_a_name_and_globs():
    spy = TrackerShape.model_validate({"name": "Spy", "cookies": ["spy_*"], "storage": "spy"})

    assert (spy.name, spy.cookies, spy.storage) == ("Spy", ("spy_*",), ("spy",))
    assert TrackerShape.model_validate({"name": "Spy"}).cookies == ()
