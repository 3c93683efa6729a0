"""What is judged by a tag's name and its host alone is judged as it is at length, or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.filter.html.scanner import HtmlFilter
from proxy.filter.rules.judge import PlaceholderPosition
from proxy.filter.tags import start_tag
from proxy.filter.tags.refusal import DocumentContext
from proxy.filter.verdict import Does
from tests.filter.judging import judge
from tests.filter.pages import filtered
from tests.filter.rules.test_judge import judge_of

RULES = """
      - { from: script-only.example, element: script, purpose: performance }
      - { from: with-path.example, path: "/with-x/*", purpose: performance }
      - { from: removed.example, purpose: performance, do: remove }
      - { from: held.example, purpose: performance }
      - { class: ugly, purpose: performance }
      - { id: "bad-*", purpose: performance }
      - { path: "*/roams/*", element: [script, img], purpose: performance }
"""
JUDGE = judge_of(RULES)


def fast(raw: bytes, asked=JUDGE):
    return start_tag.judge_by_host(DocumentContext(asked), raw)


@pytest.mark.parametrize(
    ("raw", "out"),
    [
        (b'<img src="https://held.example/a?b&c=1" alt="x">', b'<img data-consent="performance" data-consent-src="https://held.example/a?b&c=1" alt="x">'),
        (b"<script async src='//held.example/a.js'>", b"<script type=\"text/plain\" data-consent=\"performance\" async src='//held.example/a.js'>"),
        (b'<script type="module" src="//held.example/">', b'<script type="text/plain" data-consent="performance" data-consent-type="module" src="//held.example/">'),
        (b'<link rel="preconnect" href="https://nobody.example">', b'<link data-consent="undeclared" rel="preconnect" data-consent-href="https://nobody.example">'),
        (b'<iframe\n src="https://held.example" style="border:0"></', None), (b'<source src="//script-only.example/x" />', b'<source data-consent="undeclared" data-consent-src="//script-only.example/x" />'),
    ],
)  # fmt: skip
def test_the_usual_case_is_held_at_once(raw, out):
    found = fast(raw)

    if out is None:
        assert found is start_tag.UNDECIDED
        return
    assert found.out == out
    assert found.verdict.does is Does.HOLD
    assert found == start_tag.judge_carefully(DocumentContext(JUDGE), raw)


@pytest.mark.parametrize(
    "raw", [b'<img src="https://own.example/a?b&copy=1">', b'<link rel="canonical" href="https://nobody.example/">', b'<link href="//nobody.example/">']
)  # fmt: skip
def test_what_is_kept_is_kept_at_once(raw):
    assert fast(raw) is None


@pytest.mark.parametrize(
    "raw",
    [
        b'<img src="//with-path.example/with-x/y">', b'<img src="//removed.example/">', b'<img src="//held.example/" class="ugly">', b'<img src="//held.example/" id="bad-1">', b'<script src="//held.example/roams/x">',
        b'<img src="//held.example/&#x72;oams/">', b'<img src="//held.example:81/">', b'<img src="//held.example\\x">', b'<img src="//held.example/" srcset="/a">', b'<img src="//held.example/" src="/b">',
        b'<img src=//held.example/>', b'<IMG src="//held.example/">', b'<link rel="x" rel="icon" href="//held.example/">', b'<script type="text/plain" src="//held.example/">', b'<video src="//held.example/">',
        b'<img src="//own.example/x/roams\\x">', b'<img src="//own.example/ro\tams/x">', b"<img src='//own.example/?\n'>", b'<script src="//own.example/a&amp;b\rc">',
        b'<iframe src="//held.example/" srcdoc="">', b'<img src="//held.example/" style="a:url(b)">', b"<img>", b"<i>", b"<", b'<img src="//held.example/"> ',
    ],
)  # fmt: skip
def test_any_other_is_told_at_length(raw):
    assert fast(raw) is start_tag.UNDECIDED


def test_where_a_path_may_hide_behind_a_reference_nothing_is_told_by_the_host():
    assert (
        fast(
            b'<img src="//held.example/">',
            judge_of('      - { path: "*&track=*", element: video, purpose: performance }\n'),
        )
        is start_tag.UNDECIDED
    )


def test_what_a_host_was_judged_is_forgotten_with_everything_else():
    asked = judge()
    assert fast(b'<img src="//stats.example/">', asked).verdict.provider == "stats"
    assert asked.by_host

    asked.empty_caches()
    assert not asked.by_host


ATTRIBUTES = st.sampled_from(
    [
        'alt="a>b"', "async", 'class="a b"', 'class="ugly"', 'id="bad-x"', "id='fine'", 'style="color:red"', 'type="module"', 'type="text/css"', 'rel="preload icon"', "rel='next'", 'rel="stylesheet\u00a0x"',
        'rel="&#105;con"', 'srcset="//held.example/b 2x"', 'data-src="/x"', 'title="rel="', "href='//held.example/x'", 'href="https://nobody.example"', 'src="https://held.example/a&amp;b"', "src='//own.example/#'", 'src="//own.example/ro\tams/"', "src='//own.example/roams\\\\x'",
        'src="//script-only.example?a&b"', 'src="https://with-path.example/x"', 'src="//removed.example/"', 'src="//held.example/roams/"', 'src="/own"', 'href="/own"', 'src="//HELD.example/"', 'onload="x()"',
    ]
)  # fmt: skip


@given(
    st.sampled_from(["img", "source", "iframe", "script", "link"]),
    st.lists(ATTRIBUTES, max_size=5),
    st.sampled_from([" ", "\n", "  "]),
    st.sampled_from([">", " >", "/>", " />"]),
)
def test_it_says_what_is_said_at_length_or_nothing(name, attributes, gap, end):
    raw = (gap.join(["<" + name, *attributes]) + end).encode()
    found = fast(raw)

    assert found is start_tag.UNDECIDED or found == start_tag.judge_carefully(DocumentContext(JUDGE), raw)


def test_a_handler_that_another_rule_refuses_is_held_with_an_element_that_is_held_for_its_address():
    page = b"<img src=//stats.example/i onclick='Booking.popup()' alt=x>"

    assert filtered(page) == (
        b"<img data-consent=\"performance\" data-consent-src=//stats.example/i data-consent-onclick='Booking.popup()' alt=x>"
    )
    assert filtered(page, "functional") == (
        b"<img data-consent=\"performance\" data-consent-src=//stats.example/i onclick='Booking.popup()' alt=x>"
    )


def test_a_call_that_the_pages_stub_answers_stays_and_a_handler_beside_it_that_is_refused_does_not():
    rules = """
      - { attribute: { onclick: "*Calendly.*" }, purpose: performance, do: replace }
      - { attribute: { onfocus: "*Other.*" }, purpose: performance }
