"""What a block of rules.yaml may say as a whole, and the schema that editors read."""

import copy
import json
import re
from pathlib import Path

import pytest

from proxy.errors import PolicyError
from proxy.policy.load import load_policy
from proxy.policy.rules_schema import json_schema
from proxy.policy.yaml_source import read
from tests.commands.running import run
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


def fits(value: object, schema: dict, root: dict) -> bool:
    """True when the value satisfies the part of JSON schema that ours uses."""
    if "$ref" in schema:
        return fits(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "anyOf" in schema:
        return any(fits(value, one, root) for one in schema["anyOf"])
    if "enum" in schema:
        return value in schema["enum"]
    match schema["type"]:
        case "object":
            if not isinstance(value, dict):
                return False
            known, more = schema.get("properties", {}), schema.get("additionalProperties", True)
            return set(schema.get("required", ())) <= set(value) and all(
                fits(inner, known[key], root)
                if key in known
                else more is True or (isinstance(more, dict) and fits(inner, more, root))
                for key, inner in value.items()
            )
        case "array":
            enough = isinstance(value, list) and len(value) >= schema.get("minItems", 0)
            return enough and all(fits(item, schema["items"], root) for item in value)
        case kind:
            return isinstance(
                value, {"string": str, "number": float, "integer": int, "null": type(None)}[kind]
            )


def test_our_rules_satisfy_the_schema_and_a_misspelt_key_does_not():
    schema = json_schema()
    rules = read((ROOT / "rules.yaml").read_text(encoding="utf-8"), "r")[0].plain()

    assert fits(rules, schema, schema)
    for path in (
        ["policy"],
        ["providers", "hubspot"],
        ["providers", "hubspot", "tags", 0],
        ["tests", 0],
        ["neutral", 0],
    ):
        changed = copy.deepcopy(rules)
        block = changed
        for step in path:
            block = block[step]
        block["zzz"] = "x"
        assert not fits(changed, schema, schema), path


@pytest.mark.parametrize(
    ("tag", "answer"),
    [
        ({"text": "some words"}, True),
        ({"text": ["some", "words"]}, True),
        ({"text": {"any": "words"}}, True),
        ({"text": {"ani": "words"}}, False),
        ({"attribute": "onclick"}, True),
        ({"attribute": {"onclick": "*x*"}}, True),
        ({"from": ["a.com", "b.com"], "do": "replace"}, True),
        ({"from": "a.com", "do": "replase"}, False),
        ({"from": {"a": "b"}}, False),
    ],
)
def test_the_schema_takes_a_tag_rule_as_the_loader_does(tag, answer):
    schema = json_schema()

    assert fits({"purpose": "performance", **tag}, schema["$defs"]["TagShape"], schema) is answer


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
    assert told(text.replace("functional:", "necesary:", 1))[0].endswith("; is 'necesary' meant to be it?")


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


def test_the_handler_is_found_among_several_attributes():
    tag = "- { purpose: performance, attribute: [data-x, onclick], text: some words }"

    assert "and for 'onclick'" in told(text_of(tags=tag))[0]


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


def keys_of(schema: dict, root: dict) -> set[str]:
    """Return every key that the schema knows, wherever it stands."""
    found = set(schema.get("properties", {}))
    for part in [schema, *root["$defs"].values()]:
        found |= set(part.get("properties", {}))
    return found


def test_the_reference_names_every_key():
    schema = json_schema()
    page = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    said = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`([^`\n]+)`", page.replace("```", "")))))
    said |= set(re.findall(r"^ *(?:- |\{ )?([a-z_]+):", page, re.MULTILINE))

    assert sorted(keys_of(schema, schema) - said) == []


def test_the_schema_is_where_the_command_says():
    told = run("schema")

    assert told.returncode == 0
    assert (
        Path(told.stdout.strip()).read_text()
        == json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    )
