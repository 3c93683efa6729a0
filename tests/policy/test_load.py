"""rules.yaml becomes a Policy that knows every place."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.errors import PolicyError
from proxy.policy.actions import Action
from proxy.policy.load import load_policy
from proxy.policy.model import Basis, InlineText, Undeclared
from proxy.policy.yaml_source import read
from proxy.problems import Place, Problem
from tests.policy.rules import HEAD, policy_of, text_of

OURS = Path(__file__).parents[2] / "rules.yaml"


def test_the_head_is_read_as_text():
    policy = policy_of()

    assert policy.version == "2026-11-01"
    assert policy.ask_again_after.seconds == 15_552_000
    assert [(p.id, p.basis) for p in policy.purposes] == [
        ("necessary", Basis.LEGITIMATE_INTEREST),
        ("functional", Basis.CONSENT),
        ("performance", Basis.CONSENT),
    ]
    assert policy.undeclared_cookies is Undeclared.PRESUME
    assert policy.undeclared_tags is Undeclared.HOLD
    assert policy.undeclared_tags_place is policy.undeclared_cookies_place is None


def test_a_row_keeps_the_published_words_and_its_place():
    row = (
        policy_of(
            cookies="- { name: [_ga, '_ga_*'], domain: [.a.com, b.a.com], purpose: performance, lasts: up to 13 months, why: Audience, note: if enabled, unpublished: new }"
        )
        .providers[0]
        .cookies[0]
    )

    assert row.names == ("_ga", "_ga_*")
    assert row.domains == (".a.com", "b.a.com")
    assert (row.lasts.text, row.lasts.seconds) == ("up to 13 months", 34_128_000)
    assert (row.provider, row.purpose, row.why) == ("acme", "performance", "Audience")
    assert (row.note, row.unpublished) == ("if enabled", "new")
    assert row.place == Place("rules.yaml", 15, 9)


def test_a_tag_rule_keeps_every_condition():
    tag = (
        policy_of(
            tags="""
