"""Rules for what no rule speaks of: whatever is posted, `check` accepts them."""

from dataclasses import replace

import pytest

from proxy.catalogue.shipped import shipped_catalogue
from proxy.config.consent_domain import shared_domain
from proxy.config.loading import load_config
from proxy.config.policies import Policies
from proxy.policy.lint import lint
from proxy.policy.load import load_policy
from proxy.policy.model import NECESSARY
from proxy.policy.own_hosts import OwnHosts
from proxy.seen.discovery import discover
from proxy.seen.names import Kind, kept_name
from proxy.seen.sightings import Key, Seen
from proxy.seen.suggestions import as_yaml, suggest
from proxy.snapshot.sites import build_sites
from tests.seen.planted import planted
from tests.support.proxying import RULES, config_text

NOW = 1_795_435_200
SITE = build_sites(
    load_config(config_text("http://127.0.0.1:1")),
    Policies.given(load_policy(RULES, catalogue=shipped_catalogue())),
    (b"k" * 32,),
    NOW,
).all[0]
HOSTILE = [
    'a": b',
    "a' b",
    "{ x: [ y",
    "*alias",
    "&anchor x",
    "!!python/object",
    "# comment",
    "a: |",
    "key\\u0022",
    "yes",
    "null",
    "%YAML 1.2",
    "---",
    "é ü 字 😀",
    "<script>alert(1)</script>",
    "[link=file:///etc]red[/link]",
    "=HYPERLINK(1)",
    "{{7*7}}",
    "__proto__",
]


def seen(names, **facts):
    return {Key("callkom.io", kind, name): Seen(NOW, NOW, 1, by_us=True, **facts) for kind, name in names}


def suggested(names):
    return suggest(
        discover("callkom.io", names, SITE.rules, SITE.cookies, now=NOW), SITE.policy, SITE.own, SITE.name
    )


def with_blocks(*blocks):
    """The rules with these blocks pasted below their headings."""
    used = [block for block in blocks if block.used]
    rest = [block for block in blocks if not block.used]
    return RULES + "".join(block.text for block in rest) + (as_yaml(used) if used else "")


def policy_of(*blocks):
    return load_policy(with_blocks(*blocks), catalogue=shipped_catalogue())


def test_each_of_sixty_names_gets_a_block_that_check_accepts_unedited():
    rows = planted()
    names = {}
    for row in rows:
        elements = {row.element} if row.kind is Kind.HOST else set()
        names |= seen([(row.kind, row.name)], elements=elements, setters={row.setter} - {""})
    blocks = suggested(names)
    spoken = {name for block in blocks for name in block.names}
    faults = [problem for block in blocks for problem in lint(policy_of(block)) if not problem.warning]
    left = discover(
        "callkom.io",
        names,
        *rules_of(policy_of(*blocks)),
        now=NOW,
    )

    assert spoken == {row.name for row in rows}
    assert faults == []
    assert [one.name for one in left.undeclared] == []


def rules_of(policy):
    site = build_sites(
        load_config(config_text("http://127.0.0.1:1")), Policies.given(policy), (b"k" * 32,), NOW
    ).all[0]
    return site.rules, site.cookies


def test_a_call_is_a_provider_of_the_catalogue_or_a_rule_for_its_snippet():
    names = seen([(Kind.CALL, "fbq"), (Kind.CALL, "_acmeq")])
    blocks = suggested(names)
    left = discover("callkom.io", names, *rules_of(policy_of(*blocks)), now=NOW)

    assert [block.id for block in blocks if block.used] == ["meta-pixel"]
    assert [problem for block in blocks for problem in lint(policy_of(block)) if not problem.warning] == []
    assert left.undeclared == []


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_come_back_as_they_were_or_not_at_all(name):
    kinds = [kind for kind in (Kind.COOKIE, Kind.KEY) if kept_name(kind, name) is not None]
    blocks = suggested(seen([(kind, name) for kind in kinds]))
    policy = policy_of(*blocks)
    known = {provider.id for provider in SITE.policy.providers}
    new = [provider for provider in policy.providers if provider.id not in known]
    named = {n for p in new for row in p.cookies for n in row.names} | {
        n for p in new for rule in p.storage for n in rule.keys
    }

    assert len(new) <= 1
    assert named <= {name}


