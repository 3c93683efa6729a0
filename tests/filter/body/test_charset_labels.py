"""Labels of encodings, as browsers know them."""

import pytest
import webencodings

from proxy.filter.body.charset_labels import LABELS, encoding_of


@pytest.mark.parametrize(
    ("label", "encoding"),
    [
        (b"utf-8", "utf-8"),
        (b" UTF8\n", "utf-8"),
        (b"unicode-1-1-utf-8", "utf-8"),
        (b"latin1", "windows-1252"),
        (b"ISO-8859-1", "windows-1252"),
        (b"us-ascii", "windows-1252"),
        (b"utf-16", "utf-16le"),
        (b"unicodefffe", "utf-16be"),
        (b"iso-2022-jp", "iso-2022-jp"),
        (b"hz-gb-2312", "replacement"),
        (b"iso-2022-kr", "replacement"),
        (b"x-user-defined", "x-user-defined"),
        (b"sjis", "shift_jis"),
        (b"gb2312", "gbk"),
        (b"mac", "macintosh"),
        (b"utf-7", None),
        (b"utf-32", None),
        (b"utf-16 le", None),
        (b"", None),
        (b"\xff", None),
    ],
)
def test_a_label_names_what_browsers_take_it_for(label: bytes, encoding: str | None) -> None:
    assert encoding_of(label) == encoding


def test_every_label_of_the_standard_that_another_list_knows_means_the_same() -> None:
    """Against the list html5lib goes by, which calls the replacement encoding by its members."""
    theirs = {label: encoding for label, encoding in webencodings.LABELS.items() if encoding != "hz-gb-2312"}

    for label, encoding in theirs.items():
        ours = encoding_of(label.encode())
        assert ours == encoding or (ours == "replacement" and encoding in ("iso-2022-kr", "iso-2022-cn")), (
            label
        )


def test_there_are_as_many_labels_as_the_standard_has() -> None:
    assert len(set(LABELS.values())) == 40
    assert len(LABELS) == 228
