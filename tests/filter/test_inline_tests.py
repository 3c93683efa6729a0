"""The tests written in rules.yaml are tried on the real filter, and each rule is missed when it goes."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from proxy.filter.inline_tests import RuleTester, own_hosts, run_examples, untested, without_tag
from proxy.policy.load import load_policy
from proxy.policy.model import Example, Policy, Provider, TagRule, Undeclared
from proxy.policy.own_hosts import OwnHosts
from proxy.problems import Place
from tests.policy.rules import policy_of
from tests.promise.test_table import OUR_COPY, compare, published

RULES = Path(__file__).parents[2] / "rules.yaml"
OURS = load_policy(RULES.read_text(encoding="utf-8"))

TAGS = "- { from: x.com, purpose: performance }"
ROW = "- { name: a, domain: .example.com, purpose: performance, lasts: 6 months, why: y }"


def failures(policy: Policy) -> list[str]:
    return [str(problem) for problem in run_examples(policy)]


def try_one(kind: str, subject: str, expect: str, **blocks: str) -> list[str]:
    tests = f"- it: says so\n  {kind}: '{subject}'\n  expect: {{ {expect} }}"
    return failures(policy_of(**blocks, tests=tests))


# Our own rules


def test_every_test_in_our_rules_passes():
    assert failures(OURS) == []


def test_every_tag_rule_of_ours_is_tripped_by_a_test():
    assert untested(OURS) == ()


@cache
def tripping() -> dict[Place, list[tuple[Example, str, str]]]:
    """Return which expectations meet which rule, so that few have to be tried again."""
    bench = RuleTester(OURS)
    found: dict[Place, list[tuple[Example, str, str]]] = {}
    for example in OURS.examples:
        for visitor, expected, _ in example.expect:
            for place in bench.outcome(example, visitor).because:
                found.setdefault(place, []).append((example, visitor, expected))
    return found


def notices(policy: Policy, kinds: tuple[str, ...], *, first: Place | None = None) -> bool:
    """True when some expectation is not fulfilled under that policy."""
    bench = RuleTester(policy)
    likely = tripping().get(first, []) if first else []
    for example, visitor, expected in likely:
        if not bench.outcome(example, visitor).is_what(expected):
            return True
    return any(
        not bench.outcome(example, visitor).is_what(expected)
        for example in policy.examples
        if example.kind in kinds
        for visitor, expected, _ in example.expect
    )


TAG_RULES = [tag for provider in OURS.providers for tag in provider.tags]


@pytest.mark.parametrize("tag", TAG_RULES, ids=lambda tag: tag.place.rule)
def test_a_tag_rule_that_goes_is_missed(tag):
    assert notices(without_tag(OURS, tag), ("html", "url", "header"), first=tag.place)


ALTERNATIVES = ("hosts", "paths", "elements", "ids", "classes")


def less_one_word(tag: TagRule) -> list[TagRule]:
    """Return the rule without each of its alternatives, and without each word of its text."""
    found = []
    for block in ALTERNATIVES:
        words = getattr(tag, block)
        if len(words) > 1:
            found += [replace(tag, **{block: tuple(w for w in words if w != word)}) for word in words]
    for part in ("all", "any"):
        words = getattr(tag.text, part) if tag.text else ()
        if len(words) > 1:
            texts = [replace(tag.text, **{part: tuple(w for w in words if w != word)}) for word in words]
            found += [replace(tag, text=text) for text in texts]
    return found


KNOWN_BY_SHAPE = {request.place for provider in OURS.providers for request in provider.requests}
"""Lines that say `like:`; the words of those shapes are ours (tests/policy/test_first_party.py)."""


@pytest.mark.parametrize(
    "tag", [tag for tag in TAG_RULES if tag.place not in KNOWN_BY_SHAPE], ids=lambda tag: tag.place.rule
)
def test_a_word_of_a_tag_rule_that_goes_is_missed(tag):
    for less in less_one_word(tag):
        changed = replace(
            OURS,
            providers=tuple(
                replace(p, tags=tuple(less if t is tag else t for t in p.tags)) for p in OURS.providers
            ),
        )

        assert notices(changed, ("html", "url", "header"), first=tag.place), less


def each_less_one(block: str) -> list[tuple[object, Policy]]:
    """Return every rule in that block of every provider, and the policy without it."""
    found: list[tuple[object, Policy]] = []
    for at, provider in enumerate(OURS.providers):
        rules = getattr(provider, block)
        for rule in rules:
            less: Provider = replace(provider, **{block: tuple(r for r in rules if r is not rule)})
            found.append(
                (rule, replace(OURS, providers=(*OURS.providers[:at], less, *OURS.providers[at + 1 :])))
            )
    return found


@pytest.mark.parametrize(
    ("row", "policy"),
    each_less_one("cookies"),
    ids=lambda value: getattr(value, "place", None) and value.place.rule,
)
def test_a_cookie_row_that_goes_is_missed(row, policy):
    if (
        "consent_callkom" in row.names
    ):  # the proxy's own: no site's cookie of that name is ever judged by a row
        assert row.unpublished
        return
    assert notices_a_cookie(policy) or differs_from_the_table(policy)


def without_presumption(policy: Policy) -> Policy:
    """Return the policy under which a cookie that no row names is dropped: presumed, it would hide a lost row."""
    return replace(policy, undeclared_cookies=Undeclared.DROP)


@cache
def declared_cookies() -> list[tuple[Example, str, str]]:
    """Return the expectations of cookies that rows alone fulfil."""
    tester = RuleTester(without_presumption(OURS))
    return [
        (example, visitor, expected)
        for example in OURS.examples
        if example.kind == "cookie"
        for visitor, expected, _ in example.expect
        if tester.outcome(example, visitor).is_what(expected)
    ]


def notices_a_cookie(policy: Policy) -> bool:
    """True when some expectation of a cookie is not fulfilled once nothing is presumed."""
    tester = RuleTester(without_presumption(policy))
    return any(
        not tester.outcome(example, visitor).is_what(expected)
        for example, visitor, expected in declared_cookies()
    )


def differs_from_the_table(policy: Policy) -> bool:
    """True when the published table has a row that this policy lacks."""
    try:
        compare(policy, published(OUR_COPY.read_text(encoding="utf-8")))
    except AssertionError:
        return True
    return False


@pytest.mark.parametrize(
    ("row", "policy"),
    each_less_one("cookies"),
    ids=lambda value: getattr(value, "place", None) and value.place.rule,
)
def test_a_name_of_a_row_that_goes_is_missed(row, policy):
    at = next(n for n, provider in enumerate(OURS.providers) if provider.id == row.provider)
    for name in row.names if len(row.names) > 1 else ():
        less = replace(row, names=tuple(n for n in row.names if n != name))
        provider = OURS.providers[at]
        rows = tuple(less if r is row else r for r in provider.cookies)
        changed = replace(
            OURS, providers=(*OURS.providers[:at], replace(provider, cookies=rows), *OURS.providers[at + 1 :])
        )

        assert notices_a_cookie(changed), name


@pytest.mark.parametrize(
    ("rule", "policy"),
    each_less_one("requests"),
    ids=lambda value: getattr(value, "place", None) and value.place.rule,
)
def test_a_request_rule_that_goes_is_missed(rule, policy):
    assert notices(policy, ("request",), first=rule.place)


@pytest.mark.parametrize("at", range(len(OURS.neutral)))
def test_a_neutral_host_that_goes_is_missed(at):
    rule = OURS.neutral[at]
    for host in rule.hosts:
        hosts = tuple(h for h in rule.hosts if h != host)
        left = (*OURS.neutral[:at], *([replace(rule, hosts=hosts)] if hosts else []), *OURS.neutral[at + 1 :])

        assert notices(replace(OURS, neutral=left), ("html",)), host


def test_header_rules_that_go_are_missed():
    assert notices(replace(OURS, headers=()), ("header",))


# What an example is


@pytest.mark.parametrize(
    ("kind", "subject", "expect"),
    [
        ("html", '<script src="https://x.com/a.js"></script>', "refused: hold, functional: hold, performance: keep, accepted: keep, functional+performance: keep"),
        ("html", '<script src="/own.js"></script>', "refused: keep"),
        ("html", '<script src="https://cdn.example.com/own.js"></script>', "refused: keep"),
        ("html", '<script src="https://other.com/a.js"></script>', "refused: hold, accepted: hold"),
        ("html", "<p>no tag at all</p>", "refused: keep"),
        ("url", "https://x.com/a.js", "refused: hold, performance: keep"),
        ("url", "https://www.example.com/a.js", "refused: keep"),
        ("url", "data:text/plain,x", "refused: keep"),
        ("header", "Link: <https://x.com/a.js>; rel=preload; as=script", "refused: drop, performance: keep"),
        ("header", "X-Anything: x.com", "refused: keep"),
        ("header", "Accept-CH: x", "accepted: drop"),
        ("request", "/metrics/a", "refused: answer 204, performance: keep"),
        ("request", "/other", "refused: keep"),
        ("cookie", "a=1", "refused: drop, functional: drop, performance: keep"),
        ("cookie", "a=1; Max-Age=99999999", "performance: cap to 6 months"),
        ("cookie", "a=1; Max-Age=99999999", "performance: cap to 180 days"),
        ("cookie", "b=1", "refused: drop, accepted: drop"),
    ],
)  # fmt: skip
def test_each_kind_is_judged_by_the_real_filter(kind, subject, expect):
    assert (
        try_one(
            kind,
            subject,
            expect,
            tags=TAGS,
            cookies=ROW,
            requests="- { path: /metrics/*, purpose: performance }",
            headers="- { name: Accept-CH }",
        )
        == []
    )


def test_replace_and_remove_are_told_apart():
    tags = "- { from: x.com, purpose: functional, do: replace }\n- { from: y.com, purpose: functional, do: remove }"

    assert (
        try_one(
            "html", '<iframe src="https://x.com/"></iframe>', "refused: replace, functional: keep", tags=tags
        )
        == []
    )
    assert try_one("html", '<img src="https://y.com/">', "refused: remove, functional: keep", tags=tags) == []


def test_several_verdicts_are_all_told():
    tags = "- { from: x.com, purpose: functional, do: replace }\n- { from: y.com, purpose: functional }"
    told = try_one(
        "html",
        '<iframe src="https://x.com/"></iframe><script src="https://y.com/"></script>',
        "refused: hold",
        tags=tags,
    )

    assert len(told) == 1
    assert "refused gets replace and hold, not hold (because of rules.yaml:15 and rules.yaml:16)" in told[0]


def test_a_cookie_is_judged_on_the_host_of_the_example():
    row = ROW.replace(".example.com", "app.example.com")
    tests = "- { it: x, host: app.example.com, cookie: a=1, expect: { performance: keep } }\n- { it: y, cookie: a=1, expect: { performance: drop } }"

    assert failures(policy_of(cookies=row, tests=tests)) == []


def test_a_provider_that_is_switched_off_fails_no_test():
    blocks = {"tags": TAGS, "enabled": "no"}

    assert (
        try_one(
            "html",
            '<script src="https://x.com/a.js"></script>',
            "refused: hold, performance: keep, accepted: keep",
            **blocks,
        )
        == []
    )


# What its author reads


def test_a_wrong_expectation_is_told_at_its_place_with_the_rule_that_decided():
    told = try_one("html", '<script src="https://x.com/a.js"></script>', "refused: keep", tags=TAGS)

    assert told == [
        (
            "rules.yaml:19:15: test 'says so': refused gets hold, not keep (because of rules.yaml:15), "
            'for <script src="https://x.com/a.js"></script>'
        )
    ]


def test_what_no_rule_speaks_of_is_told_as_such():
    assert try_one("html", "<p>text</p>", "refused: hold", tags=TAGS) == [
        "rules.yaml:19:15: test 'says so': refused gets keep, not hold (no rule speaks of it), for <p>text</p>"
    ]


def test_what_nobody_declared_is_told_as_such():
    assert (
        "refused gets hold, not keep (undeclared third party other.com)"
        in (try_one("html", '<script src="https://other.com/a.js"></script>', "refused: keep", tags=TAGS)[0])
    )


def test_a_long_subject_is_shown_in_part():
    told = try_one("html", f"<p>{'text ' * 40}</p>", "refused: hold", tags=TAGS)[0]

    assert told.endswith("...")
    assert len(told) < 180


def test_a_wrong_cap_is_told_with_the_life_that_was_given():
    told = try_one("cookie", "a=1; Max-Age=99999999", "performance: cap to 13 months", cookies=ROW)

    assert "performance gets cap to 6 months, not cap to 13 months (because of rules.yaml:15)" in told[0]


def test_a_session_is_no_other_cap():
    row = ROW.replace("6 months", "Session")

    assert try_one("cookie", "a=1; Max-Age=60", "performance: cap to session", cookies=row) == []
    assert try_one("cookie", "a=1; Max-Age=60", "performance: cap to 1 min", cookies=row) != []
    assert try_one("cookie", "a=1", "performance: cap to Session", cookies=row) != []


def test_a_tag_rule_without_a_test_is_warned_of():
    tags = f"{TAGS}\n- {{ from: y.com, purpose: performance }}\n- {{ from: z.com, purpose: necessary }}\n- {{ from: w.com, purpose: necessary }}"
    tests = """
