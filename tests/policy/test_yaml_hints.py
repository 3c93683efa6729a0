"""What an author reads when a file is no YAML says the way out, at the word that is meant."""

import pytest

from proxy.policy.yaml_hints import syntax
from proxy.policy.yaml_source import read


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "from: *.hubspot.com, do: x",
            "1:7: text that begins with '*' needs quotes; a host is 'hubspot.com' and means its subdomains too",
        ),
        ("{path: */gtm.js*, b: c}", "1:8: text that begins with '*' needs quotes: \"*/gtm.js*\""),
        ("a: &/x", "1:4: text that begins with '&' needs quotes: \"&/x\""),
        ("a: @b c # d", "1:4: text that begins with '@' needs quotes: \"@b c\""),
        ("a: %b", "1:4: text that begins with '%' needs quotes: \"%b\""),
        ("a:\n\tb: c", "2:1: a tab stands here; YAML is indented with spaces"),
        (
            "a: b: c",
            "1:5: a ':' is not expected here: put quotes around text that holds ': ', and indent keys like their neighbours",
        ),
        ("a: 'b", "1:4: the quotes that open here never close"),
        (
            'a:\n  b: "no end\n  c: "d"\n',
            "2:6: the quotes that open here close before 'd' in line 3: the closing quote is missing, or one within the text is not written \\\"",
        ),
        (
            "a: { b: 'the visitor's word', c: d }",
            "1:9: the quotes that open here close before 's' in line 1: the closing quote is missing, or one within the text is not written ''",
        ),
        ("a: 'b'\tc\nd: e", "1:7: a tab stands here; YAML is indented with spaces"),
        ("a: 'b',\nc: d", "1:7: this does not fit the lines above: check the indentation and the '-'"),
        ("a:\n  b:c\n  d: e", "2:3: a key needs ': ' (colon and space) after it: 'b: c'"),
        ("a:\n  - b c d\n    e: f", "2:5: a key needs ': ' (colon and space) after it: 'b: c d'"),
        (
            "use:\n  one\n  - two: { a: b }",
            "2:3: an entry of a list needs '- ' before it, like the line below: '- one'",
        ),
        ("a: {b: c\nd: e", "2:2: a ',' between two entries or the closing '}' is missing before this"),
        ("a: [b\nc: d", "2:2: a ',' between two entries or the closing ']' is missing before this"),
        ("a: 1\nb c\n", "2:1: a key needs ': ' (colon and space) after it"),
        ("a:\n  - b\n c: d", "3:2: this does not fit the lines above: check the indentation and the '-'"),
        ("a:\n  b: c\n d: e", "3:2: this does not fit the lines above: check the indentation and the '-'"),
        ("{a: b}}", "1:7: is no YAML: expected '<document start>', but found '}'"),
    ],
)
def test_a_syntax_error_says_what_to_do(text, message):
    node, problems = read(text, "r.yaml")

    assert node is None
    assert [str(p) for p in problems] == [f"r.yaml:{message}"]


def test_what_we_have_no_words_for_is_told_in_the_readers():
    assert syntax("while scanning a directive", "odd", "") == "is no YAML: while scanning a directive: odd"
