"""Each size cap is the last size at which the whole thing is read, and one byte more is the first beyond it."""

import pytest

from proxy.filter.html.stream import Output
from proxy.filter.size_limits import (
    MAX_CODE_TAG,
    MAX_INLINE_SCRIPT,
    MAX_TAG,
    MAX_TAIL,
    MAX_TEXT_FOR_PLACEHOLDER,
)
from proxy.filter.tags.injection import Injection, PageMetadata
from proxy.filter.tags.long_tag import is_too_long
from tests.filter.html.test_text_consumers import unfenced
from tests.filter.pages import Marks, passed


def sized(name: bytes, size: int) -> bytes:
    tag = b"<" + name + b' title="'
    return tag + b"x" * (size - len(tag) - 2) + b'">'


@pytest.mark.parametrize(
    ("name", "cap"), [(b"img", MAX_TAG), (b"a", MAX_TAG), (b"script", MAX_CODE_TAG), (b"iframe", MAX_CODE_TAG)]
)  # fmt: skip
def test_a_start_tag_is_read_whole_up_to_its_cap_and_one_with_code_has_a_wider_one(name, cap):
    assert not is_too_long(sized(name, cap))
    assert is_too_long(sized(name, cap + 1))


@pytest.mark.parametrize("over", [0, 1])
def test_a_script_is_judged_whole_up_to_its_cap(over):
    body = b" " * (MAX_INLINE_SCRIPT - 10 + over) + b"StatsQueue"
    out, _ = passed(b"<script>" + body + b"</script>", judged=unfenced())

    held = b'<script type="text/plain" data-consent="performance">' + body
    cut = b"<script>" + body[:-10]
    assert out == (cut if over else held) + b"</script>"


@pytest.mark.parametrize(("more", "foot_at"), [(0, 2), (1, 0)])
def test_what_follows_the_end_of_the_body_waits_up_to_its_cap_for_a_later_end(more, foot_at):
    out, injection = Output(), Injection(Marks(always=True), PageMetadata())
    injection.text()
    out.body_ends(injection)
    for piece in (b"</body>", b"x" * (MAX_TAIL - 7), b"y" * more):
        out.emit(piece)
    out.body_ends(injection)
    out.end(injection, at_end=True)

    assert out.pieces.index(b"[foot]") == foot_at


def test_caps_of_one_thing_are_in_order():
    assert MAX_TEXT_FOR_PLACEHOLDER < MAX_TAG < MAX_CODE_TAG <= MAX_INLINE_SCRIPT
