"""Every faulty rules file in tests/data/rules-bad tells its author exactly what it says there."""

from pathlib import Path
from typing import Annotated

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from proxy.errors import PolicyError
from proxy.policy.load import load_policy
from proxy.policy.validation_messages import problems_of
from proxy.policy.yaml_source import read
from tests.policy.rules import HEAD, text_of

CASES = sorted((Path(__file__).parents[1] / "data" / "rules-bad").glob("*.txt"))


def test_there_are_at_least_twenty_of_them():
    assert len(CASES) >= 20


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_its_author_gets_exactly_this_message(case):
    text, _, message = case.read_text(encoding="utf-8").partition("----------\n")

    with pytest.raises(PolicyError) as caught:
        load_policy(text)

    assert str(caught.value) + "\n" == message


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_each_of_them_has_one_defect(case):
    message = case.read_text(encoding="utf-8").partition("----------\n")[2]

    assert message.count("\n") == 1


def test_other_files_with_other_models_are_told_the_same_way():
    class Below(BaseModel):
        port: Annotated[int, Field(gt=0)]

    class Other(BaseModel):
        model_config = ConfigDict(extra="forbid")
        below: dict[str, Below]

    tree, _ = read("below:\n  a: { port: -1 }\n  b: { port: x }\nbelw: 1\n", "c.yaml")
    with pytest.raises(ValidationError) as caught:
        Other.model_validate(tree.plain())

    assert [str(problem) for problem in problems_of(caught.value, tree, Other)] == [
        "c.yaml:2:14: below.a.port is wrong: input should be greater than 0",
        "c.yaml:3:14: below.b.port is wrong: input should be a valid integer, unable to parse string as an integer",
        "c.yaml:4:1: the file has no key 'belw'; did you mean 'below'?",
    ]


def faults(text: str) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        load_policy(text)
    return [problem.text for problem in caught.value.problems]


def test_all_problems_are_told_at_once_in_the_order_of_the_file():
    text = text_of(
        cookies="- { name: a, domain: .example.com, purpose: preformance, lasts: 6 moons, why: x }",
        tags="- { from: 'https://x.com/', purpose: performance, do: replase }",
        neutral="- { from: x.example.net }",
    )

    with pytest.raises(PolicyError) as caught:
        load_policy(text)

    problems = caught.value.problems
    assert len(problems) == 5
    assert [p.place for p in problems] == sorted(p.place for p in problems)


def test_what_yaml_refuses_and_what_rules_refuse_is_told_together():
    text = text_of(cookies="- { name: a, name: b, domain: .example.com, purpose: x, lasts: Session, why: y }")

    assert [fault.split(" ")[0] for fault in faults(text)] == ["the", "providers.acme.cookies[0].purpose"]


@pytest.mark.parametrize(
    ("blocks", "told"),
    [
        ({"enabled": "perhaps"}, "providers.acme.enabled is 'perhaps'; it can be yes or no"),
        (
            {"tags": "- [a, b]"},
            "providers.acme.tags[0] is a list, and must be keys with values: { key: value }",
        ),
        (
            {"tags": "- just text"},
            "providers.acme.tags[0] is the text 'just text', and must be keys with values: { key: value }",
        ),
        (
            {"tags": "- { from: [], purpose: performance }"},
            "providers.acme.tags[0].from is an empty list; give it a value or take the key out",
        ),
        (
            {"tags": "- { from: [x.com, y.com/z], purpose: performance }"},
            "providers.acme.tags[0].from[1] is 'y.com/z', which has a path; did you mean 'y.com' with path: \"/z*\"?",
        ),
        (
            {"tags": "- { from: { a: b }, purpose: performance }"},
            "providers.acme.tags[0].from is a mapping with keys, and must be a list: lines that begin with '- ', or [a, b]",
        ),
        (
            {"tags": "- { from: x.com, purpose: performance, do: [hold] }"},
            "providers.acme.tags[0].do is a list; it can be hold, replace, remove, keep, relay or never",
        ),
        (
            {"tags": "- { text: { al: some words }, purpose: performance }"},
            "providers.acme.tags[0].text has no key 'al'; did you mean 'all'?",
        ),
        (
            {
                "cookies": "- { name: a, domain: .example.com, purpose: performance, lasts: Session, why: [a] }"
            },
            "providers.acme.cookies[0].why is a list, and must be one text",
        ),
        (
            {
                "cookies": '- { name: a, domain: .example.com, purpose: performance, lasts: Session, why: x, note: "" }'
            },
            "providers.acme.cookies[0].note is empty; give it a value or take the key out",
        ),
        (
            {"relay": "{ host: x.com, path: /x/*, per_minute: many }"},
            "providers.acme.relay.per_minute must be a whole number above 0",
        ),
        (
            {"tests": "- { it: x, cookie: a=b, expect: {} }"},
            "tests[0] expects nothing; say what a visitor gets: expect: { refused: hold }",
        ),
        ({"undeclared": "{ cookies: dropp }"}, "undeclared.cookies is 'dropp'; did you mean 'drop'?"),
        ({"provider": "x"}, "the file has no key 'provider'; did you mean 'providers'?"),
    ],
)
def test_a_wrong_shape_is_told_in_words(blocks, told):
    assert faults(text_of(**blocks)) == [told]


def test_a_file_that_is_no_mapping_is_told_so():
    assert faults("just text") == [
        "the file is the text 'just text', and must be keys with values: { key: value }"
    ]


def test_a_missing_key_says_what_it_is_for():
    told = faults(
        text_of(cookies="- { name: a, domain: .example.com, purpose: performance, lasts: Session }")
    )

    assert told == ["providers.acme.cookies[0] has no 'why': what it is for, as published"]


def test_an_unknown_key_without_a_neighbour_gets_no_guess():
    assert faults(text_of(tags="- { from: x.com, purpose: performance, zzz: 1 }")) == [
        "providers.acme.tags[0] has no key 'zzz'"
    ]


def test_two_misspelt_keys_are_told_as_two_faults():
    told = faults(
        text_of(cookies="- { nam: a, domain: .example.com, purpos: performance, lasts: Session, why: x }")
    )

    assert told == [
        "providers.acme.cookies[0] has no key 'nam'; did you mean 'name'?",
        "providers.acme.cookies[0] has no key 'purpos'; did you mean 'purpose'?",
    ]


PROVIDER = "providers:\n  acme:\n    name: Acme\n"
TAG = "- { from: x.com, purpose: functional }\n"


@pytest.mark.parametrize(
    ("below", "told"),
    [
        (f"  tags:\n    {TAG}", ("14:3: providers.tags is a list, and must be keys with values: { key: value };"
         " it is a key of providers: check how far it is indented")),
        (f"tags:\n  {TAG}", "14:1: the file has no key 'tags'; it is a key of providers: check how far it is indented"),
        ("    other:\n      name: Other\n", ("14:5: providers.acme has no key 'other'; it looks like one of providers:"
         " check how far it is indented")),
        ("    tags:\n      - from: x.com\n    element: script\n", ("16:5: providers.acme has no key 'element'; it is a key of"
         " tags: check how far it is indented")),
    ],
)  # fmt: skip
def test_a_key_at_a_wrong_indentation_is_told_with_where_it_belongs(below, told):
    with pytest.raises(PolicyError) as caught:
        load_policy(HEAD + PROVIDER + below)

    assert f"rules.yaml:{told}" in [str(problem) for problem in caught.value.problems]
