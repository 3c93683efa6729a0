import os
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.config.loading import load_config
from proxy.config.policies import Policies
from proxy.consent.answer import Answer
from proxy.errors import BadRequest
from proxy.policy.load import load_policy
from proxy.policy.scope import Pair, Scope
from proxy.route.context import page_facts
from proxy.snapshot import consent_lookup
from proxy.snapshot import sites as module
from proxy.snapshot.sites import build_sites
from tests.support.proxying import RULES, config_text
from tests.support.visits import request

KEYS = (b"k" * 32,)
ALL = frozenset({Pair("functional", "hubspot"), Pair("performance", "google")})
NONE = frozenset()


def sites(more="", site="", rules=RULES):
    config = load_config(config_text("http://127.0.0.1:1", more=more, site=site), folder=Path("/nowhere"))
    return build_sites(config, Policies.given(load_policy(rules)), KEYS)


def test_a_site_is_found_by_each_of_its_names_and_by_no_other():
    built = sites()

    assert built.match("callkom.io") is built.match("app.callkom.io")
    for host in ("evil.example", "", "callkom.io.evil.example", "xcallkom.io"):
        with pytest.raises(BadRequest) as caught:
            built.match(host)
        assert caught.value.status == 421


def test_what_is_compiled_for_equal_grants_is_shared():
    site = sites().match("callkom.io")

    assert site.variant(ALL, secure=True) is site.variant(frozenset(ALL), secure=True)
    assert site.variant(ALL, secure=True) is not site.variant(NONE, secure=True)


def test_the_fence_lets_in_what_was_granted_and_speaks_the_visitors_scheme():
    site = sites().match("callkom.io")

    assert b"googletagmanager.com" in site.variant(ALL, secure=True).fence
    assert b"googletagmanager.com" not in site.variant(NONE, secure=True).fence
    assert b"https://callkom.io" in site.variant(NONE, secure=True).fence
    assert b"http://callkom.io" in site.variant(NONE, secure=False).fence


def test_the_name_of_a_page_changes_with_all_it_is_made_of():
    site, other_rules = (
        sites().match("callkom.io"),
        sites(rules=RULES.replace("Statistics", "Counting")).match("callkom.io"),
    )
    other_look = sites(more="banner: { theme: dark }").match("callkom.io")

    def name(chosen, grants=NONE, facts=("first",)):
        return chosen.tag(chosen.variant(grants, secure=True), facts)

    names = [name(site), name(site, ALL), name(site, facts=("no",)), name(other_rules), name(other_look)]
    assert len(set(names)) == len(names)
    assert name(site) == name(sites().match("callkom.io"))


def page_name(built):
    site = built.match("callkom.io")
    return site.tag(
        site.variant(NONE, secure=True), page_facts(request(), site.look_up_consent(request())[1])
    )


@pytest.mark.parametrize(
    "other",
    [
        {"rules": RULES + "undeclared: { tags: keep }\n"},
        {"rules": RULES + "undeclared: { cookies: keep }\n"},
        {"rules": RULES + "neutral: [{ from: fonts.example, why: Fonts }]\n"},
        {"site": "    undeclared: { tags: keep }\n"},
        {"site": "    undeclared: { cookies: keep }\n"},
        {"more": "own: [media.example]"},
        {"more": "language: fr"},
        {"more": "consent: { stands_for: callkom.com }"},
        {"more": "consent: { path: /privacy/ }"},
        {"more": "consent: { cookie: other }"},
        {"more": "banner: { light: { act: '#000000' } }"},
    ],
    ids=str,
)
def test_a_page_made_under_another_configuration_has_another_name(other):
    assert page_name(sites(**other)) != page_name(sites())


def test_a_page_made_by_another_build_has_another_name(monkeypatch):
    before = page_name(sites())
    monkeypatch.setattr(module, "build_digest", lambda: "a filter with a fault mended")

    assert page_name(sites()) != before


