import re

import pytest

from proxy.banner.placeholder import ANY_SIZE, MAX_CACHED, size_of, titled
from proxy.banner.provider_signals import stand_ins
from proxy.banner.render import Renderer
from proxy.catalogue.shipped import shipped_catalogue
from proxy.demo.rules import demo_rules
from proxy.filter.headers.csp_admission import Admission
from proxy.filter.html.scanner import HtmlFilter
from proxy.filter.rules.judge import TagFacts, compile_rules, judge_for
from proxy.filter.tags.embeds import Embeds
from proxy.filter.tags.injection import PageMetadata
from proxy.filter.verdict import Does, Verdict
from proxy.policy.load import load_policy
from proxy.policy.own_hosts import OwnHosts
from proxy.policy.scope import scope_of
from tests.banner.rendering import OWN, POLICY, RENDERER, calendly, decision, injected, well_formed

PLACE = POLICY.place


def of(provider, needs, facts, lang="en") -> str:
    injector = RENDERER.injector(decision(answered=True))
    injected(injector, lang)
    return injector.placeholder(Verdict(Does.REPLACE, PLACE, provider, needs), facts).decode("ascii")


def test_it_names_the_provider_what_they_would_receive_and_the_purpose():
    text = calendly(RENDERER.injector(decision(answered=True)))

    assert "Content from Calendly" in text
    assert "would receive your IP address and store cookies." in text
    assert "_cfuvid" not in text, "names of cookies say nothing to who reads; they stand in the panel"
    assert "That needs your consent: Functional." in text


def test_always_names_everybody_else_it_lets_in_before_the_click():
    text = calendly(RENDERER.injector(decision(answered=True)))

    assert text.index("also covers HubSpot and WPML") < text.index("Always allow: Functional")


def test_the_way_out_is_a_real_link_that_tells_the_provider_nothing():
    """L17: Calendly becomes a link; it works without script."""
    text = calendly(RENDERER.injector(decision(answered=True)))

    assert '<a href="https://calendly.com/callkom/30min" target="_blank" rel="noopener noreferrer">' in text


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

    assert set(re.findall(r"<([a-z]+)", text)) <= {"span", "b", "i", "a", "button", "bdi"}
    assert set(re.findall(r'<button class="s" ([^ ]+)', text)) == {'type="button"'}


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
    injector.head(PageMetadata())

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


def test_something_small_has_a_button_that_opens_the_card_without_script():
    facts = TagFacts("iframe", "https://calendly.com/x", values={"width": "67", "height": "20"})
    text = of("calendly", ("functional",), facts)
    id_ = re.search(r'<bdi id="([^"]+)" popover="" role="group" aria-label="Content from Calendly"', text)[1]

    assert f'<button type="button" popovertarget="{id_}" aria-label="Content from Calendly"' in text
    assert (
        text.index("</button><bdi") < text.index("would receive your IP address") < text.index("Always allow")
    )
    assert well_formed(text)
    assert of("calendly", ("functional",), facts) == text, "the same on every page"


def test_something_small_has_its_card_where_a_site_forbids_style_attributes():
    injector = RENDERER.injector(decision(answered=True))
    injector.admission = Admission((b"default-src 'self'",))
    injected(injector, "en")
    facts = TagFacts("iframe", "https://calendly.com/x", values={"width": "67", "height": "20"})
    text = injector.placeholder(Verdict(Does.REPLACE, PLACE, "calendly", ("functional",)), facts).decode()

    assert "popover" not in text
    assert "style=" not in text


