"""Lint is certain: it warns of what can never matter, and never of what might."""

from dataclasses import replace
from pathlib import Path

import pytest

from proxy.policy.lint import lint, shadows, unfounded
from proxy.policy.load import load_policy
from proxy.policy.model import InlineText, TagRule
from proxy.problems import Place
from tests.policy.rules import policy_of, text_of

OURS = Path(__file__).parents[2] / "rules.yaml"
ROW = "- { name: a, domain: .example.com, purpose: functional, lasts: Session, why: x }"
TAG = "- { from: x.com, purpose: performance }"


def warnings(**blocks: str) -> list[str]:
    return [f"{p.place.line}: {p.text}" for p in lint(policy_of(**blocks))]


def test_our_own_rules_raise_no_warning():
    assert lint(load_policy(OURS.read_text(encoding="utf-8"))) == ()


def test_sound_rules_raise_no_warning():
    assert warnings(cookies=ROW, tags=TAG) == []


def test_every_warning_says_that_it_is_one():
    assert all(problem.warning for problem in lint(policy_of()))


def test_a_provider_that_does_nothing_is_told():
    assert warnings() == [
        "9: purposes.functional is used by no rule: visitors are not asked about it",
        "10: purposes.performance is used by no rule: visitors are not asked about it",
        "12: providers.acme names no cookie, no tag, no request and no storage: it does nothing",
    ]


@pytest.mark.parametrize(
    "blocks",
    [
        {"requests": "- { path: /metrics, purpose: performance }"},
        {"storage": "- { key: abc, purpose: performance }"},
        {"tags": TAG},
        {"cookies": ROW.replace("functional", "performance")},
    ],
)
def test_a_purpose_is_used_by_any_kind_of_rule(blocks):
    assert warnings(**blocks) == [
        "9: purposes.functional is used by no rule: visitors are not asked about it"
    ]


def test_a_purpose_of_a_header_is_used():
    assert not any("performance" in w for w in warnings(headers="- { name: NEL, purpose: performance }"))


def test_a_tag_rule_behind_a_wider_one_is_told():
    told = warnings(cookies=ROW, tags=f"{TAG}\n- {{ from: cdn.x.com, element: script, purpose: functional }}")

    assert told == ["18: this tag rule can never win: line 17 matches all that it matches"]


def test_a_cookie_row_behind_a_wider_one_is_told():
    later = "\n- { name: [a], domain: www.example.com, purpose: performance, lasts: Session, why: y }"

    assert warnings(cookies=ROW + later) == [
        "16: this cookie row can never win: line 15 speaks of the same cookies"
    ]


def test_a_row_for_one_host_hides_nothing_of_the_domain():
    first = ROW.replace(".example.com", "example.com")
    later = "\n- { name: a, domain: .example.com, purpose: performance, lasts: Session, why: y }"

    assert warnings(cookies=first + later) == []


def test_a_neutral_host_that_a_rule_speaks_of_is_told():
    told = warnings(cookies=ROW, tags=TAG, neutral="- { from: [cdn.x.com, y.com], why: fonts, transfers: x }")

    assert told == ["19: neutral 'cdn.x.com' never counts: the tag rule in line 17 speaks of it"]


def test_a_neutral_host_of_which_a_rule_takes_one_path_still_counts():
    tags = "- { from: x.com, path: /pixel/*, purpose: performance }"

    assert not any(
        "never counts" in text for text in warnings(tags=tags, neutral="- { from: x.com, why: y }")
    )


def test_a_third_partys_cookie_that_nothing_keeps_away_is_told():
    rows = ROW + "\n- { name: b, domain: .other.com, purpose: performance, lasts: Session, why: y }"

    [told] = warnings(cookies=rows, tags=TAG)
    assert told == (
        "16: '.other.com' is a third party that no tag rule names: nothing keeps this cookie away"
        " (the site is that of policy.page, 'example.com')"
    )


