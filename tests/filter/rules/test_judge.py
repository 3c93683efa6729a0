"""First match in file order wins; hosts match at label boundaries; a judge never changes."""

import pytest

from proxy.filter.rules.judge import ALL_READ, LONGEST_CALLER, ONE_IN, ForeignCalls, compile_rules, judge_for
from proxy.filter.syntax.urls import Url
from proxy.filter.verdict import Does
from proxy.policy.load import load_policy
from proxy.policy.own_hosts import OwnHosts
from proxy.policy.scope import scope_of
from tests.filter.pages import RULES, filtered, judge, passed, rules

HEAD = RULES[: RULES.index("providers:")]


def judge_of(tags: str, *purposes: str, neutral: str = "", undeclared: str = "hold"):
    text = (
        HEAD.replace("tags: hold", f"tags: {undeclared}")
        + "providers:\n  p:\n    name: P\n    tags:\n"
        + tags
    )
    policy = load_policy(text)
    compiled = compile_rules(policy, OwnHosts(frozenset({"own.example", "alone.example"}), "own.example"))
    return judge_for(compiled, scope_of(policy).granted(purposes))


@pytest.mark.parametrize(
    ("host", "does", "provider"),
    [
        ("stats.example", Does.HOLD, "stats"),
        ("a.b.stats.example", Does.HOLD, "stats"),
        ("notstats.example", Does.HOLD, None),
        ("stats.example.org", Does.HOLD, None),
        ("own.example", Does.KEEP, None),
        ("x.own.example", Does.KEEP, None),
        ("", Does.KEEP, None),
        ("fonts.example", Does.KEEP, None),
        ("a.fonts.example", Does.KEEP, None),
        ("pay.example", Does.KEEP, "pay"),
        ("track-eu1.both.example", Does.HOLD, "stats"),
    ],
)
def test_a_host_means_it_and_its_subdomains(host, does, provider):
    verdict = judge().judge_url(Url(host, "/"), "script")

    assert (verdict.does, verdict.provider) == (does, provider)


def test_all_purposes_of_a_rule_are_needed():
    url = Url("track.both.example", "/")

    assert judge("performance").judge_url(url, "img").needs == ("functional",)
    assert judge("functional").judge_url(url, "img").needs == ("performance",)
    assert judge("functional", "performance").judge_url(url, "img").keeps
    assert judge("functional").judge_url(Url("x.both.example", "/"), "img").keeps


def test_the_first_rule_in_the_file_wins():
    early = "      - { id: a, purpose: performance }\n      - { from: h.example, purpose: functional }\n"
    late = "      - { from: h.example, purpose: functional }\n      - { id: a, purpose: performance }\n"
    page = b"<script id=a src=//h.example/></script>"

    assert passed(page, judged=judge_of(early, "functional"))[1].verdicts[0].needs == ("performance",)
    assert passed(page, judged=judge_of(late, "functional"))[1].verdicts == []


def test_an_inline_script_obeys_the_first_rule_too():
    tags = (
        '      - { id: "keep-*", purpose: necessary }\n      - { text: vendorCall, purpose: performance }\n'
    )

    assert passed(b"<script id=keep-1>vendorCall()</script>", judged=judge_of(tags))[1].verdicts == []
    assert passed(b"<script id=x>vendorCall()</script>", judged=judge_of(tags))[1].verdicts != []


def test_undeclared_third_parties_can_be_let_in():
    tags = "      - { from: h.example, purpose: functional }\n"

    assert passed(b"<img src=//x.example/>", judged=judge_of(tags, undeclared="keep"))[1].verdicts == []


