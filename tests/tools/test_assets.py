import pytest

from tests.banner.npm import installed
from tools.assets import BUILT, build, joined, minified, pieces


def test_one_file_is_built_for_each_set_of_parts():
    text = "a;\n// only with one\nb;\n// end\n// only with two\nc;\n// end\n// only without one\nd;\n// end\ne;\n"

    assert {name: code.split() for name, code in pieces("x.js", text).items()} == {
        "x.js": ["a;", "d;", "e;"],
        "x-one.js": ["a;", "b;", "e;"],
        "x-two.js": ["a;", "c;", "d;", "e;"],
        "x-one-two.js": ["a;", "b;", "c;", "e;"],
    }


def test_a_source_made_of_parts_becomes_a_file_for_each():
    text = "// for all\n\n// for a.test\na;\n// end\n// for nothing: a word on it\nb;\n// end\n"

    assert pieces("x.js", text.partition("\n\n")[2]) == {"x-a.test.js": "a;\n", "x-nothing.js": "b;\n"}


def test_a_style_sheet_becomes_a_file_for_each_part_without_its_comments():
    text = "/* @part of a comment */\n@part one\na { b: c }\n@part two\n/* x */d { e: f }\n"

    assert pieces("x.css", text) == {"x-one.css": "a { b: c }\n", "x-two.css": "d { e: f }\n"}


def test_a_script_without_parts_is_one_file():
    assert pieces("x.js", "a;\n") == {"x.js": "a;\n"}


@pytest.mark.e2e
def test_a_build_gives_what_is_in_the_tree():
    built = build(installed("esbuild") / "bin" / "esbuild")

    assert built == {path.name: path.read_text(encoding="utf-8") for path in BUILT.iterdir()}


@pytest.mark.e2e
@pytest.mark.parametrize("code", ["if (a < b) c();", "a && b;", 'a("\\u003c");', "a(/[[a]]>/);"])
def test_a_script_that_xml_reads_otherwise_is_not_built(code):
    with pytest.raises(ValueError, match="is not the same in XML"):
        minified("x.js", code, installed("esbuild") / "bin" / "esbuild")


@pytest.mark.e2e
def test_a_script_that_is_none_is_not_built():
    with pytest.raises(ValueError, match=r"x\.js: .*Unexpected"):
        minified("x.js", "let = ;", installed("esbuild") / "bin" / "esbuild")


@pytest.mark.parametrize(
    ("code", "short"),
    [
        ("let a=1;let b=2;c();let d=3;let{e}=f", "let a=1,b=2;c();let d=3,{e}=f"),
        ("let a=()=>{let x=1;let y;return 1};let b", "let a=()=>{let x=1,y;return 1},b"),
        ("if(x){let a=1;y()}z();let q=1;let r", "if(x){let a=1;y()}z();let q=1,r"),
        ("if(x){y()}let c=1;let d;for(let e of f){}let g", "if(x){y()}let c=1,d;for(let e of f){}let g"),
        ("let a='x;let ';b();let c=/;let /;let d=`;let `", "let a='x;let ';b();let c=/;let /,d=`;let `"),
        ("x=function(){};let y;outlet=1;let z", "x=function(){};let y;outlet=1;let z"),
    ],
)
def test_declarations_behind_each_other_become_one_and_nothing_else_changes(code, short):
    assert joined(code) == short
