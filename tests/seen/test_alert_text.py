"""What the receivers of alerts read, and that names stay text in it."""

import hashlib
import hmac
import json

import pytest

from proxy.seen.alert_store import Alert
from proxy.seen.alert_text import payload, signature

HOSTILE = [
    "<!channel>",
    "*bold* _it_ ~no~ `code`",
    "[link](https://evil.example)",
    "<https://evil.example|here>",
    "@everyone",
    "# head",
    "\\",
]


def alert(*names, count=None):
    facts = [
        {"kind": "key", "name": name, "elements": [], "path": "/a", "evidence": "seen"} for name in names
    ]
    return Alert("callkom.io", "id-1", 1000, 0, {"names": facts, "count": count or len(names)})


def test_programs_get_the_names_as_they_are():
    document = json.loads(payload(alert(*HOSTILE), "json"))

    assert [one["name"] for one in document["names"]] == HOSTILE
    assert (document["id"], document["site"], document["event"], document["count"]) == (
        "id-1",
        "callkom.io",
        "alert_raised",
        7,
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_slack_gets_text_and_nobody_is_called(name):
    text = json.loads(payload(alert(name), "slack"))["text"]

    assert "<" not in text
    assert ">" not in text
    assert "@e" not in text
    assert not any(f"{mark}{letter}" in text for mark in "*_~`" for letter in "abcdefghijklmnopqrstuvwxyz")


@pytest.mark.parametrize("name", HOSTILE)
def test_teams_gets_text_with_every_mark_escaped(name):
    (attachment,) = json.loads(payload(alert(name), "teams"))["attachments"]
    line = attachment["content"]["body"][1]["text"]
    bare = line.replace("\\\\", "")

    assert all(bare[at - 1] == "\\" for at, letter in enumerate(bare) if letter in "`*_{}[]()#+!|<>~")
    assert "@e" not in line


def test_a_digest_says_how_many_more():
    assert "and 48 more: consent-proxy discover" in json.loads(payload(alert("a", "b", count=50), "slack"))[
        "text"
    ].replace("\u200b", "")


def test_the_signature_is_over_id_time_and_body():
    expected = hmac.new(b"secret", b"id-1.1000.{}", hashlib.sha256).hexdigest()

    assert signature(b"secret", "id-1", 1000, b"{}") == f"sha256={expected}"
    assert signature(b"secret", "id-1", 1001, b"{}") != f"sha256={expected}"
