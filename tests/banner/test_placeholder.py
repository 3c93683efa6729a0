import re

import pytest

from proxy.filter.actions import TagFacts
from proxy.filter.html import HtmlFilter
from proxy.filter.injection import PageSeen
from proxy.filter.matching import compile_rules, judge_for
from proxy.filter.verdict import Does, Verdict
from proxy.policy.own import OwnHosts
from tests.banner.pages import POLICY, RENDERER, calendly, decision, injected, well_formed

PLACE = POLICY.place


def of(provider, needs, facts, lang="en") -> str:
    injector = RENDERER.injector(decision(answered=True))
    injected(injector, lang)
    return injector.placeholder(Verdict(Does.REPLACE, PLACE, provider, needs), facts).decode("ascii")


def test_it_names_the_provider_what_they_would_receive_and_the_purpose():
    text = calendly(RENDERER.injector(decision(answered=True)))

    assert "Content from Calendly" in text
    assert "would receive your IP address and store cookies (_cfuvid)" in text
    assert "That needs your consent: Functional." in text


def test_always_names_everybody_else_it_lets_in_before_the_click():
    text = calendly(RENDERER.injector(decision(answered=True)))

    assert text.index("also covers HubSpot and WPML") < text.index("Always allow: Functional")


def test_the_way_out_is_a_real_link_that_tells_the_provider_nothing():
    """L17: Calendly becomes a link; it works without script."""
    text = calendly(RENDERER.injector(decision(answered=True)))

    assert (
        '<a class="b" href="https://calendly.com/callkom/30min" target="_blank" rel="noopener noreferrer">'
        in text
    )


def test_always_leads_to_that_purpose_on_the_panel_without_script():
    text = calendly(RENDERER.injector(decision(answered=True)))

    assert 'href="/.consent/#cc-p-functional" data-cc-always="functional" data-cc-provider="calendly"' in text


def test_it_speaks_the_language_of_the_page():
    text = of("calendly", ("functional",), TagFacts("iframe", "https://calendly.com/x"), "fr")

    assert 'lang="fr"' in text
    assert "Toujours autoriser" in text


def test_it_may_stand_in_a_paragraph_and_in_a_form():
    """Block elements would end the paragraph, a nested form would be dropped and its buttons send the site's."""
    text = calendly(RENDERER.injector(decision(answered=True)))

    assert set(re.findall(r"<([a-z]+)", text)) <= {"span", "b", "i", "a", "button"}
    assert set(re.findall(r"<button ([^ ]+)", text)) == {'type="button"'}


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", 'https://x.example/"><script>alert(1)</script>', None]
)
def test_the_address_on_the_page_is_never_markup_nor_script(link):
    text = calendly(RENDERER.injector(decision(answered=True)), link)

    assert well_formed(text)
    assert "javascript:" not in text
    assert "<script" not in text


def test_two_purposes_are_both_named():
    text = of("hubspot", ("functional", "performance"), TagFacts("img", None))

    assert "That needs your consent: Functional and Performance." in text
    assert 'data-cc-always="functional performance"' in text


def test_what_nobody_declared_gets_its_plain_link_and_no_offer():
    text = of(None, (), TagFacts("iframe", "https://unknown.example/a&b"))

    assert (
        text
        == '<a href="https://unknown.example/a&amp;b" target="_blank" rel="noopener noreferrer">https://unknown.example/a&amp;b</a>'
    )
    assert of(None, (), TagFacts("iframe", None)) == ""


def test_a_rule_may_ask_for_nothing_in_its_place():
    assert of("calendly", ("functional",), TagFacts("iframe", "https://calendly.com", with_="nothing")) == ""


def test_a_provider_without_cookies_is_not_said_to_store_any():
    text = of("cloudflare-web-analytics", ("performance",), TagFacts("iframe", None))

    assert "store cookies" not in text
    assert "would receive your IP address." in text


def test_a_placeholder_before_the_body_was_seen_speaks_the_visitors_language():
    injector = RENDERER.injector(decision(answered=True), accept=b"fr")

    assert 'lang="fr"' in calendly(injector)


def test_equal_embeds_get_equal_bytes():
    injector = RENDERER.injector(decision(answered=True))
    injector.head(PageSeen())

    assert calendly(injector) == calendly(RENDERER.injector(decision(answered=True)))


def test_in_a_page_as_it_streams_the_placeholder_speaks_the_pages_language_before_the_foot_is_seen():
    """Somebody who answered gets no banner, so nothing else has asked for the words yet."""
    rules = compile_rules(POLICY, OwnHosts(frozenset({"callkom.io"}), "callkom.io"))
    page = HtmlFilter(
        judge_for(rules, frozenset()), inject=RENDERER.injector(decision(answered=True), accept=b"en")
    )
    text = page.feed(
        b'<!doctype html><html lang="fr"><head></head><body><iframe src="https://calendly.com/x"></iframe>'
    )

    assert b"Toujours autoriser" in text