def test_a_tag_that_asks_less_than_its_hosts_cookie_is_told():
    rows = ROW + "\n- { name: b, domain: [.x.com, .y.com], purpose: functional, lasts: Session, why: y }"

    assert warnings(cookies=rows, tags=f"{TAG}\n{TAG.replace('x.com', 'y.com')}") == [
        "18: 'x.com' loads without functional, which its cookie b needs (line 16)",
        "19: 'y.com' loads without functional, which its cookie b needs (line 16)",
    ]


def test_a_necessary_cookie_asks_nothing_of_the_tags_of_its_host():
    rows = ROW + "\n- { name: b, domain: .x.com, purpose: necessary, lasts: Session, why: y }"

    assert warnings(cookies=rows, tags=TAG) == []


def test_the_sites_own_hosts_may_serve_for_any_purpose():
    assert warnings(cookies=ROW, tags="- { from: metrics.example.com, purpose: performance }") == []


def test_keep_that_ignores_the_answer_is_told():
    told = warnings(cookies=ROW, tags="- { from: x.com, purpose: performance, do: keep }")

    assert told == ["17: 'do: keep' loads this for everybody, also without performance"]
    assert warnings(cookies=ROW, tags=f"{TAG}\n- {{ from: y.com, purpose: necessary, do: keep }}") == []


def rule(**conditions: object) -> TagRule:
    return TagRule("acme", ("performance",), Place("r", 1), **conditions)


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ({"hosts": ("x.com",)}, {"hosts": ("x.com",)}),
        ({"hosts": ("x.com",)}, {"hosts": ("a.x.com", "b*.x.com"), "paths": ("/p",)}),
        ({"hosts": ("self",)}, {"hosts": ("self",), "ids": ("a",)}),
        ({"paths": ("/p*",)}, {"paths": ("/path/*",), "elements": ("img",)}),
        ({"ids": ("a*",)}, {"ids": ("ab", "ac*")}),
        ({"classes": ("c",)}, {"classes": ("c",), "elements": ("div",)}),
        ({"elements": ("x-y", "x-z")}, {"elements": ("x-y",)}),
        ({"attributes": (("type", None),)}, {"attributes": (("type", "g*"), ("id", None))}),
        ({"attributes": (("type", "g*"),)}, {"attributes": (("type", "gtag"),)}),
        ({"text": InlineText(all=("gtm",))}, {"text": InlineText(all=("gtm.start", "x"))}),
        ({"text": InlineText(any=("gtm", "ga"))}, {"text": InlineText(all=("gtm.start",))}),
        ({"text": InlineText(any=("gtm", "gtag"))}, {"text": InlineText(any=("gtm.js", "gtag/js"))}),
    ],
)
def test_a_rule_that_asks_less_shadows_one_that_asks_more(first, later):
    assert shadows(rule(**first), rule(**later))


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ({"hosts": ("x.com",)}, {"ids": ("a",)}),
        ({"hosts": ("x.com",)}, {"hosts": ("x.com", "y.com")}),
        ({"hosts": ("a.x.com",)}, {"hosts": ("x.com",)}),
        ({"hosts": ("self",)}, {"hosts": ("x.com",)}),
        ({"hosts": ("x.com",), "elements": ("iframe",)}, {"hosts": ("x.com",)}),
        ({"hosts": ("x.com",), "paths": ("/a*",)}, {"hosts": ("x.com",), "paths": ("/b*",)}),
        ({"attributes": (("type", "g*"),)}, {"attributes": (("type", None),)}),
        ({"attributes": (("type", "g*"),)}, {"attributes": (("id", "gtag"),)}),
        ({"text": InlineText(all=("gtm.start", "gtm.js"))}, {"text": InlineText(all=("gtm.start",))}),
        ({"text": InlineText(any=("gtm",))}, {"text": InlineText(any=("gtm.js", "other"))}),
        ({"text": InlineText(any=("gtm",))}, {"text": InlineText(all=("other",))}),
        ({"text": InlineText(all=("gtm",))}, {"hosts": ("x.com",)}),
    ],
)
def test_a_rule_that_might_leave_something_shadows_nothing(first, later):
    assert not shadows(rule(**first), rule(**later))