def test_conditions_of_one_rule_are_all_required():
    tags = '      - { from: h.example, path: "/only/*", element: [img, iframe], attribute: { alt: "a*" }, purpose: performance }\n'
    asked = judge_of(tags, undeclared="keep")

    assert passed(b"<img alt=abc src=//h.example/only/1>", judged=asked)[1].verdicts != []
    for page in (
        b"<img alt=b src=//h.example/only/1>",
        b"<img alt=a src=//h.example/1>",
        b"<video alt=a src=//h.example/only/1>",
        b"<img alt=a src=//i.example/only/1>",
    ):
        assert passed(page, judged=asked)[1].verdicts == []


@pytest.mark.parametrize(
    "tags",
    [
        '      - { class: "w-*", purpose: performance }\n',
        '      - { class: "*-ww", purpose: performance }\n',
        '      - { id: "*-x", purpose: performance }\n',
    ],
)
def test_globs_of_ids_and_classes_stop_the_scanner(tags):
    page = b"<p class=ok><div class='a w-ww b' id=\"yy-x\">"

    assert passed(page, judged=judge_of(tags))[1].verdicts != []
    assert passed(b"<p class='w' id='y'>", judged=judge_of(tags))[1].verdicts == []


def test_a_disabled_provider_can_never_be_granted():
    text = RULES.replace("    name: Stats\n", "    name: Stats\n    enabled: no\n")
    policy = load_policy(text)
    asked = judge_for(
        compile_rules(policy, OwnHosts(frozenset())), scope_of(policy).granted(["performance", "functional"])
    )

    assert asked.judge_url(Url("stats.example", "/"), "script").does is Does.HOLD


def test_many_words_are_found_as_few_are():
    few = "".join(f'      - {{ text: "vendorWord{n}(", purpose: performance }}\n' for n in range(3))
    many = "".join(f'      - {{ text: "vendorWord{n}(", purpose: performance }}\n' for n in range(200))
    page = b"<script>a; vendorWord2(); b</script>"

    assert passed(page, judged=judge_of(few))[0] == passed(page, judged=judge_of(many))[0] != page


def test_emptied_memos_change_nothing():
    page = (
        b"<img src=//stats.example/><script>StatsQueue</script><style>a{b:url(//stats.example/)}</style>" * 3
    )
    first = filtered(page)
    judge().empty_caches()

    assert filtered(page) == first
    assert rules().for_host("stats.example")


def test_what_is_remembered_of_tags_and_hosts_stays_bounded():
    asked = judge_of("      - { from: h.example, purpose: functional }\n")
    for number in range(30_000):
        passed(b"<img src=//x%d.example/%s>" % (number, b"y" * 500), judged=asked)

    assert sum(map(len, asked.tags)) < 8_000_000
    assert len(asked._undeclared) <= 5_001
    assert len(asked.rules._hosts) <= 5_001


def called(*scripts):
    calls = ForeignCalls(["fbq", "_paq", "dataLayer"])
    for script in scripts:
        calls.note(script.encode())
    return set(calls.found)


@pytest.mark.parametrize(
    ("script", "names"),
    [
        ("fbq('track', 'PageView')", {"fbq"}),
        ("window.fbq('track'); var _paq = window._paq || []; _paq.push(['a'])", {"fbq", "_paq"}),
        ("function gtag() { dataLayer.push(arguments) }", {"dataLayer"}),
        ("say('fbq(1)'); /* fbq(1) */ // fbq(1)", set()),
        ("xfbq(1); my.fbq(1); fbqx(1); var a = fbq", set()),
        ("function fbq() {} fbq(1)", set()),
        ("fbq('a", set()),
        ("other(1)", set()),
        ("fbq(1);" + " " * LONGEST_CALLER, set()),
    ],
)
def test_a_call_is_what_the_code_calls(script, names):
    assert called(script) == names


def test_of_very_many_scripts_some_are_read():
    before = ["x()"] * ALL_READ

    assert called(*before, "fbq(1)") == set()
    assert called(*before, *["fbq(1)"] * ONE_IN) == {"fbq"}


def test_without_names_nothing_is_found():
    calls = ForeignCalls([])
    calls.note(b"fbq(1)")

    assert calls.found == {}
