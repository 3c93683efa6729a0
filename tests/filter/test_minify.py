"""Small scripts made small, and still the same."""

import pytest

from proxy.filter.minify import squeeze


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("// a comment\nvar total = 1;\n", "var a=1;"),
        ("let one = 1, two = one + one;", "let a=1,b=a+a;"),
        ("(function (text) {\n  return text.text;\n})(TABLE);", "(function(a){return a.text})(TABLE);"),
        ("let twice = (first, second) => first + second;", "let c=(a,b)=>a+b;"),
        ("list.map(item => item * 2);", "list.map(a=>a*2);"),
        ("try { go(); } catch (error) {}", "try{go()}catch(a){}"),
        ("for (let i = 9; i--;) go(i);", "for(let a=9;a--;)go(a);"),
        ("let name = { name: name, other: name };", "let a={name:a,other:a};"),
        ('go("// no \\" comment", /\\/\\/ [/"] /g);', 'go("// no \\" comment",/\\/\\/ [/"] /g);'),
        ("let x = y / 2 / z / g;", "let a=y/2/z/g;"),
        ("let x = 1 + +y - -z;", "let a=1+ +y- -z;"),
        ("typeof x; return  y;", "typeof x;return y;"),
        ("let f = () => { go(); };", "let a=()=>{go()};"),
        ("let f = x ? y : z, y = 1;", "let b=x?a:z,a=1;"),
        ("let f = (first, ...rest) => go(first, ...rest);", "let c=(a,...b)=>go(a,...b);"),
        ("let x = [1, 2], y = { p: 1, q: 2 }, z = x;", "let a=[1,2],b={p:1,q:2},c=a;"),
    ],
)
def test_names_get_short_and_meanings_stay(source, expected):
    assert squeeze(source) == expected


def test_a_global_name_is_never_taken_by_a_local_one():
    assert squeeze("let local = a + b; go(c);") == "let d=a+b;go(c);"


def test_more_names_than_letters_are_no_trouble():
    source = "".join(f"let name{i} = {i};" for i in range(120))
    names = squeeze(source).split("let ")[1:]

    assert len({name.partition("=")[0] for name in names}) == 120
    assert not {name.partition("=")[0] for name in names} & {"do", "if", "in", "of"}


def test_what_it_cannot_read_it_does_not_guess():
    with pytest.raises(ValueError, match="cannot read"):
        squeeze('let x = "never closed;')