@pytest.mark.parametrize(
    "meta",
    [
        "frame-src https://calendly.com",
        "default-src 'none'",
        "connect-src https://api.example",
        "child-src 'none', img-src *",
        "script-src 'self'",
        "frame-src 'self' https://calendly.com; connect-src 'self'",
    ],
)
@pytest.mark.parametrize("answered", [True, False])
def test_once_is_offered_where_the_policies_in_the_page_let_it_work_and_the_rest_anywhere(meta, answered):
    injector = RENDERER.injector(decision(answered=answered), authority=b"callkom.io")
    injected(injector, "en", meta_csp=(meta,))
    text = calendly(injector)

    works = "'self'" in meta
    assert ("data-cc-once" in text) is works
    assert "Open Calendly in a new tab" in text
    assert "data-cc-always" in text
    assert well_formed(text)


@pytest.mark.parametrize(
    ("isolated", "admission", "without"),
    [
        (False, Admission(()), None),
        (True, Admission(()), "once"),
        (False, Admission((), connects=False), "once"),
        (False, Admission((), scripts=False), "once"),
        (True, Admission((), frames=False), "frames"),
    ],
)
def test_the_script_in_the_head_says_what_pages_cannot_show(isolated, admission, without):
    """For offers.js, which asks for the placeholders of what a script of the site makes."""
    injector = RENDERER.injector(decision(answered=True))
    injector.isolated, injector.admission = isolated, admission
    head = injected(injector, "en")[0]

    assert re.findall('data-without="([a-z]*)"', head) == ([without] if without else [])
    assert well_formed(head)
    assert ("data-cc-once" in calendly(injector)) is (without is None)


def test_a_frame_that_nobody_sees_leaves_nothing():
    facts = TagFacts("iframe", "https://calendly.com/x", values={"width": "1", "height": "1"})

    assert of("calendly", ("functional",), facts) == ""


def test_each_call_of_a_script_has_its_own_placeholder_which_names_its_place():
    create = "hbspt.forms.create({ portalId: '1', formId: 'a', target: '#one' }); hbspt.forms.create({ portalId: '1', formId: 'b' });"
    text = of("hubspot", ("functional",), TagFacts("script", text=create))

    assert re.findall(r'data-cc-once="([^"]+)"', text) == ["form na1 1 a", "form na1 1 b"]
    assert re.findall(r'data-cc-at="([^"]+)"', text) == ["#one"]


def test_a_call_that_fills_boxes_which_have_their_own_offer_leaves_nothing():
    facts = TagFacts("script", text='hbspt.meetings.create(".meetings-iframe-container");')

    assert of("hubspot", ("functional",), facts) == ""


def test_a_selector_is_never_markup():
    create = """hbspt.forms.create({ portalId: '1', formId: 'a', target: '"><script>alert(1)</script>' });"""
    text = of("hubspot", ("functional",), TagFacts("script", text=create))

    assert "<script" not in text
    assert well_formed(text)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("Instagram", "Contenu d\u2019Instagram"),
        ("Calendly", "Contenu de Calendly"),
        ("YouTube", "Contenu de YouTube"),
    ],
)
def test_french_contracts_before_a_vowel(name, title):
    assert titled(name, RENDERER.languages["fr"]) == title
    assert titled(name, RENDERER.languages["en"]) == f"Content from {name}"


def test_what_was_made_for_a_tag_is_never_shown_for_another_or_in_another_language():
    """Tags that were seen before bring the very same facts; new ones may be put where old ones lay."""
    verdict = Verdict(Does.REPLACE, PLACE, "calendly", ("functional",))
    english, french = (RENDERER.injector(decision(answered=True), accept=accept) for accept in (b"en", b"fr"))
    for number in range(1_200):
        facts = TagFacts("iframe", f"https://calendly.com/{number}")
        for _ in range(2):
            assert f'"https://calendly.com/{number}"' in english.placeholder(verdict, facts).decode()
            assert b'lang="en"' in english.placeholder(verdict, facts)
            assert b'lang="fr"' in french.placeholder(verdict, facts)

    assert len(english.placeholders._cache) <= MAX_CACHED


FORM = '<div class="hs-form-frame" data-region="{region}" data-portal-id="1" data-form-id="2"></div>'


