"""What a page declares in its first bytes, as browsers find it before they parse."""

import re

import pytest
import webencodings
from hypothesis import given
from hypothesis import strategies as st

from proxy.filter.body import prescan as module
from proxy.filter.body.prescan import (
    LABELS,
    PRESCAN,
    declared_html,
    declared_plainly,
    declared_xml,
    encoding_of,
)

HTML = [
    (b"", None),
    (b"<p>", None),
    (b"<meta charset=utf-8>", "utf-8"),
    (b"<META CHARSET = 'SJIS' >", "shift_jis"),
    (b'<meta/charset="gbk"/>', "gbk"),
    (b"<meta\ncharset=euc-kr\n>", "euc-kr"),
    (b"<meta name=x><meta charset=big5>", "big5"),
    (b"<meta charset=nonsense><meta charset=big5>", "big5"),
    (b"<meta charset=utf-8 charset=gbk>", "utf-8"),
    (b'<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">', "koi8-r"),
    (b'<meta content="text/html; charset=koi8-r" http-equiv=content-type>', "koi8-r"),
    (b'<meta content="text/html; charset=koi8-r">', None),
    (b'<meta http-equiv=refresh content="0; charset=koi8-r">', None),
    (b"<meta http-equiv=content-type content='charset=\"gbk\"'>", "gbk"),
    (b"<meta http-equiv=content-type content='charset \t= gbk;x'>", "gbk"),
    (b"<meta http-equiv=content-type content='charset gbk'>", None),
    (b"<meta http-equiv=content-type content='charset=\"gbk'>", None),
    (b"<meta charset=gbk http-equiv=content-type content='charset=big5'>", "gbk"),
    (b"<meta charset=utf-16>", "utf-8"),
    (b"<meta charset=utf-16be>", "utf-8"),
    (b"<meta charset=x-user-defined>", "windows-1252"),
    (b"<meta charset=iso-2022-jp>", "iso-2022-jp"),
    (b"<meta charset=hz-gb-2312>", "replacement"),
    (b"<meta charset=utf-7>", None),
    (b"<!-- <meta charset=gbk> --><meta charset=big5>", "big5"),
    (b"<!--><meta charset=gbk>-->", "gbk"),
    (b"<!-- <meta charset=gbk>", None),
    (b"<p title='<meta charset=gbk>'><meta charset=big5>", "big5"),
    (b"</p title='<meta charset=gbk>'><meta charset=big5>", "big5"),
    (b"<!doctype html '><meta charset=gbk>", "gbk"),
    (b"<? x='><meta charset=gbk>", "gbk"),
    (b"<title><meta charset=gbk></title>", "gbk"),
    (b"<metamorph charset=gbk>", None),
    (b"<meta charset=gbk", None),
    (b"<meta charset='gbk>", None),
    (b"<meta =x charset=gbk>", "gbk"),
    (b"a < b <meta charset=gbk>", "gbk"),
    (b"<?xml version='1.0' encoding='gbk'?><html>", "gbk"),
    (b"<?xml version='1.0' encoding='gbk'?><meta charset=big5>", "big5"),
    (b" " * (PRESCAN - 20) + b"<meta charset=gbk>", "gbk"),
    (b" " * (PRESCAN - 10) + b"<meta charset=gbk>", None),
    ("<?xml encoding='x'?>".encode("utf-16-le"), "utf-16le"),
    ("<?xml encoding='x'?>".encode("utf-16-be"), "utf-16be"),
]


@pytest.mark.parametrize(("first", "encoding"), HTML)
def test_a_page_declares_its_encoding(first: bytes, encoding: str | None) -> None:
    assert declared_html(first) == encoding


@pytest.mark.parametrize(
    ("first", "encoding"),
    [
        (b'<?xml version="1.0" encoding="UTF-8"?>', "utf-8"),
        (b"<?xml version='1.0' encoding\n=\t'Shift_JIS'?>", "shift_jis"),
        (b"<?xml version='1.0' encoding='utf-16'?>", "utf-8"),
        (b"<?xml version='1.0'?><a encoding='gbk'/>", None),
        (b"<?xml encoding=gbk?>", None),
        (b"<?xml encoding='gbk", None),
        (b" <?xml encoding='gbk'?>", None),
        (b"<meta charset=gbk>", None),
    ],
)
def test_an_xml_declaration_names_it(first: bytes, encoding: str | None) -> None:
    assert declared_xml(first) == encoding


PIECES = st.sampled_from(
    [
        b"<",
        b">",
        b"<meta ",
        b"charset",
        b"=",
        b"'",
        b'"',
        b"gbk",
        b"<!--",
        b"-->",
        b" ",
        b"/",
        b"<p ",
        b"</",
        b"<?xml",
        b"http-equiv",
        b"content",
        b"\0",
        b"\xff",
    ]
)


@given(st.lists(PIECES, max_size=60).map(b"".join))
def test_no_beginning_raises_or_runs_on(first: bytes) -> None:
    assert declared_html(first) is None or isinstance(declared_html(first), str)


BEGINNINGS = st.sampled_from(
    [b"<!doctype html>", b'<!DOCTYPE html PUBLIC "a">', b"<html>", b'<html lang="fr" dir="ltr">', b"<html lang=fr>", b'<html a="<meta">', b"<head>",
     b"<head x>", b"\n ", b"<meta charset=utf-8>", b'<META CHARSET="windows-1252" />', b"<meta charset=gbk/>", b"<meta charset='big5'>", b'"',
     b'<meta charset="nonsense">', b'<meta charset="utf-16">', b'<meta charset="x-user-defined">', b"<meta charset=sjis x>", b"<meta", b">", b"<!-- -->"]
)  # fmt: skip


@given(st.lists(BEGINNINGS, max_size=8).map(b"".join))
def test_the_short_way_for_usual_beginnings_finds_what_the_long_one_finds(first: bytes) -> None:
    module._first_meta.cache_clear()
    short = declared_html(first), declared_plainly(first)
    module._first_meta.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_COMMON_START", re.compile(b"(?!)"))
        assert (declared_html(first), declared_plainly(first)) == short
    module._first_meta.cache_clear()


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
