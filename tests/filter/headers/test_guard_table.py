"""What the guard is told: the rows of the policy, shorter, and still the same judgement."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.filter.headers.cookies import CookieRules, judge_cookie
from proxy.filter.headers.guard_table import GuardTable, guard_table, since_attribute
from proxy.filter.headers.set_cookie import parse_set_cookie
from proxy.policy.own_hosts import OwnHosts
from proxy.policy.scope import scope_of
from tests.policy.rules import policy_of

OWN = OwnHosts(frozenset({"example.com", "app.example.com", "www.elsewhere.net"}), "example.com")
NOW = 1_795_428_000


def row(name, purpose="performance", lasts="1 day", domain=".example.com"):
    return f"- {{ name: {name}, domain: {domain}, purpose: {purpose}, lasts: {lasts}, why: x }}"


def table(*rows, granted=(), own=OWN, **blocks):
    policy = policy_of(cookies="\n".join(rows), **blocks)
    return guard_table(policy, scope_of(policy).granted(granted), own)


CONSENT_COOKIE_VERDICT = ("consent_callkom", "", 0, None)


def test_what_is_refused_is_one_row_with_our_own_cookie_first():
    assert table(row("aa"), row("bb", "functional")).rows == (("consent_callkom|aa|bb", "", 0, None),)


def test_what_is_granted_carries_its_life_and_whose_day_it_counts_from():
    rows = table(
        row("aa", lasts="13 months"),
        row("bb", lasts="30 min"),
        row("cc", lasts="Session"),
        granted=["performance"],
    ).rows

    past_all = 3  # purposes: needs consent, and counts from no day
    assert rows == (
        CONSENT_COOKIE_VERDICT,
        ("aa", "", 395 * 86_400, 2),
        ("bb", "", 1_800, past_all),
        ("cc", "", -1, past_all),
    )


def test_necessary_rows_have_a_life_but_no_day():
    assert table(row("aa", "necessary", "1 year")).rows == (
        CONSENT_COOKIE_VERDICT,
        ("aa", "", 365 * 86_400, None),
    )


def test_no_life_is_longer_than_the_script_can_count_whole():
    assert table(row("aa", "necessary", "100 years")).rows[1][2] == 2**31 - 1


def test_rows_of_other_peoples_domains_are_left_out():
    assert table(row("aa", domain=".hubspot.com"), row("bb", domain="m.stripe.com")).rows == (
        CONSENT_COOKIE_VERDICT,
    )


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        (".example.com", ""),
        ("example.com", "example\\.com"),
        ("app.example.com", "app\\.example\\.com"),
        ("new.example.com", "new\\.example\\.com"),
        (".app.example.com", "(.*\\.)?app\\.example\\.com"),
        ("[app.example.com, pay.com]", "app\\.example\\.com"),
        ("[app.example.com, .example.com]", ""),
        (".elsewhere.net", "(.*\\.)?elsewhere\\.net"),
        ("www.elsewhere.net", "www\\.elsewhere\\.net"),
    ],
)
def test_a_domain_is_told_where_it_is_not_every_own_host(domain, expected):
    assert table(row("aa", "necessary", domain=domain)).rows[1][1] == expected


def test_without_a_common_domain_each_row_says_its_own():
    own = OwnHosts(frozenset({"www.example.com", "shop.other.org"}), None)

    assert table(row("aa", "necessary"), own=own).rows[1][1] == "(.*\\.)?example\\.com"


def test_rows_alike_are_one_unless_another_stands_between_them():
    rows = table(
        row("abc", "necessary"),
        row("bb", "functional"),
        row("cc", "necessary"),
        row('"ab*"', "functional"),
        row("abd", "necessary"),
        row("bb", "necessary"),
    ).rows

    assert rows == (
        ("consent_callkom|bb", "", 0, None),
        ("abc|cc", "", 86_400, None),
        ("ab.*", "", 0, None),
        ("abd", "", 86_400, None),
    )


def test_a_name_that_a_wider_row_says_with_the_same_life_is_said_once():
    rows = table(row("ai_user", "necessary", domain="app.example.com"), row('"ai_user*"', "necessary")).rows

    assert rows == (CONSENT_COOKIE_VERDICT, ("ai_user.*", "", 86_400, None))


def test_storage_keys_are_told_until_they_are_granted():
    blocks = {
        "storage": '- { key: ["ai_*", "k.x"], purpose: performance }\n- { key: theme, purpose: necessary }'
    }

    assert table(row("aa"), **blocks).keys == "ai_.*|k\\.x"
    assert table(row("aa"), granted=["performance"], **blocks).keys == ""


def test_whether_undeclared_cookies_are_kept_is_told():
    assert not table(row("aa")).keeps_undeclared
    assert table(row("aa"), undeclared="{ cookies: keep, tags: hold }").keeps_undeclared


# --- equal judgement --------------------------------------------------------------------------

names = st.sampled_from(
    ["aa", "ab", "_ga", '"_ga*"', '"ab*"', '"*_ga"', '"a*b*c"', "abc", "consent_callkom", '"_g.a"']
)
rows = st.builds(
    row,
    names,
    st.sampled_from(["necessary", "functional", "performance"]),
    st.sampled_from(["1 day", "6 months", "Session"]),
    st.sampled_from([".example.com", "app.example.com", "example.com", ".hubspot.com", ".app.example.com"]),
)


@settings(max_examples=200)
@given(
    st.lists(rows, min_size=1, max_size=7, unique=True),
    st.sampled_from([(), ("functional",), ("performance",), ("functional", "performance")]),
    st.sampled_from(
        ["aa", "ab", "abc", "axbxc", "abxbc", "_ga", "_ga_1", "x_ga", "_gxa", "_g.a", "consent_callkom", "zz"]
    ),
    st.sampled_from(["example.com", "app.example.com", "x.app.example.com", "www.example.com"]),
)
def test_the_guard_judges_as_the_proxy_does(given_rows, granted, name, host):
    policy = policy_of(cookies="\n".join(given_rows))
    grants = scope_of(policy).granted(granted)
    told = guard_table(policy, grants, OWN)
    line = f"{name}=1; Max-Age=999999999".encode()

    _, out = judge_cookie(CookieRules(policy), line, host=host, grants=grants, now=NOW)

    assert by_guard(told, name, host) == (0 if out is None else parse_set_cookie(out).max_age or -1)


def by_guard(told, name, domain):
    """Return the life that guard.js finds: its own search, in Python."""
    for pattern, domains, life, _ in told.rows:
        if re.match(f"^({pattern});" + (f"({domains})$" if domains else ""), f"{name};{domain}"):
            return life
    return -1 if told.keeps_undeclared else 0


# --- the script ---------------------------------------------------------------------------------


def test_the_same_bytes_stand_in_html_and_in_xml():
    rows = row("a<b&c>d", "necessary"), row("aa")
    code = table(*rows, storage="- { key: kk, purpose: performance }").arguments

    assert not set(code) & set("<&")
    assert "]]>" not in code
    assert code.isascii()


def test_only_the_parts_that_a_row_needs_are_asked_for():
    assert GuardTable((("aa", "x", 0, None),), False, "kk", "/r").parts == ("domains", "keys")
    assert GuardTable((("aa", "", 0, None), ("b", "y", 0, None)), False, "", "/r").parts == ("domains",)
    assert GuardTable((("aa", "", 0, None),), False, "kk", "/r").parts == ("keys",)
    assert GuardTable((("aa", "", 0, None),), False, "", "/r").parts == ()


def test_the_script_is_called_with_the_table_as_patterns():
    rows = (("a\\.b|c.*", "", 60, 2), ("d", "x\\.y", 0, None))
    code = GuardTable(rows, True, "k.*", "/.consent/reports").arguments

    rows_and_keys = '[[/^(a\\.b|c.*);/,60,2],[/^(d);(x\\.y)$/,0]],1,/^(k.*)$/,"/.consent/reports",'
    assert code.startswith(rows_and_keys)


def servers(*granted, **blocks):
    policy = policy_of(cookies=row("aa"), tags="- { from: one.example, purpose: performance }", **blocks)
    one = replace(
        policy.providers[0], connect=("api.one.example",), webrtc=("stun.two.example", "relay*.one.net")
    )
    policy = replace(policy, providers=(one, *policy.providers[1:]))
    return guard_table(policy, scope_of(policy).granted(granted), OWN).webrtc


def test_of_the_servers_for_webrtc_those_of_refused_providers_are_refused():
    found = servers()

    assert found.refused == ("stun.two.example", "relay*.one.net", "one.example")
    assert found.known == ("example.com", "elsewhere.net")
    assert not found.holds_undeclared


def test_once_granted_they_are_known():
    assert servers("performance").refused == ()
    assert "relay*.one.net" in servers("performance").known


def test_a_rule_says_that_undeclared_servers_are_held():
    assert servers(undeclared="{ webrtc: hold }").holds_undeclared
    assert (
        servers(undeclared="{ webrtc: hold }").argument
        == "[/^(.*\\.)?((stun\\.two|one)\\.example|relay[^.]*\\.one\\.net)$/,/^(.*\\.)?(example\\.com|elsewhere\\.net)$/,1]"
    )


def test_every_host_of_the_sites_own_is_known():
    both = OwnHosts(frozenset({"www.example.com", "example.org"}), "example.com")

    assert guard_table(policy_of(cookies=row("aa")), frozenset(), both).webrtc.known == (
        "example.com",
        "example.org",
    )


def test_days_stand_in_the_order_of_the_purposes():
    policy = policy_of(cookies=row("aa"))

    assert since_attribute(policy, {"performance": 20_001, "functional": 20_000}) == "- 20000 20001"
    assert since_attribute(policy, {}) == "- - -"
