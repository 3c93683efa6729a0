"""Responses of the own addresses: kept by nobody, loaded by nothing, and a state that says no more than it must."""

import base64
import hashlib
import json
import re

import pytest

from proxy.consent.answer import Answer
from proxy.consent.decision import decide
from proxy.own.own_response import again_page, answered_page, consent_state, json_response
from tests.support.heads import SITE
from tests.support.visits import NOW

ALL = SITE.scope


def decision(*granted: str):
    answer = Answer("v" * 16, NOW, frozenset(granted), ALL, "2026-11-01", dict.fromkeys(granted, 20_000)) if granted else None  # fmt: skip
    return decide(ALL, answer, now=NOW, ask_again_after=10**9)


def field(response, name: bytes) -> list[bytes]:
    return [value for key, value in response.headers if key == name]


def test_json_is_kept_by_nobody_unless_it_is_said_to_be_the_same_for_all():
    private = json_response({"a": "é"}, [(b"X-More", b"1")], status=202)
    public = json_response({"a": 1}, cacheable=True)

    assert (private.status, private._first) == (202, '{"a": "é"}'.encode())
    assert field(private, b"Cache-Control") == [b"no-store"]
    assert field(private, b"X-Content-Type-Options") == [b"nosniff"]
    assert field(private, b"X-More") == [b"1"]
    assert field(public, b"Cache-Control") == [b"max-age=86400"]


@pytest.mark.parametrize(
    "page", [answered_page(decision("functional"), [(b"Set-Cookie", b"a=1")]), again_page("accept", 503)]
)
def test_a_page_inside_a_frame_runs_its_one_script_and_nothing_else(page):
    [policy] = field(page, b"Content-Security-Policy")
    script = re.search(rb"<script>(.*)</script>", page._first)[1]
    digest = base64.b64encode(hashlib.sha256(script).digest()).decode()

    assert policy == f"default-src 'none'; script-src 'sha256-{digest}'; frame-ancestors 'self'".encode()
    assert field(page, b"Cross-Origin-Embedder-Policy") == [b"require-corp"]
    assert field(page, b"Cache-Control") == [b"no-store"]


def test_an_answer_in_a_frame_tells_the_pages_of_this_host_the_new_state():
    refused, granted = (
        answered_page(decision(), []),
        answered_page(decision("functional"), [(b"Set-Cookie", b"a=1")]),
    )

    assert (granted.status, field(granted, b"Set-Cookie")) == (200, [b"a=1"])
    assert b'BroadcastChannel("cc-consent")' in granted._first
    assert granted._first != refused._first


def test_where_it_had_no_effect_the_form_is_sent_again_with_the_same_button():
    page = again_page("accept</script>", 503)

    assert page.status == 503
    assert b'f.querySelector("[value=accept\\u003c/script>]")' in page._first
    assert page._first.count(b"</script>") == 1


def test_the_state_says_what_was_granted_and_not_who_the_visitor_is():
    state = consent_state(decision("functional"), SITE)

    assert state == {
        "ask": "no", "state": state["state"], "signal": False, "granted": ["functional"], "purposes": ["functional", "performance"], "answered": NOW, "policy_version": "2026-11-01",
    }  # fmt: skip
    assert "v" * 16 not in json.dumps(state)
    assert (consent_state(decision(), SITE)["answered"], consent_state(decision(), SITE)["ask"]) == (
        None,
        "first",
    )
