"""Inline scripts and styles are held to be judged, up to a cap that counts bytes and not pieces."""

from functools import cache

import pytest

from proxy.filter.rules.judge import Judge, compile_rules, judge_for
from proxy.filter.size_limits import MAX_INLINE_SCRIPT
from proxy.policy.load import load_policy
from proxy.policy.own_hosts import OwnHosts
from tests.filter.pages import RULES, filtered, passed

FILL = b"var filler = 1;\n" * (MAX_INLINE_SCRIPT // 16 + 4_000)
SIZES = (0, 1_447, 65_536, MAX_INLINE_SCRIPT + 9)


@pytest.mark.parametrize("size", SIZES)
def test_a_long_script_of_the_site_passes(size):
    page = b"<script>" + FILL + b"</script><p>"

    assert filtered(page, size=size) == page


@pytest.mark.parametrize("size", SIZES)
def test_a_long_script_that_names_providers_is_the_sites_own_and_passes(size):
    page = b"<script>StatsQueue(1);" + FILL + b"a(stats.js);b(stats.start)</script><p>"

    assert filtered(page, size=size) == page


@cache
def unfenced() -> Judge:
    text = RULES.replace("tags: hold", "tags: keep")
    return judge_for(compile_rules(load_policy(text), OwnHosts(frozenset({"own.example"}))), frozenset())


@pytest.mark.parametrize("size", SIZES)
def test_without_a_fence_a_long_script_that_begins_like_a_provider_is_held_whole(size):
    page = b"<script>StatsQueue;" + FILL + b"</script><p>"

    assert passed(page, size=size, judged=unfenced())[0] == page.replace(
        b"<script>", b'<script type="text/plain" data-consent="performance">'
    )


@pytest.mark.parametrize("size", SIZES)
def test_without_a_fence_nothing_of_a_long_script_passes_from_the_word_on_that_refuses_it(size):
    page = b"<script>" + FILL + b"a(stats.js);" + FILL + b"b(stats.start);c()</script><p>"
    out, run = passed(page, size=size, judged=unfenced())

    assert out == b"<script>" + FILL + b"a(stats.js);" + FILL + b"b(</script><p>"
    assert len(run.verdicts) == 1


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_the_cap_is_the_same_however_a_script_arrives(over):
    body = b"x" * (MAX_INLINE_SCRIPT - len(b"StatsQueue") + over) + b"StatsQueue"
    page = b"<script>" + body + b"</script>"

    outs = {passed(page, size=size, judged=unfenced())[0] for size in (0, 1_000, MAX_INLINE_SCRIPT)}

    assert len(outs) == 1
    held = outs.pop()
    assert held.startswith(b"<script type=") or b"StatsQueue" not in held


@pytest.mark.parametrize("size", SIZES)
def test_what_stands_behind_the_cap_makes_no_script_the_sites_own(size):
    """Judged whole it would be: much of it is code of the site's own."""
    body = (
        b"StatsQueue.push(1);"
        + b" " * MAX_INLINE_SCRIPT
        + b"function menu(){document.body.hidden=true}\n" * 99
    )
    page = b"<body><script>" + body + b"</script>"

    assert passed(page, size=size)[0] == page.replace(
        b"<script>", b'<script type="text/plain" data-consent="performance">'
    )


@pytest.mark.parametrize("size", SIZES)
def test_a_long_style_sheet_is_calmed_to_its_end(size):
    rule = b"p{color:red;content:'}'}\n"
    page = (
        b"<style>"
        + rule * 20_000
        + b"a{background:url(https://stats.example/x)}"
        + rule * 20_000
        + b"</style>"
    )

    assert filtered(page, size=size) == page.replace(b"https://stats.example/x", b"about:invalid")


@pytest.mark.parametrize("size", SIZES)
def test_a_long_font_in_a_style_sheet_hides_nothing_behind_it(size):
    font = b'@font-face{src:url("data:font/woff2;base64,' + b"AA//" * 200_000 + b'")}'
    page = b"<style>" + font + b'a{background:url("//stats.example/x")}</style>'

    assert filtered(page, size=size) == page.replace(b"//stats.example/x", b"about:invalid")


@pytest.mark.parametrize("size", SIZES)
def test_a_long_comment_in_a_style_sheet_hides_nothing_behind_it(size):
    rule = b"p{color:red}\n" * 20_000
    comment = b"/*" + b"x" * (MAX_INLINE_SCRIPT * 17 // 10) + b"*/"
    page = b"<style>" + comment + rule + b"a{background:url(//stats.example/x)}" + rule + b"</style>"

    assert filtered(page, size=size) == page.replace(b"//stats.example/x", b"about:invalid")


def test_a_script_with_markup_in_its_text_is_held():
    out, run = passed(b"<svg><script>a()<g></g>StatsQueue</script></svg>")

    assert out.startswith(b'<svg><script type="text/plain" data-consent="undeclared">')
    assert run.verdicts[0].note == "a script with markup in its text"


def test_an_unclosed_script_is_judged_too():
    assert filtered(b"<script>StatsQueue").startswith(b'<script type="text/plain"')
