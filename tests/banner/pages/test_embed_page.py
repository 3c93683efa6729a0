"""The pages in our frames: one thing of one provider, under a policy that names that provider alone."""

import json
import re

import pytest

from proxy.banner.pages.embed_page import RELAYED, SANDBOX, EmbedPages
from proxy.catalogue.shipped import shipped_catalogue
from proxy.demo.rules import demo_rules
from proxy.filter.tags.embeds import Embed, EmbedKind, Embeds
from proxy.policy.load import load_policy
from tests.banner.rendering import OWN, POLICY, RENDERER

EN, FR = RENDERER.languages["en"], RENDERER.languages["fr"]
WRAPPERS = EmbedPages(POLICY, OWN, "/choices/", "own_cookie")
DEMO = load_policy(demo_rules(POLICY.text), catalogue=shipped_catalogue())
NOTHING = frozenset()
CALENDLY = Embeds(POLICY).read("calendly", "frame https://calendly.com/c?a=1&b=2")
FORM = Embeds(POLICY).read("hubspot", "form eu1 1 a-2")
NEW_FORM = Embeds(POLICY).read("hubspot", "new-form eu1 1 a-2")
OPEN_FORM = Embeds(POLICY).read("hubspot", "open-form eu1 1 a-2")


def sources(policy: bytes, directive: str) -> set[str]:
    found = next(part for part in policy.decode().split("; ") if part.startswith(directive + " "))
    return set(found.split()[1:])


def test_a_page_shown_once_may_frame_its_provider_and_nothing_else():
    wrapped = WRAPPERS.once(CALENDLY, EN, NOTHING)

    assert sources(wrapped.policy, "frame-src") == {
        "https://calendly.com",
        "calendly.com:*",
        "*.calendly.com:*",
    }
    assert sources(wrapped.policy, "default-src") == {"'none'"}
    assert b'src="https://calendly.com/c?a=1&amp;b=2" title="Content from Calendly"' in wrapped.page
    assert b"<script" not in wrapped.page


@pytest.mark.parametrize("embed", [FORM, NEW_FORM, OPEN_FORM])
def test_a_form_shown_once_opens_hosts_of_its_purpose_alone(embed):
    wrapped = WRAPPERS.once(embed, EN, NOTHING)
    hosts = {source for source in sources(wrapped.policy, "default-src") if "." in source}

    assert any("hsforms.net" in host for host in hosts)
    assert not any(
        name in host
        for host in hosts
        for name in ("hs-scripts", "hs-analytics", "calendly", "stripe", "google")
    )
    assert b"sandbox allow-scripts allow-forms " in wrapped.policy
    assert b"allow-same-origin" not in wrapped.policy
    assert b"localStorage" in wrapped.page, "libraries find what throws without an origin"


def test_a_post_shown_once_is_a_link_that_its_networks_script_turns_into_a_card():
    for provider, text, box, script, host in (
        (
            "x",
            "quote https://x.com/a/status/1",
            "twitter-tweet",
            "platform.twitter.com/widgets.js",
            "twimg.com",
        ),
        (
            "instagram",
            "quote https://www.instagram.com/p/a/",
            "instagram-media",
            "www.instagram.com/embed.js",
            "cdninstagram.com",
        ),
    ):
        wrapped = EmbedPages(DEMO, OWN, "/choices/", "own_cookie").once(
            Embeds(DEMO).read(provider, text), EN, NOTHING
        )
        address = text.removeprefix("quote ")
        page = wrapped.page.decode()

        assert f'<blockquote class="{box}" data-instgrm-permalink="{address}"' in page
        assert f'<a href="{address}" target="_blank" rel="noopener noreferrer">' in page
        assert f'<script src="https://{script}" async="">' in page
        assert page.index("/choices/reports") < page.index(script), "the guard is first"
        assert EN.plain("placeholder.unreachable") in page
        assert f"*.{host}:*" in sources(wrapped.policy, "default-src")
        assert not any(
            other in wrapped.policy.decode() for other in ("youtube", "facebook", "calendly", "hsforms")
        )


def test_each_kind_of_form_has_the_box_and_the_script_that_belong_together():
    new, open_ = (WRAPPERS.once(embed, EN, NOTHING).page for embed in (NEW_FORM, OPEN_FORM))

    assert b'class="hs-form-frame"' in new
    assert b'src="https://js-eu1.hsforms.net/forms/embed/1.js"' in new
    assert b'class="hs-form-html"' in open_
    assert b'src="https://js-eu1.hsforms.net/forms/embed/developer/1.js"' in open_


def test_a_relayed_form_knows_the_hosts_it_leads_elsewhere():
    provider = DEMO.provider("hubspot")
    wrapped = EmbedPages(DEMO, OWN, "/choices/", "c").relayed(FORM, provider.relay, FR)
    given = re.search(rb"\}\)\((\[.*?\]),(\".*?\")\)", wrapped.page)

    assert json.loads(given[1]) == list(provider.relay.hosts)
    assert json.loads(given[2]) == "/choices/relay/"
    assert wrapped.policy.decode() == f"{RELAYED}; frame-ancestors 'self'; sandbox {SANDBOX}"
    assert "allow-same-origin" not in SANDBOX
    assert b'src="/choices/relay/js-eu1.hsforms.net/forms/embed/v2.js"' in wrapped.page
    assert b'lang="fr"' in wrapped.page
    assert FR.plain("placeholder.needs_script").encode() in wrapped.page


def test_no_word_of_an_embed_becomes_markup_or_code():
    """They were checked when they were read; here nothing relies on it."""
    evil = '"><script>alert(1)</script>'
    for kind, words in (
        (EmbedKind.FRAME, (f"https://calendly.com/{evil}",)),
        (EmbedKind.FORM, ("eu1", evil, evil)),
        (EmbedKind.NEW_FORM, ("eu1", evil, evil)),
    ):
        page = WRAPPERS.once(Embed("hubspot", ("functional",), kind, words), EN, NOTHING).page

        assert b"<script>alert" not in page


def test_a_frame_whose_time_is_over_says_so_in_words():
    wrapped = WRAPPERS.gone(FR)

    assert FR.plain("placeholder.gone").replace("’", "’").encode() in wrapped.page
    assert b"default-src 'none'" in wrapped.policy