- from: [self, x.com]
  path: /gtag/*
  element: script
  id: [a, bc*]
  class: c
  attribute: { type: g* }
  text: { all: [some, words], any: others }
  purpose: [functional, performance]
  do: replace
  with: nothing
  link: https://x.com/page
"""
        )
        .providers[0]
        .tags[0]
    )

    assert tag.hosts == ("self", "x.com")
    assert tag.paths == ("/gtag/*",)
    assert tag.elements == ("script",)
    assert tag.ids == ("a", "bc*")
    assert tag.classes == ("c",)
    assert tag.attributes == (("type", "g*"),)
    assert tag.text == InlineText(all=("some", "words"), any=("others",))
    assert tag.purposes == ("functional", "performance")
    assert (tag.do, tag.with_, tag.link) == (Action.REPLACE, "nothing", "https://x.com/page")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("text: one text", InlineText(all=("one text",))),
        ("text: [both, words]", InlineText(all=("both", "words"))),
        ("text: { any: [one, or other] }", None),
        ("text: { any: [this one, or other] }", InlineText(any=("this one", "or other"))),
    ],
)
def test_text_is_one_or_all_of_a_list_or_any(written, read):
    text = text_of(tags=f"- {{ {written}, purpose: performance }}")
    if read is None:
        with pytest.raises(PolicyError, match="words this short"):
            load_policy(text)
    else:
        assert load_policy(text).providers[0].tags[0].text == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("onclick", (("onclick", None),)),
        ("[data-a, data-b]", (("data-a", None), ("data-b", None))),
        ("{ onclick: '*Calendly.*', type: x }", (("onclick", "*Calendly.*"), ("type", "x"))),
    ],
)
def test_attributes_are_names_or_names_with_patterns(written, read):
    assert (
        policy_of(tags=f"- {{ attribute: {written}, purpose: performance }}").providers[0].tags[0].attributes
        == read
    )


def test_the_smaller_blocks_are_read():
    policy = policy_of(
        requests="- { path: /metrics/*, purpose: performance }\n- { path: /mm*, host: m.example.com, purpose: performance }",
        storage="- { key: [ab*, bc], purpose: functional }",
        connect="[x.com, y.com]",
        relay="{ host: forms.x.com, path: /embed/*, method: [POST], max_body: 64 kB, per_minute: 30, pass_on: [Referer] }",
        enabled="no",
        headers="- { name: [Accept-CH, Set-Login] }\n- { name: NEL, purpose: performance }",
        neutral="- { from: fonts.x.com, why: fonts }",
        undeclared="{ cookies: keep, tags: keep }",
    )
    acme = policy.providers[0]

    assert [(r.paths, r.hosts, r.purposes) for r in acme.requests] == [
        (("/metrics/*",), (), ("performance",)),
        (("/mm*",), ("m.example.com",), ("performance",)),
    ]
    assert [(s.keys, s.purpose) for s in acme.storage] == [(("ab*", "bc"), "functional")]
    assert acme.connect == ("x.com", "y.com")
    relay = acme.relay
    assert (relay.hosts, relay.paths, relay.methods) == (("forms.x.com",), ("/embed/*",), ("POST",))
    assert (relay.max_body, relay.per_minute, relay.pass_on) == (64_000, 30, ("Referer",))
    assert not acme.enabled
    assert [(h.names, h.purpose) for h in policy.headers] == [
        (("Accept-CH", "Set-Login"), None),
        (("NEL",), "performance"),
    ]
    assert [(n.hosts, n.why) for n in policy.neutral] == [(("fonts.x.com",), "fonts")]
    assert (policy.undeclared_cookies, policy.undeclared_tags) == (Undeclared.KEEP, Undeclared.KEEP)
    assert policy.undeclared_tags_place.line == policy.undeclared_cookies_place.line
    assert policy.undeclared_tags_place.column > policy.undeclared_cookies_place.column


def test_a_relay_has_modest_limits_by_itself():
    relay = policy_of(relay="{ host: forms.x.com, path: /embed/* }").providers[0].relay

    assert (relay.methods, relay.max_body, relay.per_minute, relay.pass_on) == (
        ("GET", "POST"),
        64_000,
        60,
        (),
    )


def test_a_test_that_tries_a_list_becomes_one_example_for_each():
    examples = policy_of(
        tests="- { it: drops it, cookie: [a=1, b=2], host: app.example.com, expect: { refused: drop, functional+performance: keep } }"
    ).examples

    assert [(e.it, e.kind, e.subject, e.host) for e in examples] == [
        ("drops it", "cookie", "a=1", "app.example.com"),
        ("drops it", "cookie", "b=2", "app.example.com"),
    ]
    assert examples[0].place == Place("rules.yaml", 15, 5)
    assert examples[0].expect == (
        ("refused", "drop", Place("rules.yaml", 15, 74)),
        ("functional+performance", "keep", Place("rules.yaml", 15, 89)),
    )


def test_the_file_is_named_as_it_was_given():
    policy = load_policy(text_of(tags="- { from: x.com, purpose: performance }"), "/etc/consent/other.yaml")

    assert str(policy.providers[0].tags[0].place) == "/etc/consent/other.yaml:15:9"
    assert policy.providers[0].place == Place("/etc/consent/other.yaml", 12, 3)


def test_the_digest_changes_with_every_letter_of_the_file():
    text = text_of()

    assert load_policy(text).digest == load_policy(text).digest
    assert load_policy(text).digest != load_policy(text + "\n").digest
    assert re.fullmatch("[0-9a-f]{16}", load_policy(text).digest)
    assert load_policy(text).text == text


def test_a_file_with_nothing_in_it_says_so():
    with pytest.raises(PolicyError, match=r"r\.yaml:1:1: the file is empty"):
        load_policy("", "r.yaml")


def test_our_own_rules_load():
    policy = load_policy(OURS.read_text(encoding="utf-8"))

    assert len(policy.providers) >= 8
    assert HEAD not in policy.text


def test_the_relay_that_our_rules_offer_in_a_comment_loads_when_it_is_switched_on():
    written = OURS.read_text(encoding="utf-8")
    forms = "{ text: hbspt.forms.create, purpose: functional, do: replace }"
    on = re.sub(r"^    # (relay:|  \w+: )", r"    \1", written, flags=re.MULTILINE)
    on = on.replace(forms, forms.replace("replace", "relay"))

    assert load_policy(written).provider("hubspot").relay is None
    assert load_policy(on).provider("hubspot").relay.max_body == 64_000
    assert Action.RELAY in {tag.do for tag in load_policy(on).provider("hubspot").tags}


LINES = OURS.read_text(encoding="utf-8").splitlines(keepends=True)
VALUES = st.sampled_from(
    [
        "",
        "x",
        "[]",
        "{}",
        "[x]",
        "{ a: b }",
        "[[x]]",
        "'*'",
        "https://x.com/",
        "*x",
        "&x y",
        "!t z",
        "performance",
        "\t",
        "- x",
    ]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(at=st.integers(18, 250), value=VALUES, cut=st.sampled_from(["value", "line", "rest"]))
def test_whatever_is_wrong_with_a_file_its_author_gets_a_place_in_it(at, value, cut):
    lines = LINES[:260] if cut != "rest" else LINES[:at]
    if cut == "line":
        lines = lines[:at] + lines[at + 1 :]
    elif cut == "value" and at < len(lines):
        head, colon, _ = lines[at].rstrip("\n").partition(": ")
        lines[at] = f"{head}{colon}{value}\n"
    problems = problems_of("".join(lines))

    assert all(1 <= problem.place.line <= len(lines) + 1 for problem in problems)
    assert all(problem.text[-1] not in ".: " for problem in problems)
    assert list(problems) == sorted(problems)


def problems_of(text: str) -> tuple[Problem, ...]:
    """Return what its author is told; nothing where it loads."""
    try:
        load_policy(text)
    except PolicyError as error:
        return error.problems or pytest.fail("refused, and nothing is told")
    return ()


TREES = st.recursive(st.sampled_from(["", "x", "self", "performance", "https://x.com"]), lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["from", "name", "all", "purpose", "x"]), inner, max_size=2), max_leaves=4)  # fmt: skip


def put(tree: object, steps: list[int], value: object) -> object:
    """Return the tree with another value at the place to which these steps lead."""
    if not steps or not isinstance(tree, dict | list) or not tree:
        return value
    if isinstance(tree, list):
        at = steps[0] % len(tree)
        return [*tree[:at], put(tree[at], steps[1:], value), *tree[at + 1 :]]
    key = list(tree)[steps[0] % len(tree)]
    return {**tree, key: put(tree[key], steps[1:], value)}


WHOLE = read(text_of(
    cookies="- { name: [a, bc*], domain: .example.com, purpose: performance, lasts: Session, why: x, unpublished: y }",
    tags="- { from: x.com, path: /p, element: img, id: a, class: c, attribute: { type: g }, text: { any: [some words] }, purpose: [performance] }",
    requests="- { path: /metrics, purpose: performance, host: m.example.com }",
    storage="- { key: abc, purpose: performance }",
    connect="[y.com]",
    relay="{ host: x.com, path: /embed, method: [GET], max_body: 4096, per_minute: 3, pass_on: [Origin] }",
    neutral="- { from: z.com, why: w }",
    headers="- { name: NEL }",
    tests="- { it: x, cookie: a=b, expect: { refused: drop } }",
    undeclared="{ cookies: drop }",
), "r")[0].plain()  # fmt: skip


@settings(deadline=None)
@given(steps=st.lists(st.integers(0, 9), max_size=6), value=TREES)
def test_any_other_value_anywhere_loads_or_is_told(steps, value):
    problems_of(json.dumps(put(WHOLE, steps, value)))


def test_the_whole_of_that_file_loads():
    assert problems_of(json.dumps(WHOLE)) == ()
