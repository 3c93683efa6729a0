"""Edits of a tag: around them every byte stays."""

import pytest

from proxy.filter.tags.tag_edits import Edits, hide, hold, hold_script, mark_value, relink
from proxy.filter.verdict import Does, Verdict
from tests.filter.pages import filtered

HELD = Verdict(Does.HOLD, needs=("functional", "performance"))


def test_a_script_is_held_behind_its_name():
    edits = Edits(b"<SCRIPT\n type=module  src='x'>", xml=False)
    hold_script(edits, HELD, ())

    assert (
        edits.result()
        == b'<SCRIPT type="text/plain" data-consent="functional performance"\n data-consent-type=module  src=\'x\'>'
    )


def test_in_xml_a_name_stands_once():
    edits = Edits(b"<script type='module' data-consent='x' src='y'/>", xml=True)
    hold_script(edits, HELD, ("src",))

    assert edits.result() == (
        b"<script data-consent-type=\"module\" type='text/plain' data-consent='functional performance' data-consent-src='y'/>"
    )


def test_every_double_is_renamed():
    edits = Edits(b"<img src=1 SRC=2 alt>", xml=False)
    hold(edits, HELD, {"src"})

    assert (
        edits.result()
        == b'<img data-consent="functional performance" data-consent-src=1 data-consent-SRC=2 alt>'
    )


def test_a_value_is_replaced_in_its_quotes():
    for raw, out in (
        (b"<p style='a'>", b"<p style='b&#39;'>"),
        (b"<p style=a>", b'<p style="b&#39;">'),
        (b"<p style>", b'<p style="b&#39;">'),
    ):
        edits = Edits(raw, xml=False)
        edits.set(edits.first("style"), "b'")
        assert edits.result() == out


def test_hiding_and_relinking_are_well_formed_in_xml():
    edits = Edits(b"<a href='x'/>", xml=True)
    relink(edits, "https://p.example/?a&b")
    hide(edits)

    assert edits.result() == (
        b'<a href="https://p.example/?a&amp;b" target="_blank" rel="noopener noreferrer" hidden="hidden" data-consent-href=\'x\'/>'
    )


def test_what_waits_for_no_purpose_is_undeclared():
    assert mark_value(Verdict(Does.HOLD)) == "undeclared"


@pytest.mark.parametrize("rel", ["preload", "modulepreload", "PreLoad x"])
def test_a_held_hint_that_browsers_would_warn_of_loses_its_rel_too(rel):
    hint = f'<link rel="{rel}" as="script" href="https://stats.example/s.js">'.encode()

    assert b' data-consent-rel="' in filtered(hint)
    assert b' rel="' not in filtered(hint)
    assert filtered(hint, "performance") == hint
    assert b' rel="preconnect"' in filtered(b'<link rel="preconnect" href="https://stats.example">')
