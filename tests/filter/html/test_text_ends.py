"""The end of raw text is found where browsers find it, however the stream is cut."""

import pytest

from proxy.filter.html.text_consumers import RawEnd, ScriptEnd, SectionEnd


def end(make, text: bytes, size: int) -> tuple[int, bool]:
    """Return where the text ends that comes in pieces of that size, and whether at another tag."""
    finder, held, gone, at = make(), b"", 0, 0
    while at < len(text):
        held += text[at : at + size]
        at += size
        if (found := finder.find(held, 0)) >= 0:
            return gone + found, finder.by_tag
        held, gone = held[finder.at :], gone + finder.at
    return -1, finder.by_tag


def ends(make, text: bytes) -> tuple[int, bool]:
    """Return the same, which no cut changes."""
    found = {end(make, text, size) for size in (1, 2, 3, 7, len(text))}
    assert len(found) == 1, found
    return found.pop()


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        (b"</script>", b""), (b"a</b></script>", b"a</b>"), (b"a</SCRIPT >", b"a"), (b"a</script/>", b"a"), (b"a</scripts></script>", b"a</scripts>"), (b"a</ script></script>", b"a</ script>"),
        (b"<!-- </script>", b"<!-- "), (b"<!-- <script> </script> --> </script>", b"<!-- <script> </script> --> "), (b"<!-- <script> </script> </script>", b"<!-- <script> </script> "),
        (b"<!--<script>--></script>x</script>", b"<!--<script>-->"), (b"<!--><script></script>", b"<!--><script>"), (b"<!---><script></script>", b"<!---><script>"),
        (b"<!-- --><script></script></script>", b"<!-- --><script>"), (b"<script></script></script>", b"<script>"), (b"<!-- <scripts> </script>", b"<!-- <scripts> "),
        (b"<!--<script></script><script></script></script>", b"<!--<script></script><script></script>"), (b"<! --<script></script>", b"<! --<script>"),
        (b"<!--<script/</script></script>", b"<!--<script/</script>"),
    ],
)  # fmt: skip
def test_a_script_ends_as_html_says_also_behind_what_looks_like_a_comment(text, inside):
    assert ends(ScriptEnd, text) == (len(inside), False)


@pytest.mark.parametrize(
    "text", [b"", b"<!--<script></script>", b"</scrip", b"</scripts", b"<!--<script><script></script>"]
)
def test_a_script_that_does_not_end_is_read_on(text):
    assert ends(ScriptEnd, text + b" ")[0] == -1


@pytest.mark.parametrize(
    ("name", "text", "inside"),
    [
        (b"title", b"a</b><!-- </TITLE>", b"a</b><!-- "), (b"style", b"<!-- </style\n>", b"<!-- "), (b"textarea", b"</textareas></textarea>", b"</textareas>"), (b"noscript", b"<!--</noscript>-->", b"<!--"),
        (b"xmp", b"</title></xmp/>", b"</title>"),
    ],
)  # fmt: skip
def test_any_other_raw_text_ends_at_the_first_end_tag_of_its_name(name, text, inside):
    assert ends(lambda: RawEnd(name), text) == (len(inside), False)


@pytest.mark.parametrize(
    ("text", "inside", "by_tag"),
    [
        (b"a</script>", b"a", False), (b"a</svg:script>", b"a", False), (b"a<g>", b"a", True), (b"a</g>", b"a", True), (b"<!-- <g> </script> --></script>", b"<!-- <g> </script> -->", False),
        (b"<![CDATA[ </script><g> ]]></script>", b"<![CDATA[ </script><g> ]]>", False), (b"a < b </script>", b"a < b ", False), (b"a<!x></script>", b"a<!x>", False), (b"<?p?></script>", b"<?p?>", False),
        (b"<!-- ]]> <g> --><b>", b"<!-- ]]> <g> -->", True), (b"<![CDATA[ --> ]] > ]]><b>", b"<![CDATA[ --> ]] > ]]>", True), (b"</scripts>", b"", True),
    ],
)  # fmt: skip
def test_where_content_is_markup_any_tag_ends_the_text_but_none_in_a_comment_or_section(text, inside, by_tag):
    assert ends(lambda: SectionEnd(b"script"), text + b" ") == (len(inside), by_tag)


def test_no_byte_is_kept_for_long():
    for finder in (ScriptEnd(), RawEnd(b"noscript"), SectionEnd(b"script")):
        assert finder.find(b"x" * 1_000, 0) == -1
        assert finder.at >= 1_000 - 10


def test_the_search_begins_where_it_is_told():
    assert ScriptEnd().find(b"</script></script>", 3) == 9
    assert RawEnd(b"style").find(b"</style></style>", 1) == 8
    assert SectionEnd(b"style").find(b"<g><g>", 1) == 3
