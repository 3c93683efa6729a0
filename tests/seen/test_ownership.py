"""Whose a name is said to be."""

import pytest

from proxy.seen.names import Kind
from proxy.seen.ownership import UNKNOWN, ownership
from tests.seen.planted import planted


@pytest.mark.parametrize(
    ("kind", "name", "setters", "owner", "catalogue"),
    [
        (Kind.HOST, "static.hotjar.com", (), "Hotjar", "hotjar"),
        (Kind.COOKIE, "_hjid", (), "Hotjar", "hotjar"),
        (Kind.HOST, "cdn.pendo.io", (), "Pendo", ""),
        (Kind.HOST, "a.vendor.example", (), "vendor.example", ""),
        (Kind.COOKIE, "never_heard_of", (), UNKNOWN, ""),
        (Kind.COOKIE, "never_heard_of", ("self", "cdn.pendo.io"), "Pendo", ""),
        (Kind.KEY, "theme", ("static.hotjar.com",), "Hotjar", ""),
    ],
)
def test_the_catalogue_knows_public_lists_guess_and_scripts_speak_for_what_they_write(
    kind, name, setters, owner, catalogue
):
    found = ownership(kind, name, setters)

    assert (found.owner, found.catalogue) == (owner, catalogue)


def test_of_sixty_names_on_an_unknown_site_at_least_45_get_the_right_owner():
    rows = planted()
    said = [(row, ownership(row.kind, row.name, (row.setter,)).owner) for row in rows]
    right = [row.name for row, owner in said if row.owner != "-" and row.owner.lower() in owner.lower()]
    wrong = [
        (row.name, owner)
        for row, owner in said
        if row.owner != "-" and row.owner.lower() not in owner.lower()
    ]

    assert len(rows) == 60
    assert len(right) >= 45, wrong
