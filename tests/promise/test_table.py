"""The published cookie table and rules.yaml say the same, row for row.

Proven on our own copy of the table's facts, and on the published policy itself where the
folder beside the project has it.
"""

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from proxy.policy.load import load_policy
from proxy.policy.model import CookieRule, Policy
from tests.shared import shared

ROOT = Path(__file__).parents[2]
OUR_COPY = ROOT / "tests" / "data" / "policy-table.txt"
CATEGORIES = {"Strictly necessary": "necessary", "Functional": "functional", "Performance": "performance"}


class Row(NamedTuple):
    """One row as the policy publishes it."""

    purpose: str
    note: str | None
    names: tuple[str, ...]
    domains: tuple[str, ...]
    provider: str | None
    why: str
    basis: str
    lasts: str


def published(text: str) -> list[Row]:
    """Return the rows of a table in the policy's own form."""
    rows = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().rstrip("|").split("|")]
        category, _, note = cells[0].removesuffix(")").partition(" (")
        if len(cells) != 6 or category not in CATEGORIES:
            continue
        places = cells[2].split(" / ")
        hosts = tuple(place for place in places if re.fullmatch(r"\.?[a-z0-9.-]+\.[a-z]+", place))
        named = [place for place in places if place not in hosts]
        rows.append(
            Row(
                CATEGORIES[category],
                note or None,
                tuple(re.split(r", *", cells[1])),
                hosts,
                named[0] if named else None,
                cells[3],
                cells[4].lower(),
                cells[5],
            )
        )
    return rows


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load_policy((ROOT / "rules.yaml").read_text(encoding="utf-8"))


def rows_of(policy: Policy) -> list[CookieRule]:
    return [row for provider in policy.providers for row in provider.cookies]


def as_published(policy: Policy, row: CookieRule, *, with_provider: bool) -> Row:
    """Return a row of rules.yaml in the policy's form."""
    provider = policy.provider(row.provider)
    purpose = policy.purpose(row.purpose)
    return Row(
        row.purpose,
        row.note,
        row.names,
        row.domains,
        provider.name if with_provider else None,
        row.why,
        purpose.basis.value,
        row.lasts.text,
    )


def compare(policy: Policy, table: list[Row]) -> None:
    ours = [row for row in rows_of(policy) if row.unpublished is None]
    unnamed = {row[:4] for row in table if row.provider is None}
    written = [as_published(policy, row, with_provider=True) for row in ours]
    written = [row._replace(provider=None) if row[:4] in unnamed else row for row in written]

    assert Counter(written) == Counter(table)


def test_the_published_table_and_our_rules_are_the_same_rows(policy):
    table = published(OUR_COPY.read_text(encoding="utf-8"))

    assert len(table) == 15
    compare(policy, table)


def test_the_policy_itself_says_what_our_copy_of_its_table_says(policy):
    table = published(shared("cookie-policy.txt").read_text(encoding="utf-8"))

    assert table == published(OUR_COPY.read_text(encoding="utf-8"))
    compare(policy, table)


@pytest.mark.parametrize(
    ("name", "domain", "seconds"),
    [
        ("__cf_bm", ".callkom.io", 1_800),
        ("m", "m.stripe.com", 31_536_000),
        ("hubspotutk", ".callkom.io", 15_552_000),
        ("wp-wpml_current_language", "callkom.io", None),
        ("ai_user", "app.callkom.io", 28_944_000),
        ("_ga", ".callkom.io", 34_128_000),
    ],
)
def test_a_published_duration_is_so_many_seconds(policy, name, domain, seconds):
    row = next(row for row in rows_of(policy) if name in row.names and domain in row.domains)

    assert row.lasts.seconds == seconds


def test_every_provider_that_the_policy_names_has_a_block(policy):
    names = {provider.name for provider in policy.providers}

    assert {
        "Cloudflare",
        "HubSpot",
        "Calendly",
        "Stripe",
        "MS Application Insights",
        "Google Analytics 4",
    } <= names


def test_the_policy_promises_to_ask_again_within_six_months(policy):
    assert policy.ask_again_after.text == "6 months"


def test_every_row_beyond_the_table_says_why_it_is_not_in_it(policy):
    beyond = {name for row in rows_of(policy) if row.unpublished for name in row.names}

    assert {
        "consent_callkom", "PHPSESSID", "wordpress_*", "ASP.NET_SessionId", ".AspNetCore.Identity.*", "ARRAffinity",
        "XSRF-TOKEN", "__stripe_mid", "__stripe_sid", "cf_clearance", "__cflb", "_cfuvid", "_gid", "_gat*",
        "FPID", "ai_authUser*", "messagesUtk", "__hs_opt_out", "__hs_do_not_track",
    } <= beyond  # fmt: skip


@pytest.mark.parametrize(
    ("name", "purpose"),
    [
        ("consent_callkom", "necessary"),
        ("__stripe_mid", "necessary"),
        ("cf_clearance", "necessary"),
        ("__hs_opt_out", "necessary"),
        ("_gid", "performance"),
        ("_gat*", "performance"),
        ("FPID", "performance"),
        ("ai_authUser*", "performance"),
        ("messagesUtk", "functional"),
    ],
)
def test_what_is_not_published_has_the_purpose_that_was_decided(policy, name, purpose):
    assert {row.purpose for row in rows_of(policy) if name in row.names} == {purpose}


def test_a_changed_row_is_noticed(policy):
    table = published(OUR_COPY.read_text(encoding="utf-8"))

    for at, row in enumerate(table):
        for field, other in (
            ("names", ("x",)),
            ("domains", (".x.com",)),
            ("lasts", "1 day"),
            ("why", "x"),
            ("purpose", "social"),
            ("note", "x"),
        ):
            changed = [*table[:at], row._replace(**{field: other}), *table[at + 1 :]]
            with pytest.raises(AssertionError):
                compare(policy, changed)