@pytest.mark.parametrize(
    "host", ["github.io", "co.uk", "203.0.113.9", "[2001:db8::1]", "under_score.vendor.example"]
)
def test_what_no_rule_can_say_is_a_comment_or_a_rule_that_holds(host):
    blocks = suggested(seen([(Kind.HOST, host)], elements={"script"}))

    assert [problem for problem in lint(policy_of(*blocks)) if not problem.warning] == []
    assert host in as_yaml(blocks)


def test_no_guess_is_granted_as_necessary():
    said = [
        (Kind.COOKIE, name) for name in ("ai_user", "cf_clearance", "CookieConsent", "JSESSIONID_X", "sid")
    ]
    blocks = suggested(seen(said))
    known = {provider.id for provider in SITE.policy.providers} | {b.id for b in blocks if b.used}
    rows = [row for p in policy_of(*blocks).providers if p.id not in known for row in p.cookies]
    platforms = {name for p in SITE.policy.catalogue.platforms for row in p.cookies for name in row.names}

    assert [
        row.names for row in rows if row.purpose == NECESSARY and not platforms.issuperset(row.names)
    ] == []


def test_what_a_platform_owns_keeps_its_purpose_and_says_so():
    blocks = suggested(seen([(Kind.COOKIE, "PHPSESSID")]))

    assert 'purpose: "necessary"' in as_yaml(blocks)
    assert "the catalogue knows it as a cookie of php" in as_yaml(blocks)


def test_a_policy_that_asks_for_nothing_gets_comments():
    free = replace(SITE.policy, purposes=tuple(p for p in SITE.policy.purposes if p.id == NECESSARY))
    found = discover("callkom.io", seen([(Kind.COOKIE, "odd")]), SITE.rules, SITE.cookies, now=NOW)

    assert "asks for no consent" in as_yaml(suggest(found, free, SITE.own, SITE.name))


@pytest.mark.parametrize(
    ("hosts", "seen_on", "domain"),
    [
        (["www.shop.test", "localhost"], "localhost", ".shop.test"),
        (["www.shop.test", "localhost"], "www.shop.test", "www.shop.test"),
        (["www.shop.test", "localhost"], "", ".shop.test"),
        (["www.shop.test"], "", ".shop.test"),
        (["shop.test", "www.shop.test"], "www.shop.test", ".shop.test"),
        (["shop.test", "www.shop.test"], "shop.test", ".shop.test"),
        (["shop.test"], "deep.shop.test", "deep.shop.test"),
        (["shop.test", "shop.example"], "shop.example", "shop.example"),
    ],
)
def test_the_row_of_a_cookie_holds_wherever_the_site_sets_it(hosts, seen_on, domain):
    own = OwnHosts(frozenset(hosts), shared_domain(hosts))
    names = {
        Key("s", Kind.COOKIE, "odd"): Seen(
            NOW, NOW, 1, by_us=True, cookie={"domain": seen_on} if seen_on else {}
        )
    }
    found = discover("s", names, SITE.rules, SITE.cookies, now=NOW)

    assert f'domain: "{domain}"' in as_yaml(suggest(found, SITE.policy, own, hosts[0]))


def test_what_stands_at_the_end_of_a_file_goes_on_from_its_last_key():
    blocks = suggested(seen([(Kind.COOKIE, "odd"), (Kind.CALL, "fbq")]))
    first, last = as_yaml(blocks, "providers"), as_yaml(blocks)
    policy = load_policy(RULES.partition("\ntests:")[0] + "\n" + first, catalogue=shipped_catalogue())

    assert first.startswith("  not-known:")
    assert last.startswith("use:")
    assert {"not-known", "meta-pixel", "google"} <= {provider.id for provider in policy.providers}