def test_a_page_has_the_same_name_in_every_worker():
    """Each process hashes words in its own way, and so walks through sets in its own order."""
    said = (
        "from tests.snapshot.test_sites import *; from dataclasses import replace; from proxy.policy.scope import Scope\n"
        "site = sites(more='own: [a.example, b.example, c.example]').match('callkom.io')\n"
        "asked = request(); decision = replace(site.look_up_consent(asked)[1], new=Scope(ALL))\n"
        "print(site.tag(site.variant(ALL, secure=True), page_facts(asked, decision)))"
    )
    names = {
        subprocess.check_output([sys.executable, "-c", said], env={**os.environ, "PYTHONHASHSEED": seed})
        for seed in ("1", "2", "3")
    }

    assert len(names) == 1


def test_what_strangers_send_is_remembered_within_bounds(monkeypatch):
    monkeypatch.setattr(consent_lookup, "CACHE_SIZE", 10)
    monkeypatch.setattr(module, "TAGS", 10)
    monkeypatch.setattr(module, "REFUSALS", 10)
    site = sites().match("callkom.io")
    variant = site.variant(NONE, secure=True)
    for number in range(50):
        seen = request(b"/%d" % number, (b"Cookie", b"consent_callkom=forged%d" % number))
        _, decision = site.look_up_consent(seen)
        site.refusal(seen, decision)
        site.tag(variant, (number,))

    assert len(site.consent_lookup._cache) <= 10
    assert len(site._tags) <= 10
    assert len(site._refusals) <= 10


def test_a_site_may_treat_the_undeclared_otherwise():
    kept = sites(site="    undeclared: { cookies: keep, tags: keep }\n").match("callkom.io")

    assert kept.cookies.undeclared.keeps
    assert kept.cookies.undeclared.because is None  # the config says so, not a line of rules.yaml
    assert not kept.rules.holds_undeclared
    assert kept.variant(NONE, secure=True).fence == b""


def test_a_staging_copy_stands_for_the_published_domain():
    from proxy.process.read_files import for_configured_hosts

    text = (
        config_text("http://127.0.0.1:1").replace("callkom.io", "callkom.localhost")
        + "consent: { stands_for: callkom.io }\n"
    )
    config = load_config(text)
    policy = for_configured_hosts(load_policy(RULES), config)

    assert policy.provider("google").cookies[0].domains == (".callkom.localhost",)


def test_what_strangers_send_at_length_is_not_remembered():
    site = sites().match("callkom.io")
    variant = site.variant(NONE, secure=True)
    for number in range(50):
        long = b"%d" % number + b"x" * 30_000
        asked = request(b"/", (b"Cookie", b"consent_callkom=" + long), (b"Accept-Language", long))
        reading, decision = site.look_up_consent(asked)
        assert reading.answer is None
        assert site.tag(variant, page_facts(asked, decision))
        site.refused_names(request(b"/", (b"Cookie", long + b"=1")), NONE)

    kept = site.consent_lookup._cache
    assert sys.getsizeof(kept) + sum(len(value) for value, _ in kept) < 10_000
    assert sum(len(repr(key)) for key in site._tags) < 10_000
    assert sum(len(name) for name in site.cookies.seen("callkom.io")) < 10_000


def test_all_sites_share_one_memory_of_pages():
    built = sites(more="", site="  - { hosts: other.callkom.io, upstream: 'http://127.0.0.1:2' }\n")

    assert built.match("callkom.io").pages is built.match("other.callkom.io").pages


def test_what_all_sites_remember_of_tags_is_bounded_together(monkeypatch):
    monkeypatch.setattr(module, "JUDGED", 100_000)
    built = sites(more="", site="  - { hosts: other.callkom.io, upstream: 'http://127.0.0.1:2' }\n")
    judges = [
        built.match(host).variant(grants, secure=secure).judge
        for host in ("callkom.io", "other.callkom.io")
        for grants in (ALL, NONE)
        for secure in (True, False)
    ]
    for number in range(1_000):
        for judge in judges:
            judge.tags.store(b"<script nonce=%d>" % number, None)
            judge.styles.store(b".a%d{}" % number, True)

    assert 50_000 < sum(judge.tags.weight + judge.styles.weight for judge in judges) <= 100_000


