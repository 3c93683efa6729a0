"""What leaves for the visitor: head and body filter, decided from the head of what came and who asks."""

import gzip
from dataclasses import replace

import pytest

from proxy.config.types import Mode
from proxy.errors import Unreadable
from proxy.filter.body.body_filter import DROPPED, VERBATIM
from proxy.filter.headers.content_kind import BodyKind
from proxy.route.request_headers import UpstreamHead
from proxy.route.visitor_response import NAMES, compose, is_unfit, unread, without_body
from tests.support.heads import context, responded, site_of
from tests.support.proxying import PAGE

HTML, ETAG = (b"Content-Type", b"text/html"), (b"ETag", b'"a"')
CSP = b"Content-Security-Policy"
OPEN = [(b"Sec-Fetch-Dest", b"document"), (b"Sec-Fetch-Mode", b"navigate")]
POLICY = (CSP, b"default-src 'none'")


def composed(response, *visit, kind=BodyKind.HTML, head=None, data=b"", seen=None, **more):
    seen = seen or context(*(visit or OPEN), **more)
    return compose(seen, head or UpstreamHead([]), response, kind, data)


def all_of(response, name: bytes) -> list[bytes]:
    return [value for key, value in response.headers if key.lower() == name.lower()]


def test_a_page_is_private_fenced_and_filtered():
    response = composed(responded(HTML, ETAG, (b"Content-Length", b"9"), (b"Cache-Control", b"public")))

    assert b'type="text/plain" data-consent="performance"' in response.body.whole(PAGE)
    assert all_of(response, b"Cache-Control") == [b"private, no-cache"]
    assert all_of(response, b"Content-Length") == []
    assert all_of(response, b"ETag") != [b'"a"']
    assert len(all_of(response, CSP)) == 1


def test_the_sites_own_policy_stays_beside_the_fence():
    own, fence = all_of(composed(responded(HTML, POLICY)), CSP)

    assert own.startswith(b"default-src 'none'")
    assert fence == all_of(composed(responded(HTML)), CSP)[0]


def name_of(*visit, response=None, target=b"/a", kind=BodyKind.HTML, data=b"", site=None, **more):
    """Return under what a page is remembered."""
    seen = context(*(visit or OPEN), target=target, **({"site": site} if site else {}), **more)
    return compose(seen, UpstreamHead([]), response or responded(HTML), kind, data).body._name


@pytest.mark.parametrize(
    "other",
    [
        {"target": b"/b"},
        {"target": b"/a?q"},
        {"host": b"app.callkom.io"},
        {"method": b"POST"},
        {"secure": False},
        {"visit": [*OPEN, (b"Accept-Language", b"fr")]},
        {"visit": [*OPEN, (b"Sec-GPC", b"1")]},
        {"visit": [(b"Sec-Fetch-Dest", b"iframe"), (b"Sec-Fetch-Mode", b"navigate")]},
        {"response": responded((b"Content-Type", b"text/html; charset=utf-16"))},
        {"response": responded(HTML, (b"Content-Encoding", b"gzip"))},
        {"response": responded(HTML, POLICY)},
        {"response": responded(HTML, (b"Integrity-Policy", b"x"))},
        {"response": responded(HTML, (b"Cross-Origin-Embedder-Policy", b"require-corp"))},
        {"kind": BodyKind.XML},
    ],
    ids=lambda other: str(*other),
)
def test_each_part_of_a_pages_name_tells_it_from_another_of_the_same_bytes(other):
    visit = other.pop("visit", ())

    assert name_of(*visit, **other) != name_of()
    assert name_of() == name_of()


def test_two_policies_of_a_site_make_two_pages():
    names = {name_of(response=responded(HTML, (CSP, policy))) for policy in (b"default-src 'none'", b"default-src 'self'")}  # fmt: skip

    assert len(names) == 2


def test_a_page_with_something_before_its_beginning_is_another_where_a_script_fetches_it():
    fetched = [(b"Sec-Fetch-Dest", b"empty"), (b"Sec-Fetch-Mode", b"cors")]
    late, early = (name_of(*fetched, data=data) for data in (b"notice <!doctype html><html>", b"notice <p>"))

    assert late != early


@pytest.mark.parametrize(("over", "kept"), [(0, True), (1, False)])
def test_a_page_is_remembered_under_addresses_up_to_a_length(over, kept):
    site = site_of(more=f"own: [kept-{over}.example]")  # no other test has its caches
    seen = context(*OPEN, target=b"/" + b"a" * (NAMES - 1 + over), site=site)
    for _ in range(2):
        compose(seen, UpstreamHead([]), responded(HTML), BodyKind.HTML).body.whole(PAGE)

    assert bool(site.pages._pages) is kept