def test_keeping_undeclared_tags_is_warned_of_where_it_is_written():
    [warning] = [text for text in warnings(undeclared="cookies: drop\ntags: keep") if "fence" in text]
    line = text_of(undeclared="cookies: drop\ntags: keep").split("\n").index("  tags: keep") + 1

    assert warning.startswith(f"{line}: 'tags: keep' switches the fence off")
    assert not any("fence" in text for text in warnings(undeclared="{ cookies: keep, tags: hold }"))


@pytest.mark.parametrize("part", ["path: /stats/*", "element: iframe"])
def test_a_rule_for_part_of_a_neutral_host_is_told_with_both_lines(part):
    rule = f"from: [self, cdn.net], {part}, purpose: [functional, performance]"
    neutral = "- { from: cdn.net, why: x, transfers: y }"

    [warning] = warnings(tags=f"- {{ {rule} }}", neutral=neutral)
    assert warning == (
        "17: 'cdn.net' loads for everyone, so the fence does not stop scripts from loading there what line 15"
        " holds in pages; if that is known, say fenced: no in that rule"
    )
    assert warnings(tags=f"- {{ {rule}, fenced: no }}", neutral=neutral) == []


def test_a_rule_for_part_of_a_necessary_host_is_told_where_it_comes_first():
    part = "- { from: js.pay.com, path: /stats/*, purpose: [functional, performance] }"
    whole = "- { from: pay.com, purpose: necessary }"

    assert [text.partition(":")[0] for text in warnings(tags=f"{part}\n{whole}")] == ["16"]
    assert not any("fence" in text for text in warnings(tags=f"{whole}\n{part}"))


def test_a_rule_for_part_of_a_host_that_opens_with_another_purpose_is_told_with_both_lines():
    part = "- { from: x.com, path: /a/*, purpose: performance%s }"
    whole = "- { from: x.com, purpose: functional }"

    [warning] = warnings(tags=f"{part % ''}\n{whole}")
    assert warning == (
        "16: 'x.com' loads with functional, so the fence does not stop scripts from loading there what line 15"
        " holds in pages; if that is known, say fenced: no in that rule"
    )
    assert warnings(tags=f"{part % ', fenced: no'}\n{whole}") == []
    assert warnings(tags=f"{part % ''}\n- {{ from: x.com, purpose: [functional, performance] }}") == []


def test_a_host_that_never_loads_opens_nothing_and_is_opened_by_no_rule_behind_it_unsaid():
    never = "- { from: x.com, path: /a/*, purpose: necessary, do: never }"
    part = "- { from: x.com, path: /a/*, purpose: performance }"

    assert not any(
        "fence" in one for one in warnings(tags=f"{part}\n- {{ from: x.com, purpose: necessary, do: never }}")
    )
    [warning] = [one for one in warnings(tags=f"{never}\n{TAG}") if "fence" in one]
    assert "line 15 holds in pages" in warning


@pytest.mark.parametrize("host", ['"track*.x.com"', "track.x.com"])
def test_a_host_of_a_domain_that_opens_with_less_is_told_with_both_lines(host):
    part = f"- {{ from: {host}, purpose: [functional, performance]%s }}"
    whole = "- { from: x.com, purpose: functional }"

    [warning] = warnings(tags=f"{part % ''}\n{whole}")
    assert warning.startswith("16: 'x.com' loads with functional, so the fence does not stop scripts")
    assert "line 15" in warning
    assert warnings(tags=f"{part % ', fenced: no'}\n{whole}") == []

    [listed] = warnings(tags=f"{part % ''}\n{whole}", connect="[app.x.com]")
    assert listed == (
        "16: 'x.com' loads with functional, and the fence opens only those of its hosts that connect: lists, since"
        " line 15 needs more: name these here, and 'x.com' in a rule behind with functional and performance"
    )
    rules = (
        "- { from: app.x.com, purpose: functional }\n- { from: x.com, purpose: [functional, performance] }"
    )
    assert warnings(tags=f"{part % ''}\n{rules}", connect="[app.x.com]") == []


