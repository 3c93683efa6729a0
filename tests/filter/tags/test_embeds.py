"""What can be shown once: an address that its provider's rule replaces, a form with plain ids, nothing else.

And where a visitor can go instead: the provider's page, as the rule names it or the tag shows it.
"""

import pytest

from proxy.filter.html.scanner import HtmlFilter
from proxy.filter.rules.judge import TagFacts, compile_rules, judge_for
from proxy.filter.tags.embeds import Embed, EmbedKind, Embeds
from proxy.policy.own_hosts import OwnHosts
from tests.banner.rendering import POLICY
from tests.policy.rules import policy_of

EMBEDS = Embeds(POLICY)
FORM = "5c1f6a2e-7d39-4b67-9a2e-0c9d1f3b8e11"
CREATE = f'hbspt.forms.create({{ region: "eu1", portalId: "145986844", formId: "{FORM}" }});'


class Seeing:
    """An injector that only notes what it is asked to stand in for."""

    always = False

    def __init__(self, embeds):
        self.embeds = embeds
        self.seen = []

    def head(self, _):
        return b""

    body = foot = head

    def placeholder(self, verdict, facts):
        self.seen += self.embeds.offers(verdict.provider, facts)
        return b""


def offers(markup: str, policy=POLICY) -> list[tuple[str | None, str]]:
    """Return the embeds that the filter finds in a page, each with the place where it belongs."""
    seeing = Seeing(Embeds(policy))
    judge = judge_for(compile_rules(policy, OwnHosts(frozenset({"callkom.io"}))), frozenset())
    page = HtmlFilter(judge, inject=seeing)
    page.feed(f"<!doctype html><body>{markup}</body>".encode())
    page.close()
    return [(str(offer.embed) if offer.embed else None, offer.target) for offer in seeing.seen]


def found(markup: str) -> str | None:
    """Return the one embed that the filter finds in a page."""
    [(embed, _)] = offers(markup)
    return embed


@pytest.mark.parametrize(
    ("markup", "embed"),
    [
        ('<div class="calendly-inline-widget" data-url="https://calendly.com/c/30min"></div>', "frame https://calendly.com/c/30min"),
        ('<iframe src="https://calendly.com/c/30min?embed_type=Inline&amp;a=1"></iframe>', "frame https://calendly.com/c/30min?embed_type=Inline&a=1"),
        ('<iframe src="//calendly.com/c"></iframe>', "frame https://calendly.com/c"),
        ('<object data="https://calendly.com/c"></object>', "frame https://calendly.com/c"),
        ("<script>Calendly.initBadgeWidget({ url: 'https://calendly.com/c', text: 'Book' });</script>", "frame https://calendly.com/c"),
        ('<div class="meetings-iframe-container" data-src="https://meetings-eu1.hubspot.com/c?embed=true"></div>', "frame https://meetings-eu1.hubspot.com/c?embed=true"),
        (f"<script>{CREATE}</script>", f"form eu1 145986844 {FORM}"),
        ("<script>hbspt.forms.create({portalId:'1',formId:'2'})</script>", "form na1 1 2"),
        ('<div class="hs-form-frame" data-region="eu1" data-form-id="b-2" data-portal-id="1"></div>', "new-form eu1 1 b-2"),
        ('<div class="x hs-form-html" data-region="eu1" data-form-id="b-2" data-portal-id="1"></div>', "open-form eu1 1 b-2"),
    ],
)  # fmt: skip
def test_it_is_read_from_the_tag_that_is_replaced(markup, embed):
    assert found(markup) == embed


@pytest.mark.parametrize(
    "markup",
    [
        '<iframe src="http://calendly.com/c"></iframe>',
        "<script>hbspt.forms.create(options)</script>",
        "<script>hbspt.forms.create({ portalId: '1', formId: ids[0] })</script>",
        "<script>hbspt.forms.create({ portalId: '1', formId: 'a' + b })</script>",
        "<script>hbspt.forms.create({ portalId: '1', formId: '2', region })</script>",
        "<script>hbspt.forms.create({ portalId: '1', formId: '2', ...rest })</script>",
        "<script>hbspt.forms.create({ portalId: '1', more: { formId: '2' } })</script>",
        "<script>hbspt.forms.create({portalId:'1',formId:'2',region:'eu1.evil.example/'})</script>",
        '<div class="hs-form-frame" data-region="eu1/../x" data-form-id="2" data-portal-id="1"></div>',
        '<div class="hs-form-html" data-region="eu1" data-form-id="1/../2" data-portal-id="2"></div>',
    ],
)
def test_what_cannot_be_shown_by_itself_is_not_offered(markup):
    assert found(markup) is None


def test_each_call_of_a_script_is_an_offer_of_its_own_in_the_order_of_the_calls():
    script = """<script>
      hbspt.forms.create({ portalId: "1", formId: "a", target: "#left" });
      // hbspt.forms.create({ portalId: "1", formId: "old" });
      if (window.hbspt) window.hbspt.forms.create({ formId: 'b', "portalId": '1', region: `eu1`, onFormReady: function (f) { f.x({ formId: "no", target: "#no" }); } });
      hbspt.forms.create({ portalId: 1, formId: "c", target: document.getElementById("right") });
      hbspt.forms.create(later);
    </script>"""

    assert offers(script) == [
        ("form na1 1 a", "#left"),
        ("form eu1 1 b", ""),
        ("form na1 1 c", "#right"),
        (None, ""),
    ]