- { it: a, html: '<script src="https://x.com/a.js"></script>', expect: { refused: hold } }
- { it: b, html: '<script src="https://y.com/a.js"></script>', expect: { performance: keep } }
- { it: c, html: '<script src="https://w.com/a.js"></script>', expect: { refused: keep } }
"""
    found = untested(policy_of(tags=tags, tests=tests))

    assert [problem.place.line for problem in found] == [16, 17]
    assert all(problem.warning for problem in found)
    assert "no test of this file trips this tag rule" in found[0].text


def test_the_sites_own_hosts_come_from_the_policys_page_or_from_the_config():
    policy = policy_of(
        tags=TAGS,
        tests='- { it: a, html: "<script src=//cdn.shop.test/a.js></script>", expect: { refused: hold } }',
    )

    assert own_hosts(policy) == OwnHosts(frozenset({"example.com"}), "example.com")
    assert run_examples(policy) == ()
    assert len(run_examples(policy, OwnHosts(frozenset({"cdn.shop.test"})))) == 1


# Fence and guard are asked too

MEETINGS = '- { from: "meet*.x.com", purpose: functional }\n- { from: x.com, purpose: performance }'
NO_LINES = {"url": "https://meet-eu.x.com/a", "html": '<img srcset="https://meet-eu.x.com/a 2x">'}


@pytest.mark.parametrize(("kind", "subject"), NO_LINES.items())
def test_a_test_that_says_keep_fails_where_the_fence_stops_it_and_names_both_lines(kind, subject):
    [failure] = try_one(kind, subject, "functional: keep, accepted: keep", tags=MEETINGS)

    assert "functional gets keep, but the fence stops it, not keep" in failure
    assert "the fence stops meet-eu.x.com, closed by rules.yaml:16, kept by rules.yaml:15" in failure
    assert try_one(kind, subject, "functional: keep", tags=MEETINGS, connect="[meet-eu.x.com]") == []


SNIPPET = "<script>(function(d,s){s=d.createElement(''script'');s.async=1;s.src=''https://meet-eu.x.com/load.js'';d.head.append(s)})(document)</script>"


def test_a_kept_snippet_fails_where_the_fence_stops_the_file_that_it_loads():
    tags = f"{MEETINGS}\n- {{ text: meet-eu.x.com, purpose: functional }}"
    [failure] = try_one("html", SNIPPET, "refused: hold, functional: keep, accepted: keep", tags=tags)

    assert "the fence stops meet-eu.x.com, closed by rules.yaml:16, kept by rules.yaml:15" in failure
    assert try_one("html", SNIPPET, "functional: keep", tags=tags, connect="[meet-eu.x.com]") == []


def test_what_the_sites_own_code_names_is_not_asked_of_the_fence():
    own = SNIPPET.replace("d.head.append(s)", "startMenu(d);d.head.append(s)")
    tags = f"{MEETINGS}\n- {{ text: meet-eu.x.com, purpose: functional }}"

    assert try_one("html", own, "refused: keep, functional: keep", tags=tags) == []


def test_a_neutral_host_that_the_fence_cannot_say_names_the_line_of_neutral():
    failures = try_one(
        "html",
        '<script src="https://lib1.x.com/a"></script>',
        "refused: keep",
        tags="- { from: stats.x.com, purpose: performance }",
        neutral='- { from: "lib*.x.com", why: y }',
    )

    assert len(failures) == 1
    assert "the fence stops lib1.x.com, closed by rules.yaml:15, kept by rules.yaml:17" in failures[0]


def test_a_tag_kept_by_its_id_whose_host_no_rule_names_is_stopped_by_the_fence():
    [failure] = try_one(
        "html",
        '<script id="a" src="https://nobody.net/a.js"></script>',
        "refused: keep",
        tags="- { id: a, purpose: necessary }",
    )

    assert (
        "the fence stops nobody.net, which no granted rule names by its host, kept by rules.yaml:15"
        in failure
    )


KEPT = """
- <script type="text/template"><img src="https://nobody.net/a.gif"></script>
- <!-- <img src="https://nobody.net/a.gif"> -->
- <link rel="preconnect" href="https://pay.com">
- <base href="https://other.example/"><script src="/a.js"></script>
- <a href="https://nobody.net/">Go</a>
- <div data-url="https://nobody.net/">Box</div>
- <img src="/a.gif" srcset="https://cdn.example.com/a.gif 2x">
- <script src="https://pay.com/v3/"></script>
"""


def test_what_loads_nothing_or_from_open_hosts_is_kept():
    tests = "\n".join(f"    - '{line[2:]}'" for line in KEPT.strip().splitlines())
    text = f"- it: keeps\n  html:\n{tests}\n  expect: {{ refused: keep }}"
    tags = "- { from: pay.com, purpose: necessary }\n- { element: script, path: /a.js, purpose: necessary }"

    assert failures(policy_of(tags=tags, tests=text)) == []


def test_without_a_fence_nothing_is_stopped():
    found = try_one(
        "html",
        '<script src="https://nobody.net/a.js"></script>',
        "refused: keep",
        undeclared="{ tags: keep }",
    )

    assert found == []


WRITTEN = {
    "a=1; Max-Age=99": ("refused: drop, performance: keep", []),
    "a=1; Max-Age=99999999": ("refused: drop, performance: cap to 6 months", []),
    "a=; Max-Age=0": ("refused: keep", []),
    "a=1; Domain=.example.com": ("refused: drop, accepted: keep", []),
    "other=1": ("refused: drop, accepted: drop", []),
    "a=1; HttpOnly": ("accepted: drop", []),
    "a=2": ("refused: keep", ["refused gets drop, not keep (because of rules.yaml:"]),
}


@pytest.mark.parametrize(("line", "expect", "failing"), [(k, *v) for k, v in WRITTEN.items()], ids=WRITTEN)
def test_a_cookie_that_a_script_writes_is_asked_of_the_guard(line, expect, failing):
    found = try_one("script_cookie", line, expect, cookies=ROW)

    assert len(found) == len(failing)
    assert all(words in text for words, text in zip(failing, found, strict=True))


def test_a_key_in_storage_is_asked_of_the_guard():
    blocks = {"storage": "- { key: k_*, purpose: performance }"}

    assert try_one("storage", "k_1", "refused: drop, performance: keep", **blocks) == []
    assert try_one("storage", "other", "refused: keep", **blocks) == []
    assert len(try_one("storage", "k_1", "refused: keep", **blocks)) == 1


def test_a_cookie_row_without_a_test_is_warned_of():
    rows = f"{ROW}\n{ROW.replace('name: a', 'name: b')}"
    tests = "- { it: a, cookie: a=1, expect: { refused: drop } }"

    (found,) = untested(policy_of(cookies=rows, tests=tests))
    assert found.warning
    assert "no test of this file trips this cookie row (b)" in found.text


def test_all_that_fails_of_one_test_is_one_line():
    tests = """
- it: says so
  html: ['<script src="https://x.com/a.js"></script>', '<script src="https://x.com/b.js"></script>', '<p>c</p>']
  expect: { refused: keep, performance: hold }
- { it: says more, html: '<p>c</p>', expect: { refused: hold } }
"""
    told = failures(policy_of(tags=TAGS, tests=tests))

    assert len(told) == 2
    assert told[0].count("refused gets hold, not keep") == 1
    assert 'for <script src="https://x.com/a.js"></script> and 1 more; performance gets keep' in told[0]
