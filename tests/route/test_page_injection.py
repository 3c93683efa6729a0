"""What our own part of a page is, and how the site's own policies let it in, and nothing else."""

import pytest

from proxy.filter.tags.injection import PageMetadata
from proxy.route.page_injection import admitted, injection_for, observe, observes_no_script
from tests.support.heads import context, responded, site_of

CSP = b"Content-Security-Policy"
STRICT = (CSP, b"default-src 'self'; script-src 'self'; style-src 'self'")
NONE = (CSP, b"default-src 'none'")
OPEN = [(b"Sec-Fetch-Dest", b"document"), (b"Sec-Fetch-Mode", b"navigate")]


def head(injection) -> bytes:
    return injection.inject.head(PageMetadata())


def test_a_page_that_a_browser_opens_always_gets_its_part():
    assert injection_for(context(*OPEN), []).inject.always
    assert (
        injection_for(context((b"Sec-Fetch-Dest", b"empty"), (b"Sec-Fetch-Mode", b"cors")), []).inject.always
        is False
    )
    assert injection_for(
        context((b"Sec-Fetch-Dest", b"empty"), (b"Sec-Fetch-Mode", b"cors")), [], late=True
    ).inject.always


def test_without_a_policy_of_the_sites_own_there_is_none_to_change():
    injection = injection_for(context(*OPEN), [(b"X-Other", b"default-src 'none'")])

    assert (injection.policies, injection.name) == ((), b"")


def test_policies_come_back_in_their_order_with_us_let_in():
    injection = injection_for(context(*OPEN), [NONE, (b"X-A", b"1"), STRICT])
    headers = admitted([NONE, (b"X-A", b"1"), STRICT], injection)

    assert len(injection.policies) == 2
    assert [name for name, _ in headers] == [CSP, b"X-A", CSP]
    assert [value for name, value in headers if name == CSP] == list(injection.policies)
    assert all(new != old for new, (_, old) in zip(injection.policies, [NONE, STRICT], strict=True))
    assert headers[1] == (b"X-A", b"1")


def test_what_is_let_in_is_ours_alone():
    [policy] = injection_for(context(*OPEN), [NONE]).policies
    allowed = {word for word in policy.replace(b";", b" ").split() if b"://" in word or word.startswith((b"https", b"callkom"))}  # fmt: skip

    assert all(b"callkom.io" in word for word in allowed)
    assert b"'unsafe-inline'" not in policy
    assert b" *" not in policy


@pytest.mark.parametrize(
    ("headers", "more", "name"),
    [
        ([], {}, b""), ([], {"late": True}, b"late"), ([(b"Integrity-Policy", b"blocked-destinations=(script)")], {}, b"inline"), ([(b"Cross-Origin-Embedder-Policy", b"require-corp; report-to=x")], {}, b"isolated"),
        ([(b"cross-origin-embedder-policy", b"credentialless")], {}, b"isolated"), ([(b"Cross-Origin-Embedder-Policy", b"unsafe-none")], {}, b""),
        ([(b"integrity-policy", b"x"), (b"Cross-Origin-Embedder-Policy", b"require-corp")], {"late": True}, b"inlineisolatedlate"),
    ],
)  # fmt: skip
def test_pages_into_which_something_else_is_put_have_another_name(headers, more, name):
    injection = injection_for(context(*OPEN), headers, **more)

    assert injection.name == name
    assert injection.inject.isolated is (b"isolated" in name)


@pytest.mark.parametrize(
    ("headers", "none"), [([(b"Integrity-Policy", b"x")], True), ([NONE], False), ([], False)]
)
def test_no_script_observes_where_the_site_demands_hashes_of_all(headers, none):
    assert observes_no_script(responded(*headers).fields) is none


def test_what_may_be_no_page_but_xml_lets_the_guard_alone_in_too():
    [page], [xml] = (injection_for(context(*OPEN), [NONE], xml=xml).policies for xml in (False, True))

    assert set(page.replace(b";", b"").split()) < set(xml.replace(b";", b"").split())


def test_the_way_back_is_the_page_itself_where_it_can_be_asked_for_again():
    page, sent = context(*OPEN, target=b"/a?b=1"), context(*OPEN, target=b"/a?b=1", method=b"POST")

    assert b"/a?b=1" in injection_for(page, []).inject.body(PageMetadata()) + head(injection_for(page, []))
    assert b"/a?b=1" not in injection_for(sent, []).inject.body(PageMetadata()) + head(
        injection_for(sent, [])
    )


def test_a_page_in_a_frame_has_no_banner():
    framed = injection_for(
        context((b"Sec-Fetch-Dest", b"iframe"), (b"Sec-Fetch-Mode", b"navigate")), []
    ).inject
    opened = injection_for(context(*OPEN), []).inject

    assert framed.body(PageMetadata()) == b""
    assert opened.body(PageMetadata()) != b""


@pytest.mark.parametrize("amp", [True, False])
def test_amp_pages_are_spared_where_the_site_says_so(amp):
    site = site_of(site="    amp: yes\n" if amp else "")

    assert injection_for(context(*OPEN, site=site), []).inject.amp is amp


def test_an_observed_page_gets_one_script_and_its_policy_lets_that_in():
    site = site_of(site="    mode: observe\n    observe: page\n")
    seen = context(*OPEN, site=site)
    seen.snapshot.sightings.known_names["callkom.io"] = "abc"
    injection = observe(seen, [NONE])
    script = head(injection)

    assert script.startswith(b'<script data-cfasync="false" src="/.consent/observe.')
    assert b'data-known="abc"' in script
    source = script.split(b'"')[3]
    assert b"callkom.io" + source in injection.policies[0]
    assert b"callkom.io/.consent/reports" in injection.policies[0]
    assert observe(seen, []).policies == ()


@pytest.mark.parametrize(
    ("destination", "always"), [(b"document", True), (b"iframe", True), (b"empty", False)]
)
def test_the_observing_script_goes_into_pages_and_frames(destination, always):
    site = site_of(site="    mode: observe\n    observe: page\n")
    mode = b"cors" if destination == b"empty" else b"navigate"
    seen = context((b"Sec-Fetch-Dest", destination), (b"Sec-Fetch-Mode", mode), site=site)

    assert observe(seen, []).inject.always is always
