"""Words for pages in any encoding."""

from proxy.filter.html.ascii_injector import AsciiInjector
from proxy.filter.rules.judge import TagFacts
from proxy.filter.tags.injection import PageMetadata
from proxy.filter.verdict import KEEP


class French:
    always = False

    def head(self, *_: object) -> bytes:
        return b"<script>1</script>"

    def body(self, *_: object) -> bytes:
        return "é".encode()

    def foot(self, *_: object) -> bytes:
        return "€ & 🍪".encode()

    def placeholder(self, *_: object) -> bytes:
        return "À".encode()


def test_all_that_is_not_ascii_becomes_a_character_reference() -> None:
    words, page = AsciiInjector(French()), PageMetadata()

    assert words.head(page) == b"<script>1</script>"
    assert words.body(page) == b"&#233;"
    assert words.foot(page) == b"&#8364; & &#127850;"
    assert words.placeholder(KEEP, TagFacts("iframe")) == b"&#192;"
