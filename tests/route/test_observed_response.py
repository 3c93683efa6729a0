"""Where a site is observed nothing is refused: bytes stay, a fence reports, and pages are judged in passing."""

import pytest

from proxy.config.types import Mode
from proxy.filter.body.body_filter import VERBATIM, ObservedBody
from proxy.filter.headers.content_kind import BodyKind
from proxy.route.observed_response import observed_again, observed_as_it_is, observed_page
from proxy.seen.names import Kind
from tests.support.heads import context, responded, site_of
from tests.support.proxying import PAGE

HTML = (b"Content-Type", b"text/html")
REPORT_ONLY = b"Content-Security-Policy-Report-Only"
OPEN = [(b"Sec-Fetch-Dest", b"document"), (b"Sec-Fetch-Mode", b"navigate")]
OBSERVED = "    mode: observe\n    observe: page\n"


def observed(*headers, site: str = OBSERVED):
    return context(*(headers or OPEN), mode=Mode.OBSERVE, site=site_of(site=site))


def all_of(response, name: bytes) -> list[bytes]:
    return [value for key, value in response.headers if key == name]


def test_a_page_keeps_its_bytes_and_is_judged():
    response = observed_as_it_is(observed(), responded(HTML, (b"ETag", b'"a"')), BodyKind.HTML)

    assert response.body.whole(PAGE) == PAGE
    assert [verdict.provider for verdict in response.body.verdicts] == ["google"]
    assert all_of(response, b"ETag") == [b'"a"']
    assert all_of(response, b"Content-Security-Policy") == []


def test_its_fence_reports_and_spares_what_was_reported_today():
    seen = observed()
    seen.snapshot.sightings.sources["callkom.io"] = b"https://known.example "
    [policy] = all_of(observed_as_it_is(seen, responded(HTML), BodyKind.HTML), REPORT_ONLY)

    assert policy.startswith(b"default-src https://known.example ")
    assert b"; report-uri " in policy


@pytest.mark.parametrize("how", ["file", "HEAD", 204, 206, 304])
def test_what_is_no_page_or_has_no_whole_body_passes_as_it_is(how):
    response = responded(HTML, status=how if isinstance(how, int) else 200, bodiless=how == "HEAD")
    given = observed_as_it_is(observed(), response, BodyKind.OTHER if how == "file" else BodyKind.HTML)

    assert given.body is VERBATIM
    assert given.headers == [HTML]


def test_a_worker_runs_under_the_reporting_fence_of_its_own_response():
    worker = observed((b"Sec-Fetch-Dest", b"worker"))

    assert len(all_of(observed_as_it_is(worker, responded(), BodyKind.OTHER), REPORT_ONLY)) == 1


def test_where_only_a_share_is_enforced_no_cache_keeps_an_observed_page_for_the_others():
    shared = context(*OPEN, mode=Mode.OBSERVE, site=site_of(site="    share: 10 %\n"))
    public = (b"Cache-Control", b"public, max-age=60")
    pages = [observed_as_it_is(one, responded(HTML, public), BodyKind.HTML) for one in (shared, observed())]

    assert [b"private" in all_of(page, b"Cache-Control")[0] for page in pages] == [True, False]


def test_a_page_that_cannot_be_read_passes_and_is_noted():
    seen = observed()
    response = observed_as_it_is(seen, responded(HTML, (b"Content-Encoding", b"dcb")), BodyKind.HTML)

    assert response.body is VERBATIM
    assert [key.kind for key in seen.snapshot.sightings._waiting] == [Kind.PAGE]
    assert observed_page(seen, responded(HTML, (b"Content-Encoding", b"dcb")), BodyKind.HTML).body is VERBATIM


def test_with_the_script_a_page_has_it_first_and_everything_else_as_it_was():
    response = observed_page(observed(), responded(HTML, (b"ETag", b'"a"')), BodyKind.HTML)
    out = response.body.whole(PAGE)

    assert b"<head><script data-cfasync=" in out
    assert isinstance(response.body, ObservedBody)
    assert out.replace(out[out.index(b"<script data-cfasync") : out.index(b"</script>") + 9], b"") == PAGE
    assert all_of(response, b"Cache-Control") == [b"private, no-cache"]
    assert all_of(response, b"ETag") != [b'"a"']


def test_what_the_script_tells_the_fence_need_not_report_too():
    [policy] = all_of(observed_page(observed(), responded(HTML), BodyKind.HTML), REPORT_ONLY)

    assert b"report-uri" not in policy


@pytest.mark.parametrize("how", ["HEAD", 206, 204, "integrity"])
def test_where_no_script_can_go_the_page_is_as_it_is(how):
    more = [(b"Integrity-Policy", b"blocked-destinations=(script)")] if how == "integrity" else []
    response = responded(HTML, *more, status=how if isinstance(how, int) else 200, bodiless=how == "HEAD")
    given = observed_page(observed(), response, BodyKind.HTML)

    assert given.headers[: len(more) + 1] == [HTML, *more]
    assert all_of(given, b"Cache-Control") == []


def test_a_page_that_was_not_changed_is_confirmed_under_its_own_name_and_policy():
    seen = observed()
    policy = (b"Content-Security-Policy", b"default-src 'none'")
    response = observed_again(seen, responded((b"ETag", b'"a"'), policy, status=304))
    fresh = observed_page(seen, responded(HTML, (b"ETag", b'"a"'), policy), BodyKind.HTML)

    assert (seen.kind, response.body) == ("document", VERBATIM)
    assert all_of(response, b"ETag") == all_of(fresh, b"ETag")
    assert (
        all_of(response, b"Content-Security-Policy")
        == all_of(fresh, b"Content-Security-Policy")
        != [policy[1]]
    )
