import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.banner.markup import Markup, ascii_bytes, escape, external, fill, joined, say, when
from tests.banner.rendering import well_formed


@given(st.text())
def test_whatever_text_is_escaped_it_is_text_in_xml_and_in_quoted_attributes(text):
    assert well_formed(f"<a b=\"{escape(text)}\" c='{escape(text)}'>{escape(text)}</a>")


@given(st.text())
def test_bytes_mean_the_same_in_every_encoding(text):
    assert ascii_bytes(escape(text)).isascii()


def test_markup_is_not_escaped_twice():
    assert escape(escape("<b>")) == "&lt;b&gt;"


@given(st.text(), st.text())
def test_words_of_a_language_file_are_never_markup(sentence, value):
    assert well_formed(say(sentence + "{name}", name=value))


def test_a_sentence_takes_the_values_it_names_and_no_other():
    assert say("{a} and {c}", a="<1>", b="2") == "&lt;1&gt; and "


def test_a_template_with_a_slot_left_over_is_a_mistake():
    with pytest.raises(KeyError):
        fill("alert")


def test_a_template_escapes_what_fills_it():
    assert "&lt;script&gt;" in fill("alert", text="<script>")


def test_parts_are_joined_with_text_between_them():
    assert joined([Markup("<b/>"), Markup("<i/>")], "<") == "<b/>&lt;<i/>"


def test_what_has_no_reason_to_be_there_is_not():
    assert (when(True, Markup("x")), when("", Markup("x"))) == ("x", "")


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", " https://x.example", "data:text/html,x", "//x.example", "/path", "https://", ""],
)
def test_a_link_leads_only_to_web_addresses(address):
    assert external(address) is None


def test_a_web_address_is_left_as_it_is():
    assert external("https://calendly.com/x?a=1&b=2") == "https://calendly.com/x?a=1&b=2"