def test_a_pattern_that_the_fence_cannot_say_is_told_with_the_line_that_closes_its_domain():
    tags = '- { from: "meet*.x.com", purpose: functional }\n- { from: x.com, purpose: performance }'

    warning, other = warnings(tags=tags)
    assert other.startswith("16: 'x.com' loads with performance")
    assert warning == (
        "15: the fence cannot say 'meet*.x.com', and line 16 holds more of x.com:"
        " name its hosts in connect:, or what this rule keeps does not load"
    )
    [listed] = warnings(tags=tags, connect="[meet-eu.x.com]")
    assert listed.startswith(
        "16: 'x.com' loads with performance, and the fence opens only those of its hosts"
    )
    assert not any("fence" in text for text in warnings(tags=tags.replace("performance", "functional")))


def test_a_life_of_more_than_13_months_is_told():
    row = "- {{ name: a, domain: .example.com, purpose: functional, lasts: {}, why: x }}"

    assert any(
        "authorities expect 13 months at most" in one for one in warnings(cookies=row.format("2 years"))
    )
    assert warnings(cookies=row.format("up to 13 months")) == warnings(cookies=row.format("1 day"))


def test_a_neutral_host_without_a_word_on_transfers_is_told():
    told = warnings(neutral="- { from: cdn.org, why: x }", cookies=ROW)

    assert any(
        "neutral 'cdn.org' receives every visitor's address and has no 'transfers'" in one for one in told
    )
    assert not [
        one for one in warnings(neutral="- { from: cdn.org, why: x, transfers: EU }") if "transfers" in one
    ]


def test_storage_keys_and_requests_behind_wider_ones_are_told():
    keys = '- { key: "abc*", purpose: functional }\n- { key: abcd, purpose: performance }'
    paths = '- { path: "/m/*", purpose: functional }\n- { path: /m/a, purpose: performance }'

    assert any("the storage key 'abcd' never counts: line" in one for one in warnings(storage=keys))
    assert any("the request '/m/a' never counts: line" in one for one in warnings(requests=paths))


@pytest.mark.parametrize(
    "block",
    [
        {"cookies": ROW.replace("functional", "performance")},
        {"tags": TAG},
        {"storage": "- { key: abc, purpose: performance }"},
        {"requests": "- { path: /m/*, purpose: performance }"},
    ],
    ids=["cookies", "tags", "storage", "requests"],
)
def test_what_is_not_necessary_has_no_legitimate_interest(block):
    text = text_of(**block)
    wrong = load_policy(
        text.replace("performance: { basis: consent }", "performance: { basis: legitimate interest }")
    )

    (fault,) = unfounded(wrong)
    assert not fault.warning
    assert str(fault).startswith(
        "rules.yaml:10:3: purposes.performance stores or loads by legitimate interest (line "
    )
    assert unfounded(load_policy(text)) == ()


def test_what_is_necessary_may_be_stored_and_an_unused_purpose_harms_nobody():
    text = text_of(cookies=ROW.replace("functional", "necessary"))

    assert (
        unfounded(
            load_policy(
                text.replace("performance: { basis: consent }", "more: { basis: legitimate interest }")
            )
        )
        == ()
    )


def test_rules_just_begun_have_one_warning_that_says_what_to_do_next():
    [one] = lint(replace(policy_of(), providers=()))

    assert (one.place.line, one.warning) == (8, True)
    assert one.text.startswith("no provider is described yet")
    assert "discover --suggest" in one.text
