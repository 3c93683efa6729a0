"""Inputs made to be expensive, each of any size: shared by the test that counts and the bench that times."""

import re
from re import _constants, _parser

HOSTILE = {
    "unclosed tag": lambda n: b"<a " + b"b " * (n // 2),
    "huge attribute": lambda n: b'<img alt="' + b"x" * n + b'">',
    "huge code attribute": lambda n: b'<script src="data:text/javascript,' + b"x" * n + b'"></script>',
    "many <": lambda n: b"<" * n,
    "many <!--": lambda n: b"<!--" * (n // 4),
    "comment of dashes": lambda n: b"<!-" + b"-" * n,
    "nested noscript": lambda n: b"<noscript>" * (n // 10),
    "stray end tags": lambda n: b"</p></svg></math>" * (n // 17),
    "unclosed script": lambda n: b"<script>" + b"<!-- <script> </scrip " * (n // 22),
    "white space": lambda n: b"<a" + b" " * n + b">",
    "white space between": lambda n: b"<a x" + b" " * n,
    "quotes": lambda n: b"<a x='" + b"\"'" * (n // 2),
    "closers in a value": lambda n: b'<a title="' + b">" * n,
    "entities": lambda n: b'<img src="' + b"&amp;&#47;" * (n // 10) + b'">',
    "srcdoc in srcdoc": lambda n: b"<iframe srcdoc='" * 40 + b"x" * n,
    "svg in svg": lambda n: b"<body>" + b"<svg>" * (n // 5),
    "svg and desc": lambda n: b"<body>" + b"<svg><desc>" * (n // 11),
    "svg unclosed shapes": lambda n: b"<body>" + b"<svg><path d=''>" * (n // 16),
    "mathml points": lambda n: b"<body>" + b"<math><mi><mglyph>" * (n // 18),
    "scripts in svg": lambda n: b"<body><svg>" + b"<script>" * (n // 8),
    "cdata in svg": lambda n: b"<body><svg>" + b"<![CDATA[" * (n // 9),
    "style of urls": lambda n: b"<style>" + b"a{b:url(//x" * (n // 11),
    "style of quotes": lambda n: b"<style>" + b"\"//'" * (n // 4),
    "style of stars": lambda n: b"<style>//" + b"/*" * (n // 2),
    "srcset of commas": lambda n: b'<img srcset="' + b",a" * (n // 2) + b'">',
    "srcset of blanks": lambda n: b'<img srcset="' + b", " * (n // 2) + b'">',
    "script of one name": lambda n: b"<script>StatsQueue;" + b"a" * n + b":1</script>",
    "srcset of brackets": lambda n: b'<img srcset="' + b"a (b, " * (n // 6) + b'">',
    "import map of quotes": lambda n: b"<script type=importmap>" + b':"\\"' * (n // 4) + b"</script>",
    "many bodies": lambda n: b"<!doctype html><body>" + b"</body>" * (n // 7),
    "many templates": lambda n: b"<!doctype html>" + b"<template>" * (n // 10),
    "doctypes": lambda n: b"<!doctype html>" * (n // 15),
    "classes": lambda n: b'<p class="' + b"calendly " * (n // 9) + b'">',
    "one attribute": lambda n: b"<p " + b"rel=a " * (n // 6) + b">",
    "many handlers": lambda n: b"<p " + b"".join(b"on%d=a " % at for at in range(n // 9)) + b">",
    "handlers": lambda n: b"<p " + b"onclick=a " * (n // 10) + b">",
    "unterminated string in a handler": lambda n: (
        b"<a onclick='Calendly.initPopupWidget(\"" + b'\\"' * (n // 2) + b"'>"
    ),
    "type of spaces": lambda n: b'<script type="math/' + b" " * n + b'!"></script>',
    "script of quotes": lambda n: b"<script>StatsQueue(" + b"\"'`/*" * (n // 5) + b"</script>",
    "script of slashes": lambda n: b"<script>StatsQueue;" + b"(/[" * (n // 3) + b"</script>",
    "script of names": lambda n: b"<script>StatsQueue;" + b"a. a[b] c " * (n // 10) + b"</script>",
    "script of calls": lambda n: b"<script>StatsQueue" + b".a(" * (n // 6) + b")" * (n // 6) + b"</script>",
    "script of functions": lambda n: (
        b"<script>StatsQueue;" + b"function a(b){c=b}" * (n // 18) + b"</script>"
    ),
    "plain": lambda n: b"<p>text</p>" * (n // 11),
}


def backtracks(pattern: re.Pattern[str]) -> bool:
    """True for a pattern with a repetition that may give back what it took: none may be tried twice."""

    def within(part: object) -> bool:
        if isinstance(part, tuple) and part and part[0] in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
            return True
        return isinstance(part, tuple | list | _parser.SubPattern) and any(map(within, part))

    return within(_parser.parse(pattern.pattern, pattern.flags))