def two_domains():
    text = (
        "listen: 127.0.0.1:0\nsites:\n"
        "  - { hosts: [callkom.io, www.callkom.io], upstream: 'http://127.0.0.1:1' }\n"
        "  - { hosts: [example.fr, www.example.fr], upstream: 'http://127.0.0.1:1' }\n"
    )
    return build_sites(load_config(text, folder=Path("/nowhere")), Policies.given(load_policy(RULES)), KEYS)


def test_beside_another_domain_one_answer_still_serves_all_hosts_of_a_domain():
    built = two_domains()

    lines = [
        built.match(host).cookie_line(request(host=host.encode()), Answer("v", 0, NONE, Scope(NONE), ""))
        for host in ("www.callkom.io", "example.fr")
    ]
    assert [b"; Domain=callkom.io;" in lines[0], b"; Domain=example.fr;" in lines[1]] == [True, True]


def test_what_is_a_sites_own_is_under_its_own_domain():
    built = two_domains()

    owned = [built.match(host).own.owns("media.callkom.io") for host in ("callkom.io", "example.fr")]
    assert owned == [True, False]


def test_sites_share_the_memory_for_pages():
    callkom, example = two_domains().all

    assert callkom.rules is not example.rules
    assert callkom.pages is example.pages


def own_rules(second: str):
    text = (
        "listen: 127.0.0.1:0\nsites:\n"
        "  - { hosts: [callkom.io, www.callkom.io], upstream: 'http://127.0.0.1:1' }\n"
        "  - { hosts: [app.callkom.io], upstream: 'http://127.0.0.1:1', rules: app.yaml }\n"
    )
    policies = Policies({None: load_policy(RULES), Path("app.yaml"): load_policy(second, "app.yaml")})
    return build_sites(load_config(text, folder=Path("/nowhere")), policies, KEYS).all


def test_a_site_with_rules_of_its_own_is_judged_and_named_by_them():
    common, app = own_rules(RULES.replace("googletagmanager.com", "stats.example"))

    fences = [one.variant(ALL, secure=True).fence for one in (common, app)]
    assert [b"stats.example" in fence for fence in fences] == [False, True]
    assert app.policy.place.file == app.cookies.policy.place.file == "app.yaml"
    assert common.variant(ALL, secure=True).tag != app.variant(ALL, secure=True).tag


def test_hosts_with_the_same_rules_are_told_from_the_others():
    common, app = own_rules(RULES.replace("Statistics", "Counting"))

    assert (common.rules_hosts, app.rules_hosts) == ({"callkom.io", "www.callkom.io"}, {"app.callkom.io"})


def test_sites_with_one_cookie_and_other_rules_read_what_the_others_ask():
    common, app = own_rules(RULES.replace("  hubspot:", "  intercom:"))

    assert common.known.elsewhere == {Pair("functional", "intercom")}
    assert app.known.elsewhere == {Pair("functional", "hubspot")}
    assert common.scope.elsewhere == frozenset()


def test_sites_of_other_domains_or_with_the_same_rules_read_nothing_more():
    text = (
        "listen: 127.0.0.1:0\nsites:\n"
        "  - { hosts: [callkom.io], upstream: 'http://127.0.0.1:1' }\n"
        "  - { hosts: [www.callkom.io], upstream: 'http://127.0.0.1:1', undeclared: { cookies: drop } }\n"
        "  - { hosts: [example.fr], upstream: 'http://127.0.0.1:1', rules: fr.yaml }\n"
    )
    french = load_policy(RULES.replace("  hubspot:", "  intercom:"), "fr.yaml")
    policies = Policies({None: load_policy(RULES), Path("fr.yaml"): french})

    built = build_sites(load_config(text, folder=Path("/nowhere")), policies, KEYS)
    assert [site.known for site in built.all] == [site.scope for site in built.all]
