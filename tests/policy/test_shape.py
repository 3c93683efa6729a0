"""What a block of rules.yaml may say as a whole, and the schema that editors read."""

import json
from pathlib import Path

import pytest

from proxy.errors import PolicyError
from proxy.policy.load import load_policy
from proxy.policy.shape import json_schema
from tests.policy.rules import HEAD, policy_of, text_of

ROOT = Path(__file__).parents[2]


def told(text: str) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        load_policy(text)
    return [problem.text for problem in caught.value.problems]


def test_the_schema_in_config_is_current():
    written = (ROOT / "config" / "rules.schema.json").read_text(encoding="utf-8")

    assert written == json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n", (
        "regenerate it: python -m tests.policy.write_schema"
    )


def test_the_schema_describes_every_key_that_has_words_for_it():
    schema = json_schema()

    tag = schema["$defs"]["TagShape"]["properties"]
    assert {"from", "class", "with"} <= set(tag)
    assert tag["from"]["description"].startswith("Hosts")
    assert schema["additionalProperties"] is False


def test_our_rules_name_their_schema_for_editors():
    first = (ROOT / "rules.yaml").read_text(encoding="utf-8").splitlines()[0]

    assert first == "# yaml-language-server: $schema=config/rules.schema.json"


@pytest.mark.parametrize("lasts", ["Session", "7 months", "1 year"])
def test_visitors_are_asked_again_after_six_months_at_most(lasts):
    text = HEAD.replace("6 months", lasts) + "providers:\n  a:\n    name: A\n"

    assert told(text) == [
        f"policy.ask_again_after is '{lasts}'; visitors are asked again after 6 months at most"
    ]


def test_asking_again_earlier_is_allowed():
    text = HEAD.replace("6 months", "3 months") + "providers:\n  a:\n    name: A\n"

    assert load_policy(text).ask_again_after.text == "3 months"


def test_there_must_be_a_purpose_that_needs_no_consent():
    text = text_of().replace("  necessary: { basis: legitimate interest }\n", "")

    assert told(text) == ["purposes has no 'necessary', the purpose of what works without consent"]


@pytest.mark.parametrize(
    ("tag", "message"),
    [
        (
            "with: nothing",
            "providers.acme.tags[0] matches nothing: it needs 'from', 'path', 'id', 'class', 'attribute', 'element' or 'text'",
        ),
        (
            "element: [amp-pixel, img]",
            "providers.acme.tags[0] matches every <img> of the site, its own too; add 'from', 'id' or 'class'",
        ),
        ("text: {}", "providers.acme.tags[0].text says nothing; give it 'all', 'any', or plain text"),
        (
            "attribute: onclick, text: some words",
            "providers.acme.tags[0] asks for 'text' of an inline script and for 'onclick'; write the words as attribute: { onclick: \"*...*\" }",
        ),
    ],
)
def test_a_tag_rule_must_be_narrow_and_make_sense(tag, message):
    assert told(text_of(tags=f"- {{ purpose: performance, {tag} }}")) == [message]


def test_text_of_a_script_with_some_other_attribute_makes_sense():
    tag = (
        policy_of(tags="- { purpose: performance, attribute: data-x, text: some words }").providers[0].tags[0]
    )

    assert tag.attributes == (("data-x", None),)


def test_a_tag_is_relayed_only_where_the_provider_says_how():
    tag = "- { from: x.com, purpose: performance, do: relay }"

    assert told(text_of(tags=tag)) == [
        "providers.acme says 'do: relay' in tags[0] and has no 'relay:' that allows it"
    ]
    assert policy_of(tags=tag, relay="{ host: x.com, path: /x/* }").providers[0].relay is not None


@pytest.mark.parametrize(
    ("kind", "said", "message"),
    [
        ("cookie", "hold", "is 'hold'; a cookie test expects keep, drop or cap to 6 months"),
        ("cookie", "cap to six months", "is 'cap to six months', and 'six months' is no duration"),
        ("html", "holt", "is 'holt'; did you mean 'hold'?"),
        ("url", "drop", "is 'drop'; a url test expects keep, hold, replace or remove"),
        ("request", "hold", "is 'hold'; a request test expects keep or answer 204"),
        ("header", "cap to 6 months", "is 'cap to 6 months'; a header test expects keep or drop"),
    ],
)
def test_a_test_expects_what_can_happen_to_its_kind(kind, said, message):
    tests = f"- {{ it: x, {kind}: some text, expect: {{ refused: {said} }} }}"

    assert told(text_of(tests=tests)) == [f"tests[0].expect.refused {message}"]


@pytest.mark.parametrize(
    ("visitor", "message"),
    [
        ("refuse", "is no visitor; did you mean 'refused'?"),
        ("performance+functionl", "is no visitor; did you mean 'functional'?"),
        (
            "necessary",
            "is no visitor; a visitor is refused, accepted, functional or performance, or several joined by '+'",
        ),
    ],
)
def test_a_visitor_is_known_by_what_was_granted(visitor, message):
    tests = f"- {{ it: x, cookie: a=b, expect: {{ {visitor}: keep }} }}"

    assert told(text_of(tests=tests)) == [f"tests[0].expect.{visitor} {message}"]


def test_a_test_tries_something():
    assert told(text_of(tests="- { it: x, expect: { refused: keep } }")) == [
        "tests[0] tries nothing; give it 'html', 'cookie', 'url', 'request' or 'header'"
    ]


def test_wrong_visitors_are_not_judged_where_purposes_are_missing():
    text = text_of(tests="- { it: x, cookie: a=b, expect: { anybody: keep } }").replace(
        "purposes:", "purpose:"
    )

    assert told(text) == ["the file has no key 'purpose'; did you mean 'purposes'?"]