def test_a_widget_made_by_a_call_belongs_into_the_box_that_the_call_names():
    script = """<script>
      Calendly.initInlineWidget({ url: "https://calendly.com/c/a", parentElement: document.querySelector(".first"), prefill: {} });
      Calendly.initInlineWidget({ url: 'https://calendly.com/c/b', parentElement: box });
    </script>"""

    assert offers(script) == [
        ("frame https://calendly.com/c/a", ".first"),
        ("frame https://calendly.com/c/b", ""),
    ]


def test_a_call_that_only_names_its_box_leaves_the_offer_to_the_box():
    box = '<div id="meeting" data-src="https://meetings.hubspot.com/c?embed=true"></div>'

    assert offers(f'{box}<script>hbspt.meetings.create("#meeting");</script>') == [
        ("frame https://meetings.hubspot.com/c?embed=true", "")
    ]


def test_a_call_whose_box_gets_its_address_in_the_same_script_is_offered_there():
    script = """<script>var box = document.createElement("div"); box.id = "meeting";
      box.dataset.src = "https://meetings-eu1.hubspot.com/c"; document.body.append(box);
      hbspt.meetings.create("#meeting");</script>"""

    assert offers(script) == [("frame https://meetings-eu1.hubspot.com/c", "#meeting")]


def test_a_box_that_waits_for_a_call_leaves_the_offer_to_the_call():
    """As Calendly documents it: no address in the box, which the script then fills."""
    markup = """<div class="calendly-inline-widget" data-auto-load="false">
      <script>Calendly.initInlineWidget({ url: "https://calendly.com/c" });</script></div>"""

    assert offers(markup) == [("frame https://calendly.com/c", "")]
    assert offers(
        '<div class="calendly-inline-widget" data-auto-load="false" data-url="https://calendly.com/d"></div>'
    ) == [("frame https://calendly.com/d", "")]


def test_no_script_is_read_for_ever():
    script = "<script>" + "hbspt.forms.create({portalId:'1',formId:'2'});" * 500 + "</script>"

    assert len(offers(script)) == 20


NETWORKS = policy_of(
    tags="""
- { element: blockquote, class: [twitter-tweet, instagram-media], purpose: functional, do: replace }
- { from: [platform.twitter.com, instagram.com], purpose: functional }
    """
)


def test_a_post_is_known_by_its_permalink_or_by_its_last_link():
    gram = '<blockquote class="instagram-media" data-instgrm-permalink="https://www.instagram.com/p/a/?x=1"><p>Words</p></blockquote>'
    tweet = '<blockquote class="twitter-tweet"><p>Words</p><a href="https://x.com/a/status/1">then</a></blockquote>'
    [known], [pending] = (_seen(markup) for markup in (gram, tweet))

    assert str(known.embed) == "quote https://www.instagram.com/p/a/?x=1"
    assert (pending.embed, pending.quoted) == (None, True)


def _seen(markup):
    seeing = Seeing(Embeds(NETWORKS))
    page = HtmlFilter(
        judge_for(compile_rules(NETWORKS, OwnHosts(frozenset({"callkom.io"}))), frozenset()), inject=seeing
    )
    page.feed(f"<!doctype html><body>{markup}".encode())
    page.close()
    return seeing.seen


def test_a_post_is_shown_by_the_script_of_its_network():
    provider, embeds = NETWORKS.providers[0].id, Embeds(NETWORKS)
    tweet = embeds.read(provider, "quote https://twitter.com/a/status/1")

    assert tweet.address == "https://platform.twitter.com/widgets.js"
    assert tweet.needs == ("functional",)
    assert not tweet.is_form
    for text in (
        "quote https://evil.example/a",
        "quote https://twitter.com.evil.example/a",
        "quote http://twitter.com/a",
        "quote javascript:alert(1)",
        'quote https://twitter.com/"><script>',
        "quote",
    ):
        assert embeds.read(provider, text) is None
    assert EMBEDS.read("calendly", "quote https://twitter.com/a/status/1") is None, "no rule replaces it"


def test_what_was_offered_is_read_again():
    for text in ("frame https://calendly.com/c?a=1", f"form eu1 1 {FORM}"):
        provider = "calendly" if text.startswith("frame") else "hubspot"
        assert str(EMBEDS.read(provider, text)) == text
        assert EMBEDS.read(provider, text).needs == ("functional",)


