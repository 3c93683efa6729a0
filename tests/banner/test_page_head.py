import re
from dataclasses import replace

import pytest

from proxy.banner.assets import css_hash, guard
from proxy.banner.page_head import CALLED_AT_ONCE, MAX_CACHED, PageHeads, page_code
from proxy.config.banner_colours import Look
from proxy.consent.decision import Ask
from proxy.filter.headers.guard_table import GUARD_SCRIPT, guard_table
from proxy.policy.scope import Pair
from tests.banner.rendering import BOTH, OWN, POLICY, decision, well_formed
from tests.banner.test_page_injector import STATES
from tests.policy.rules import policy_of

ANSWERED = ["refused", "functional", "all"]
ASKED = ["first", "expired", "new", "signal"]


def heads():
    return PageHeads(POLICY, OWN, Look(), "/.consent/", "consent_callkom")


def of(state, **more):
    return heads().of(STATES[state], **more)


@pytest.mark.parametrize("state", [*ASKED, "withheld"])
def test_a_page_that_asks_names_no_file_in_its_head(state):
    assert re.findall(rb" (?:src|href)=", of(state).bytes("")) == []


@pytest.mark.parametrize("state", ASKED)
def test_what_placeholders_do_is_a_file_that_a_page_which_asks_fetches_when_needed(state):
    head = of(state)
    file = head.files[0]

    assert re.fullmatch(r"offers\.[0-9a-f]{16}\.js", file.name)
    assert f'"/.consent/{file.name}"'.encode() in head.bytes("")
    assert head.scripts[1:] == (f"/.consent/{file.name}", css_hash(GUARD_SCRIPT))
    assert b"data-cc-once" in file.body
    assert len(head.bytes("")) < len(of(state, inline=True).bytes("")) - 2000
    assert of(state, inline=True).files == ()


@pytest.mark.parametrize("state", ASKED)
def test_the_first_token_of_a_script_asks_to_compile_it_at_once(state):
    """Elsewhere V8 does not read it."""
    _, code = of(state).bytes("").decode().split("<script", 1)

    assert code.partition(">")[2].startswith("//# allFunctionsCalledOnLoad\n")


def test_where_nothing_can_be_replaced_nothing_is_there_for_it():
    policy = policy_of(tags="- { from: other.example, purpose: performance }")
    head = PageHeads(policy, OWN, Look(), "/.consent/", "c").of(decision(policy=policy))

    assert head.files == ()
    assert b"cc-once" not in head.bytes("")


@pytest.mark.parametrize("state", ANSWERED)
def test_after_an_answer_style_and_guard_are_files_named_by_their_bytes(state):
    head = of(state)
    script, sheet = head.files
    text = head.bytes("- 20700 -").decode()

    assert re.fullmatch(r"page\.[0-9a-f]{16}\.js", script.name)
    assert re.fullmatch(r"page\.[0-9a-f]{16}\.css", sheet.name)
    assert text.index(f'href="/.consent/{sheet.name}"') < text.index(f'src="/.consent/{script.name}"')
    guarding = CALLED_AT_ONCE + guard(guard_table(POLICY, STATES[state].grants, OWN))
    assert script.body.startswith(guarding.encode())
    assert page_code(asks=False).encode() in script.body
    assert well_formed(text)


def test_the_guards_file_holds_up_what_follows_so_nothing_of_the_site_runs_before_it():
    tag = re.search(rb'<script[^>]* src="[^"]*"[^>]*>', of("refused").bytes(""))[0]

    assert re.findall(rb" (?:async|defer|type)\b", tag) == []


def test_what_providers_are_told_stays_in_the_page_behind_the_guard():
    """A file that does not come leaves none of them untold."""
    text = of("all").bytes("").decode()

    assert text.index("src=") < text.index('gtag("consent","default"') < text.index("setHubSpotConsent")


def test_after_refusing_only_the_question_is_gone():
    refused, agreed = of("refused").files[1].body, of("all").files[1].body

    assert b".cc.ph" in refused
    assert b".cc.ph" not in agreed, "nothing is replaced where everything is granted"
    assert b"#cc-b form" not in refused


def test_where_policies_let_no_file_in_everything_stands_in_the_page():
    head = of("refused", inline=True)

    assert head.files == ()
    assert b"<style>" in head.bytes("")
    assert page_code(asks=False).encode() in head.bytes("")


def test_a_frame_is_guarded_by_a_file_of_its_own():
    head = of("refused", framed=True)

    assert [file.name.partition(".")[0] for file in head.files] == ["frame"]
    assert b"BroadcastChannel" not in head.files[0].body
    assert b"<link" not in head.bytes("")


def test_equal_questions_share_what_is_made_for_them():
    all_ = heads()

    assert all_.of(decision("functional")) is all_.of(decision("functional", days_ago=9))
    assert all_.of(decision("functional")) is not all_.of(decision("performance"))


@pytest.mark.parametrize("state", ANSWERED)
@pytest.mark.parametrize("framed", [False, True])
def test_a_process_that_never_made_the_page_serves_its_files_all_the_same(state, framed):
    for file in of(state, framed=framed).files:
        assert heads().file(file.name, STATES[state]) == file


def test_a_file_once_named_is_served_to_whoever_asks():
    all_ = heads()
    for file in all_.of(STATES["all"]).files:
        assert all_.file(file.name, decision()) is file


@pytest.mark.parametrize("state", [*STATES])
@pytest.mark.parametrize(
    "name", ["page.0123456789abcdef.js", "page.0123456789abcdef.css", "frame.0123456789abcdef.js"]
)
def test_for_an_unknown_name_stands_in_what_is_right_for_the_visitor_today(state, name):
    """A page of another process, of older rules: its guard runs, for what is granted now."""
    visitor = STATES[state]
    found = heads().file(name, visitor)
    now = heads().of(replace(visitor, ask=Ask.NO, withheld=False), framed=name.startswith("frame"))

    assert found in (*now.files, *of("first").files)
    assert found.name != name
    assert found.name.endswith(name.rpartition(".")[2])


@pytest.mark.parametrize(
    "name",
    [
        "",
        "page.js",
        "page.0123.js",
        "frame.0123456789abcdef.css",
        "offers.0123456789abcdef.css",
        "page.0123456789abcdef.json",
        "../page.0123456789abcdef.js",
    ],
)
def test_other_names_are_nobodys(name):
    assert heads().file(name, STATES["refused"]) is None


def test_what_is_kept_is_bounded():
    all_ = heads()
    for i in range(MAX_CACHED + 3):
        all_._cache[frozenset({Pair("x", f"{i}")}), Ask.NO, False, False, False] = all_.of(decision(*BOTH))
    all_.of(STATES["refused"])

    assert len(all_._cache) <= MAX_CACHED + 3
    all_.of(STATES["first"])
    assert len(all_._cache) <= MAX_CACHED