def test_a_page_that_says_its_charset_in_its_beginning_is_told_by_it():
    declared = composed(responded(HTML), data=b'<meta charset="utf-8">')
    two = composed(responded(HTML, HTML), data=b'<meta charset="utf-8">')
    said = composed(
        responded((b"Content-Type", b"text/html; charset=latin1")), data=b'<meta charset="utf-8">'
    )

    assert all_of(declared, b"Content-Type") == [b"text/html; charset=utf-8"]
    assert all_of(two, b"Content-Type") == [b"text/html", b"text/html"]
    assert all_of(said, b"Content-Type") == [b"text/html; charset=latin1"]


def test_a_head_or_empty_status_has_no_body_and_the_head_of_the_page():
    page = composed(responded(HTML, ETAG))
    for response in (responded(HTML, ETAG, bodiless=True), responded(HTML, ETAG, status=204)):
        given = composed(response)

        assert given.body is DROPPED
        assert given.headers == page.headers


def test_a_part_of_a_page_and_one_with_an_ambiguous_policy_are_refused():
    with pytest.raises(Unreadable):
        composed(responded(HTML, status=206))
    for name in (CSP, b"X-Frame-Options"):
        with pytest.raises(Unreadable):
            composed(responded(HTML, (name, b"a\x01b")))


def test_a_refused_sort_has_no_response():
    with pytest.raises(Unreadable):
        composed(responded(HTML), kind=BodyKind.REFUSED).body.whole(b"")


@pytest.mark.parametrize(
    ("response", "kind", "unfit"),
    [
        (responded(HTML), BodyKind.HTML, False), (responded(HTML, status=206), BodyKind.HTML, True), (responded(HTML, status=206), BodyKind.OTHER, False), (responded(HTML, (b"Content-Encoding", b"gzip")), BodyKind.HTML, False),
        (responded(HTML, (b"Content-Encoding", b"dcb")), BodyKind.HTML, True), (responded(HTML, (b"Content-Encoding", b"dcb"), bodiless=True), BodyKind.HTML, False),
        (responded(HTML, (b"Location", b"/"), (b"Content-Encoding", b"dcb"), status=302), BodyKind.HTML, False),
    ],
)  # fmt: skip
def test_a_page_in_part_or_in_an_unknown_coding_is_asked_for_again(response, kind, unfit):
    assert is_unfit(response, kind) is unfit


def test_a_page_that_came_coded_leaves_coded():
    response = composed(responded(HTML, (b"Content-Encoding", b"gzip")), *OPEN, (b"Accept-Encoding", b"gzip"))

    assert all_of(response, b"Content-Encoding") == [b"gzip"]
    assert b"data-consent" in gzip.decompress(response.body.whole(gzip.compress(PAGE)))


def test_what_is_no_page_passes_under_the_fence_that_is_everybodys():
    seen = context((b"Cookie", b"a=1"))
    given = composed(responded((b"Content-Type", b"image/svg+xml"), ETAG), kind=BodyKind.FEED, seen=seen)

    assert given.body is VERBATIM
    assert all_of(given, CSP) == [seen.site.strictest_fence(secure=True)]
    assert all_of(given, b"ETag") == [b'"a"']


def test_a_feed_runs_no_script_of_its_own():
    feed = composed(responded((b"Content-Type", b"application/rss+xml")), kind=BodyKind.FEED)
    picture = composed(responded((b"Content-Type", b"image/svg+xml")), kind=BodyKind.FEED)

    assert [all_of(one, CSP)[0].endswith(b"; script-src 'self'") for one in (feed, picture)] == [True, False]


@pytest.mark.parametrize("kind", [BodyKind.CODE, BodyKind.DATA])
def test_what_is_called_a_page_and_is_none_is_not_kept_for_one(kind):
    given = composed(responded(HTML, (b"Cache-Control", b"public")), kind=kind)

    assert given.body is VERBATIM
    assert b"private" in all_of(given, b"Cache-Control")[0]
    assert b"Sec-Fetch-Dest" in b",".join(all_of(given, b"Vary"))


def test_what_opens_nothing_needs_no_fence():
    file = composed(responded((b"Content-Disposition", b"attachment")), kind=BodyKind.OTHER)

    assert all_of(file, CSP) == []


def test_what_is_called_a_page_is_fenced_although_it_is_to_be_saved():
    file = composed(responded(HTML, (b"Content-Disposition", b"attachment")), kind=BodyKind.CODE)

    assert len(all_of(file, CSP)) == 1