def shown(markup: str, policy) -> str:
    """Return what a page gets for somebody who refused."""
    page = HtmlFilter(
        judge_for(compile_rules(policy, OWN), frozenset()),
        inject=Renderer(policy, own=OWN).injector(decision(answered=True, policy=policy)),
    )
    return (page.feed(f"<!doctype html><html lang=en><body>{markup}".encode()) + page.close()).decode()


def test_a_form_whose_script_the_relay_may_not_ask_for_is_offered_like_any_other():
    relaying = load_policy(demo_rules(POLICY.text), catalogue=shipped_catalogue())

    relayed = shown(FORM.format(region="eu1"), relaying)
    assert 'src="/.consent/form?' in relayed
    assert 'data-cc-once="' not in relayed, "it is shown already"
    other = shown(FORM.format(region="na1"), relaying)
    assert 'src="/.consent/form?' not in other
    assert 'data-cc-once="new-form na1 1 2"' in other


def test_a_provider_that_is_switched_off_is_neither_agreed_to_nor_shown_once_and_breaks_nothing():
    off = load_policy(POLICY.text.replace("    name: Calendly\n", "    name: Calendly\n    enabled: no\n"))
    page = shown('<iframe src="https://calendly.com/c/30min"></iframe>', off)

    assert "data-cc-once=" not in page.partition("<body>")[2]
    assert "data-cc-always=" not in page.partition("<body>")[2]
    assert '<a href="https://calendly.com/c/30min" target="_blank"' in page
    assert Embeds(off).read("calendly", "frame https://calendly.com/c/30min") is None
    assert '"Calendly"' in stand_ins(off, scope_of(off).pairs)


@pytest.mark.parametrize(
    "address", ["https://js-eu1.hsforms.net/forms/embed/v2.js", "//js.hsforms.net/a.css"]
)
def test_nobody_is_led_to_what_only_a_script_wants_to_read(address):
    loader = (
        f"<script>var s=document.createElement('script');s.src='{address}';"
        "s.onload=()=>hbspt.forms.create({});document.head.appendChild(s)</script>"
    )
    page = shown(loader, POLICY)

    assert "Content from HubSpot" in page
    assert "Open HubSpot in a new tab" not in page


@pytest.mark.parametrize(
    ("handler", "stays"),
    [
        ("Calendly.initPopupWidget({url: where})", True),
        ("window.Calendly.showPopupWidget(where)", True),
        ("Calendly.initPopupWidget({url: 'https://calendly.com/c/15min'})", False),
        ("Calendly.loadPopupWidget(where)", False),
        ("go('Calendly.initPopupWidget')", False),
        ("go();" * 1_600 + "Calendly.initPopupWidget({url: where})", False),  # read no further than a script
    ],
)
def test_only_a_popup_that_the_stand_in_opens_keeps_its_handler_where_no_address_is_written(handler, stays):
    page = shown(f'<a href="" onclick="{handler}">Book</a>', POLICY)

    assert (f' onclick="{handler}' in page) is stays
    assert (f'data-consent-onclick="{handler}' in page) is not stays


@pytest.mark.parametrize(
    "address",
    [
        "http://calendly.com/callkom/30min",
        "https://evil.example/calendly.com",
        "https://calendly.com@evil.example/",
        "https://calendly.com:pass@evil.example/",
        "https://user@calendly.com/callkom",
        "https://calendly.com.evil.example/",
        "https://evilcalendly.com/",
        "https://evil.example\\@calendly.com/",
        "https://calendly.com:8443/",
        "https://calendly.com%2eevil.example/",
        "https:/calendly.com/",
        "https://calend\tly.com/",
    ],
)
def test_no_card_says_open_over_what_is_no_page_of_its_provider(address):
    text = of("calendly", ("functional",), TagFacts("iframe", link=address))

    assert "Content from Calendly" in text
    assert "Open Calendly" not in text
    assert "evil" not in text


