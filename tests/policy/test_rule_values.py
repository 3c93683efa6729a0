"""Each word of a rules file checks itself, and a wrong one is told what was meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import PolicyError
from proxy.policy.load import load_policy
from proxy.policy.rule_values import listed, meant
from tests.policy.rules import policy_of, text_of


def told(**blocks: str) -> str:
    with pytest.raises(PolicyError) as caught:
        load_policy(text_of(**blocks))
    return "\n".join(problem.text for problem in caught.value.problems)


def cookie(**words: str) -> str:
    row = {
        "name": "a",
        "domain": ".example.com",
        "purpose": "performance",
        "lasts": "Session",
        "why": "x",
        **words,
    }
    return "- { " + ", ".join(f"{key}: {value}" for key, value in row.items()) + " }"


def tag(words: str) -> str:
    return f"- {{ purpose: performance, {words} }}"


@pytest.mark.parametrize(
    "name", ["_ga", "__Host-id", ".AspNet.Cookies", "a|b", "m", "wp-settings-time-*", "*_session"]
)
def test_names_of_cookies_are_accepted(name):
    assert policy_of(cookies=cookie(name=f"'{name}'")).providers[0].cookies[0].names == (name,)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (cookie(name="'*'"), "name is '*', a pattern that matches nearly everything; write more of the name"),
        (cookie(name="'a*'"), "name is 'a*', a pattern that matches nearly everything"),
        (cookie(name="'a b'"), "name is 'a b', which no cookie can be called"),
        (cookie(name="a=b"), "name is 'a=b', which no cookie can be called"),
        (cookie(name="' '"), "name is empty; give it a value or take the key out"),
        (cookie(domain="app.x.com / int.x.com"), "several domains are a list: [app.x.com, int.x.com]"),
        (cookie(domain="https://x.com"), "did you mean 'x.com'?"),
        (cookie(lasts="for ever"), "lasts is 'for ever', which is no duration"),
        (cookie(purpose="Performance"), "did you mean 'performance'?"),
        (cookie(purpose="x"), "which 'purposes' does not list (it lists necessary, functional, performance)"),
    ],
)
def test_a_row_that_cannot_be_meant_is_told(row, message):
    assert message in told(cookies=row)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("path: gtm.js", "did you mean '/gtm.js'?"),
        ("path: //x.com/gtm.js", "an address; write its host in 'from' and its path here"),
        ("path: '/*'", "matches nearly everything"),
        ("element: Script", "did you mean 'script'?"),
        ("element: qqq", "is 'qqq', which is no element of HTML"),
        ("text: abc", "words this short stand in many scripts"),
        ("attribute: { onClick: '*x*' }", "attribute.onClick is no attribute name; did you mean 'onclick'?"),
        ("attribute: '1 2'", "is no attribute name"),
        ("attribute: { onclick: '' }", "onclick is empty"),
        ("attribute: [a, [b]]", "must be keys with values"),
        ("id: '*'", "matches nearly everything"),
        ("from: x.com, link: x.com/page", "write the whole address: 'https://...'"),
        ("from: x.com, with: links", "did you mean 'link'?"),
    ],
)
def test_a_tag_rule_that_cannot_be_meant_is_told(words, message):
    assert message in told(tags=tag(words))


def test_an_element_with_a_hyphen_may_be_anybodys():
    assert policy_of(tags=tag("element: amp-analytics")).providers[0].tags[0].elements == ("amp-analytics",)


def test_neutral_hosts_are_third_parties():
    assert "the site's own files load for everyone anyway" in told(neutral="- { from: self, why: x }")


@pytest.mark.parametrize("size", ["64 KB", "a lot"])
def test_a_size_is_bytes_or_kilobytes_or_megabytes(size):
    assert "write '64 kB' or '1 MB'" in told(relay=f"{{ host: x.com, path: /x/*, max_body: {size} }}")


def test_purposes_are_not_checked_where_the_file_lists_none():
    text = text_of(cookies=cookie(purpose="x")).replace("purposes:", "purpose:")

    with pytest.raises(PolicyError) as caught:
        load_policy(text)

    assert [p.text for p in caught.value.problems] == [
        "the file has no key 'purpose'; did you mean 'purposes'?"
    ]


@given(
    st.sampled_from(["hold", "replace", "remove", "keep", "relay"]),
    st.integers(0, 20),
    st.sampled_from("abcxyz"),
)
def test_a_word_with_one_wrong_letter_is_recognised(word, at, letter):
    at %= len(word)
    wrong = word[:at] + letter + word[at + 1 :]

    assert word in meant(wrong, [word]) or len(word) < 4


def test_words_are_listed_as_people_do():
    assert listed(["a"]) == "a"
    assert listed(["a", "b"]) == "a or b"
    assert listed(["a", "b", "c"]) == "a, b or c"
    assert meant("zzz", ["hold"]) == ""


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("^_ga", "_ga"),
        ("_ga$", "_ga"),
        ("_ga_[A-Z0-9]+", "_ga_*"),
        ("_hj.+", "_hj*"),
        (r"mp_\\w+_mixpanel", "mp_*_mixpanel"),
        ("_(ga|gid)", "_*"),
        ("id_.{4}", "id_.*"),
    ],
)
def test_a_regular_expression_is_no_name_of_a_cookie(name, meant):
    assert f"a regular expression; names are literal, with * for any text: '{meant}'" in told(
        cookies=cookie(name=f"'{name}'".replace("\\\\", "\\"))
    )


@pytest.mark.parametrize("name", ["_pk_id.*", "foo[bar]", "a|b", "$crisp", "id(1)", "_sp_id.*"])
def test_names_that_only_look_odd_are_accepted(name):
    assert policy_of(cookies=cookie(name=f"'{name}'")).providers[0].cookies[0].names == (name,)