@pytest.mark.parametrize(
    ("provider", "text"),
    [
        ("calendly", "frame https://evil.example/"),
        ("calendly", "frame https://calendly.com.evil.example/"),
        ("calendly", "frame https://evil.example/?calendly.com"),
        ("calendly", "frame https://evil.example@calendly.com/"),
        ("calendly", "frame https://calendly.com@evil.example/"),
        ("calendly", "frame https://calendly.com:8443/"),
        ("calendly", "frame http://calendly.com/"),
        ("calendly", "frame javascript:alert(1)"),
        ("calendly", 'frame https://calendly.com/"><script>'),
        ("calendly", "frame https://calendly.com\\@evil.example/"),
        ("calendly", "frame https://calendly.com/\n"),
        ("calendly", "frame https://calendly.com/" + "a" * 2000),
        ("calendly", "frame https://CALENDLY.com/"),
        ("calendly", "frame https://forms.hubspot.com/x"),
        ("hubspot", "frame https://calendly.com/c"),
        ("hubspot", "frame https://js.hs-scripts.com/1.js"),
        ("hubspot", "form eu1 1 2 3"),
        ("hubspot", "form eu1 1 <2>"),
        ("hubspot", "form eu1 1 "),
        ("hubspot", "form EU1 1 2"),
        ("calendly", "form eu1 1 2"),
        ("nobody", "frame https://calendly.com/c"),
        ("calendly", "frame"),
        ("calendly", "script https://calendly.com/c"),
        ("google-analytics", "frame https://www.googletagmanager.com/ns.html?id=GTM-1"),
    ],
)
def test_what_a_browser_sends_is_held_to_the_same_rules(provider, text):
    assert EMBEDS.read(provider, text) is None


def test_a_rule_with_paths_opens_those_and_no_way_around_them():
    policy = policy_of(
        tags='- { element: iframe, from: widgets.example.net, path: "/talk/*", purpose: functional, do: replace }'
    )
    provider = policy.providers[0].id
    embeds = Embeds(policy)

    assert embeds.read(provider, "frame https://widgets.example.net/talk/1") is not None
    for path in ("/other", "/talk/../other", "/talk/%2e%2e/other", "/talk"):
        assert embeds.read(provider, f"frame https://widgets.example.net{path}") is None


def test_a_form_names_the_script_of_its_region():
    def script(kind, region):
        return Embed("hubspot", (), kind, (region, "1", "2")).address

    assert script(EmbedKind.FORM, "eu1") == "https://js-eu1.hsforms.net/forms/embed/v2.js"
    assert script(EmbedKind.FORM, "na1") == "https://js.hsforms.net/forms/embed/v2.js"
    assert script(EmbedKind.NEW_FORM, "eu1") == "https://js-eu1.hsforms.net/forms/embed/1.js"
    page = Embed("calendly", (), EmbedKind.FRAME, ("https://calendly.com/c",))
    assert page.host == "calendly.com"
    assert not page.is_form


def test_nothing_is_offered_for_what_nobody_declared():
    [offer] = EMBEDS.offers(None, TagFacts("iframe", values={"src": "https://calendly.com/c"}))

    assert offer.embed is None


def test_an_address_tells_whose_it_is():
    assert EMBEDS.of_address("https://meetings.hubspot.com/c").provider == "hubspot"
    assert EMBEDS.of_address("https://calendly.com/c").provider == "calendly"
    assert EMBEDS.of_address("https://evil.example/") is None


PLAYER = '- {{ element: iframe, from: player.example, path: "{path}", purpose: functional, do: replace, link: "{link}" }}'


class NotesFacts:
    """An injector that only notes the facts it is given."""

    always = False

    def __init__(self):
        self.seen: list[TagFacts] = []

    def head(self, _):
        return b""

    body = foot = head

    def placeholder(self, _, facts):
        self.seen.append(facts)
        return b""


def link(markup: str, path="/embed/*", to="https://watch.example/v=*") -> str | None:
    policy = policy_of(tags=PLAYER.format(path=path, link=to))
    seeing = NotesFacts()
    page = HtmlFilter(
        judge_for(compile_rules(policy, OwnHosts(frozenset({"callkom.io"}))), frozenset()), inject=seeing
    )
    page.feed(f"<!doctype html><body>{markup}</body>".encode())
    page.close()
    [facts] = seeing.seen
    return facts.link


@pytest.mark.parametrize("rest", ["", "?rel=0&amp;t=1", "/more", "#part"])
def test_a_star_in_the_link_is_what_the_star_of_the_path_stands_for(rest):
    assert (
        link(f'<iframe src="https://player.example/embed/a-1{rest}"></iframe>')
        == "https://watch.example/v=a-1"
    )


def test_a_lazy_address_counts_too():
    assert link('<iframe data-src="//player.example/embed/b"></iframe>') == "https://watch.example/v=b"


def test_a_link_without_a_star_is_the_link():
    markup = '<iframe src="https://player.example/embed/a"></iframe>'

    assert link(markup, to="https://watch.example/") == "https://watch.example/"


def test_without_anything_to_fill_in_the_link_ends_before_the_star():
    markup = '<iframe src="https://player.example/embed/a"></iframe>'

    assert link(markup, path="/embed/a") == "https://watch.example/v="


def test_what_is_filled_in_cannot_leave_its_place():
    """It stays behind what the rule's author wrote: no other host, no other scheme."""
    found = link(
        "<iframe src='https://player.example/embed/javascript:alert(1)//evil.example\"><b'></iframe>"
    )

    assert found == "https://watch.example/v=javascript:alert(1)"