@pytest.mark.parametrize(
    "address",
    [
        "https://calendly.com/a",
        "HTTPS://Calendly.com/a",
        "https://www.calendly.com?x=1",
        "https://calendly.com:443/a",
    ],
)
def test_a_page_of_the_provider_is_opened(address):
    assert "Open Calendly" in of("calendly", ("functional",), TagFacts("iframe", link=address))


def test_offers_for_long_addresses_are_not_kept():
    renderer = Renderer(POLICY, own=OWN)
    words = renderer.languages["en"]
    for number in range(3):
        embed = Embeds(POLICY).of_address(f"https://calendly.com/{number}{'a' * 1700}")
        assert b"Content from Calendly" in renderer.offer(embed, ("functional",), words)

    assert renderer._placeholders._known.cache_info().currsize == 0


def size(element="iframe", **values):
    return size_of(TagFacts(element, values=values))


@pytest.mark.parametrize(
    ("values", "style"),
    [
        ({"width": "560", "height": "315"}, "min-height:315px!important;max-width:560px!important"),
        ({"width": "100%", "height": "600px"}, "min-height:600px!important"),
        ({"style": "border:0;min-width:320px;height:480px"}, "min-height:480px!important;max-width:320px!important"),
        ({"style": "width:100%;aspect-ratio: 16 / 9;"}, "aspect-ratio:16 / 9!important"),
        ({"style": "aspect-ratio:16/9", "height": "400"}, "min-height:400px!important"),
        ({"style": "height:50vh"}, "min-height:50vh!important"),
        ({"style": "width:100%; HEIGHT: 37.5rem !important"}, "min-height:37.5rem!important"),
        ({"style": "height:30em"}, ""),
        ({"style": "line-height:50vh;max-height:90vh"}, ""),
        ({"style": "height:calc(100vh - 2px)"}, ""),
        ({"width": "100%", "height": "100%"}, "min-height:100%!important;margin:0!important"),
        ({"style": "width:640px;height:100%"}, "min-height:100%!important;margin:0!important;max-width:640px!important"),
        ({"style": "height:100%", "height": "400"}, "min-height:400px!important"),
        ({"height": "100%", "style": "aspect-ratio:4/3"}, "aspect-ratio:4/3!important"),
        ({"width": "200", "height": "300"}, "min-height:300px!important"),
        ({"height": "99999"}, ""),
        ({"style": "aspect-ratio:expression(x)"}, ""),
    ],
)  # fmt: skip
def test_what_is_known_is_kept(values, style):
    assert size(**values).style == style
    assert not size(**values).small


def test_a_frame_laid_over_its_box_is_replaced_by_a_card_laid_over_that_box():
    """Vimeo's own snippet: a box with a padding as high as the player, and the frame over it."""
    style = size(style="position:absolute;top:0;left:0;width:100%;height:100%;").style

    assert "position:absolute!important;inset:0!important" in style
    assert "overflow:auto" in style


@pytest.mark.parametrize(
    "values", [{"width": "67", "height": "20"}, {"height": "60", "width": "100%"}, {"width": "88"}]
)
def test_where_no_card_fits_there_is_a_button(values):
    found = size(**values)

    assert found.small
    assert "display:inline-block!important" in found.style


def test_a_button_is_no_wider_than_a_narrow_thing():
    assert "min-width:160px" in size(width="1200", height="20").style


@pytest.mark.parametrize(
    "values", [{"width": "0", "height": "0"}, {"height": "1"}, {"style": "width:1px;height:1px"}]
)
def test_what_nobody_would_have_seen_leaves_nothing(values):
    assert size(**values).none


def test_inside_a_box_that_keeps_its_size_it_fills_that_box():
    assert (
        size("div", style="min-width:320px;height:700px").style
        == "min-height:100%!important;margin:0!important"
    )
    assert size("div") == ANY_SIZE


def test_beside_a_quotation_it_takes_what_it_needs():
    assert size("blockquote", style="width:20px;height:10px") == ANY_SIZE
