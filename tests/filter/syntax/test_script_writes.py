"""Which names an inline script would write, as far as they are written out."""

import pytest

from proxy.filter.syntax.script_writes import MOST, Write, WriteKind, writes


def cookie(line):
    return Write(WriteKind.COOKIE, line)


def key(name):
    return Write(WriteKind.KEY, name)


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("document.cookie = 'acme=1; path=/'", [cookie("acme=1; path=/")]),
        (
            "window.document.cookie='acme=' + id(1, 'x') + '; max-age=99'\ncall('c=1')",
            [cookie("acme=; max-age=99")],
        ),
        ("if (a) { document.cookie = `acme=1` }", [cookie("acme=1")]),
        ("document.cookie = 'acme=1'; document.cookie = 'acme=2'", [cookie("acme=1")]),
        ("localStorage.setItem('k', 1); window.sessionStorage.setItem(\"m\", 2)", [key("k"), key("m")]),
        ("indexedDB.open('db', 3)", [key("db")]),
        ("localStorage.setItem('k' + n, 1); localStorage.setItem(n, 'k')", []),
        ("document.cookie = name + '=1'", []),
        ("document.cookie = 'acme' + n + '=1'", []),
        ("if (document.cookie == 'acme=1' || document.cookie === 'b=1') x()", []),
        ("// document.cookie = 'acme=1'\n/* localStorage.setItem('k', 1) */", []),
        ("say('document.cookie=1'); var t = \"localStorage.setItem('k', 1)\"", []),
        ("my.document.cookie = 'acme=1'", []),
    ],
)
def test_names_that_are_literals_are_found_and_nothing_else(script, found):
    assert writes(script) == found


def test_the_name_of_a_cookie_is_what_stands_before_the_sign():
    assert [one.name for one in writes("document.cookie=' acme=1=2'; localStorage.setItem('a=b', 1)")] == [
        "acme",
        "a=b",
    ]


def test_so_many_names_are_read():
    assert len(writes("".join(f"document.cookie='n{n}=1';" for n in range(2 * MOST)))) == MOST