def test_a_service_worker_whose_visitor_is_not_known_keeps_its_bytes():
    seen = context((b"Sec-Fetch-Dest", b"serviceworker"))
    seen.decision = replace(seen.decision, withheld=True)
    given = composed(responded((b"Content-Type", b"text/javascript")), kind=BodyKind.OTHER, seen=seen)

    assert given.body is VERBATIM
    assert all_of(given, CSP) == [seen.variant.fence]


def test_a_worker_runs_under_its_visitors_fence():
    seen = context((b"Sec-Fetch-Dest", b"worker"))
    given = composed(responded((b"Content-Type", b"text/javascript")), kind=BodyKind.OTHER, seen=seen)

    assert all_of(given, CSP) == [seen.variant.fence]


def test_the_script_of_a_service_worker_has_our_lines_and_its_variants_name():
    seen = context((b"Sec-Fetch-Dest", b"serviceworker"))
    given = composed(responded((b"Content-Type", b"text/javascript")), kind=BodyKind.OTHER, seen=seen)
    script = given.body.whole(b"self.x = 1")

    assert b"self.x = 1" in script
    assert script.rstrip().endswith(b"// " + seen.variant.tag)
    failed = composed(
        responded((b"Content-Type", b"text/javascript"), status=404), kind=BodyKind.OTHER, seen=seen
    )
    assert failed.body is VERBATIM


def test_mail_is_saved_as_a_file_and_never_shown():
    given = composed(responded((b"Content-Type", b"message/rfc822")), kind=BodyKind.MAIL)

    assert all_of(given, b"Content-Disposition")[0].startswith(b"attachment")


def test_a_challenge_of_a_proxy_keeps_the_field_it_is_about():
    field = (b"Proxy-Authenticate", b"Basic")

    assert all_of(composed(responded(HTML, field, status=407)), b"Proxy-Authenticate") == [b"Basic"]
    assert all_of(composed(responded(HTML, field, status=401)), b"Proxy-Authenticate") == []


@pytest.mark.parametrize("ours", [True, False])
def test_a_304_is_of_a_page_of_this_variant_or_of_something_that_is_none(ours):
    seen = context(*OPEN)
    given = composed(
        responded(ETAG, POLICY, status=304), head=UpstreamHead([], ours=ours), kind=BodyKind.OTHER, seen=seen
    )
    page = composed(responded(HTML, ETAG, POLICY))

    assert given.body is VERBATIM
    if ours:
        assert seen.kind == "document"
        assert all_of(given, b"ETag") == all_of(page, b"ETag")
        (own, fence), (own_of_page, fence_of_page) = all_of(given, CSP), all_of(page, CSP)
        assert fence == fence_of_page
        assert set(own_of_page.replace(b";", b"").split()) <= set(own.replace(b";", b"").split())
    else:
        assert all_of(given, b"ETag") == [b'"a"']
        assert all_of(given, CSP) == [POLICY[1], seen.site.strictest_fence(secure=True)]


def test_where_a_site_is_off_only_refused_cookies_are_taken():
    seen = context(*OPEN, mode=Mode.OFF)
    given = composed(
        responded(HTML, (b"Set-Cookie", b"_ga=1; Domain=.callkom.io"), (b"X-A", b"1")), seen=seen
    )

    assert given.body is VERBATIM
    assert all_of(given, b"Set-Cookie") == []
    assert all_of(given, b"X-A") == [b"1"]
    assert all_of(given, CSP) == []


def test_a_redirect_whose_body_cannot_be_read_goes_by_its_head():
    given = without_body(context(*OPEN), UpstreamHead([]), responded((b"Location", b"/x"), HTML, status=302))

    assert given.body is DROPPED
    assert all_of(given, b"Location") == [b"/x"]
    assert len(all_of(given, CSP)) == 1


def test_a_page_that_is_let_through_unread_is_fenced_and_kept_by_nobody():
    given = unread(context(*OPEN), responded(HTML, (b"Cache-Control", b"public")))

    assert given.body is VERBATIM
    assert len(all_of(given, CSP)) == 1
    assert b"private" in all_of(given, b"Cache-Control")[0]


def test_cookies_that_the_upstream_was_not_shown_are_expired_with_the_page():
    given = composed(responded(HTML), head=UpstreamHead([], hidden=[b"_ga"]))

    assert any(line.startswith(b"_ga=") for line in all_of(given, b"Set-Cookie"))
    assert all_of(composed(responded(HTML)), b"Set-Cookie") == []