"""
    page = HtmlFilter(judge_of(rules))
    call = b"onclick='Calendly.initPopupWidget({url:where})'"

    assert page.whole(b"<button " + call + b" onfocus='Other.go()'>Book</button>") == (
        b'<button data-consent="performance" ' + call + b" data-consent-onfocus='Other.go()'>Book</button>"
    )


def test_a_handler_of_an_element_that_is_refused_for_what_it_is_stays_with_it():
    page = HtmlFilter(judge_of("      - { element: amp-ad, purpose: performance }\n"))

    assert page.whole(b"<amp-ad onload='go()'>") == b"<amp-ad data-consent=\"performance\" onload='go()'>"


@pytest.mark.parametrize(("instead", "stands"), [("link", True), ("nothing", False)])
def test_what_a_rule_replaces_with_nothing_has_no_place_for_a_placeholder(instead, stands):
    """What a script of the page adds later is asked for by that place alone."""
    rule = (
        f"      - {{ from: box.example, element: iframe, purpose: functional, do: replace, with: {instead} }}"
    )
    found = start_tag.judge_carefully(
        DocumentContext(judge_of(rule)), b'<iframe src="https://box.example/a"></iframe>'
    )

    assert found.verdict.does is Does.REPLACE
    assert (found.position is not PlaceholderPosition.NOWHERE) == stands
    assert found.facts.with_ == instead


def test_bytes_of_another_encoding_in_a_document_of_an_address_are_read():
    """A page in windows-1252 or Shift_JIS has them where one in UTF-8 has none."""
    page = b'<iframe src="data:text/html,caf\xe9"></iframe><iframe src="data:text/html,\xe9<img src=//stats.example/p>"></iframe>'
    out = filtered(page)

    assert out.startswith(b'<iframe src="data:text/html,caf\xe9"></iframe>')
    assert b'<iframe src="data:text/html,\xe9<img src=//stats' not in out
