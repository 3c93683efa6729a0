"""A lexer for inline scripts: what is code, and what stands inside its strings.

It finds strings, templates, comments and regular expressions in one possessive pass (CWE-1333),
and says so where it is unsure. It builds no tree: what is read from the code is which names a
script calls and assigns.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from typing import Final

_COMMENT = r"//[^\n\r]*+|/\*(?:[^*]++|\*(?!/))*+(?:\*/)?+|<!--[^\n\r]*+|(?<=\n)-->[^\n\r]*+"
_PATTERN = (  # what a slash begins where no value stands before it; at most 200 characters
    r"(?:[(,=:\[!&|?{};+*%~^<>-]|\b(?:return|typeof|case|in))\s*+"
)
_PATTERN_ITSELF = r"/(?![*/])(?:[^\\/\n\r]|\\.){1,200}+/"
_DOUBLE = r"(?:[^\"\\\n\r]++|\\(?:\r\n|.))*+"
_SINGLE = r"(?:[^'\\\n\r]++|\\(?:\r\n|.))*+"
_TEMPLATE = r"(?:[^`\\$]++|\\.|\$(?!\{)|\$\{(?:[^{}`\"'/$]++|\"[^\"\n]*+\"|'[^'\n]*+')*+\})*+"

_BLANKED: Final = re.compile(
    rf"{_COMMENT}|({_PATTERN}){_PATTERN_ITSELF}|([\"'`])"
    rf"(?:(?<=\"){_DOUBLE}|(?<='){_SINGLE}|(?<=`){_TEMPLATE})([\"'`]?+)",
    re.DOTALL,
)
_TEXTS: Final = re.compile(
    rf"{_COMMENT}|{_PATTERN}{_PATTERN_ITSELF}|\"({_DOUBLE})\"?+|'({_SINGLE})'?+|`({_TEMPLATE})`?+", re.DOTALL
)
_SPACES: Final = re.compile(r"\s++")
_PAIRS: Final = (("(", ")"), ("[", "]"), ("{", "}"))


def code_of(text: str) -> str | None:
    """Return a script without what is written inside its strings, and without comments.

    One blank stands for several, none beside a dot. None where a literal does not end or the
    brackets do not match: then nothing read from it would be sure.
    """
    code = _SPACES.sub(" ", _BLANKED.sub(r"\1\2\3", text)).replace(" .", ".").replace(". ", ".")
    left = code.replace('""', "").replace("''", "").replace("``", "")
    if '"' in left or "'" in left or "`" in left:
        return None
    if any(code.count(opens) != code.count(closes) for opens, closes in _PAIRS):
        return None
    return code


def strings_of(text: str) -> list[str]:
    """Return what is written inside a script's strings and templates, as it is written."""
    return [found for groups in _TEXTS.findall(text) if (found := "".join(groups))]


_PLAIN_CALL = (
    r"(?:\.\s*+(?:push|unshift|enqueue)|JSON\s*+\.\s*+parse|Object\s*+\.\s*+(?:freeze|assign)"
    r"|Symbol\s*+\.\s*+for|(?:new\s++)?+(?:Date|Map|Set|URL|RegExp|BigInt|Array|Number|String|Error)"
    r"|decodeURIComponent|unescape|atob)\s*+\("
)
_IMMEDIATE = r"function\s*+\([\w$\s,]*+\)\s*+\{|\([\w$\s,]*+\)\s*+=>\s*+\{"
_ACTS = (
    "function|class|import|export|new|await|yield|delete|with|eval|while|for|do|if|else|throw|try|switch|case"
)
_WORD = rf"(?!(?:{_ACTS})\b)[\w$\x80-\xff]++(?!\s*+[(`])"
_DATA: Final = re.compile(
    rf"(?:\"{_DOUBLE}\"|[\s\[{{,;:!|?&+-]++|{_PLAIN_CALL}|\.|{_WORD}|{_COMMENT}|'{_SINGLE}'"
    rf"|`(?:[^`\\$]++|\\.|\$(?!\{{))*+`|{_IMMEDIATE}|\](?!\s*+\()|\}}(?:\s*+\)?+\s*+\()?+|\)(?!\s*+\()"
    r"|\(|=(?!>))*+",
    re.DOTALL,
)
_CHAIN = r"(?<![\w$.\x80-\xff])[\w$\x80-\xff]++(?:\?{0,1}+\.[\w$]++|\[(?:\"\"|''|``|\d++)\])*+"
_TARGET: Final = re.compile(
    rf"({_CHAIN})[ ]?+(?:=(?![=>])|\|\|=|\?\?=|\()|([)\]](?:\.[\w$]++)++)[ ]?+(?:=(?![=>])|\()"
)
_READ: Final = re.compile(r"(?<![\w$])[\w$]++(?![ ]?+:)")
_QUOTED_TARGET: Final = re.compile(
    rf"(?<![\w$.\]])[\w$]++(?:\.[\w$]++|\[(?:\"{_DOUBLE}\"|'{_SINGLE}')\])++(?=\s*+=(?![=>]))", re.DOTALL
)
_COMPUTED: Final = re.compile(
    r"(?<!return)(?<=[\w$)\]])\[(?!Symbol\.for\()[A-Za-z_$]|[(,][ ]?+(?:window|self|document)[ ]?+[,)]"
)
_LOADING: Final = frozenset(
    {"src", "href", "srcdoc", "srcset", "innerHTML", "outerHTML", "cookie", "action", "data"}
)
_NAVIGATING: Final = frozenset({"location", "document"})


def data_names(text: str, providers: AbstractSet[str]) -> list[str] | None:
    """Return the names that a script of data assigns and calls; None for a script that does more.

    Data is assignments, pushes and JSON.parse over literals: it asks for nothing, whatever its
    strings say. A function counts only where it is called at once and itself holds data. What
    reads one of these names of providers is no data.
    """
    match = _DATA.match(text)
    if match is None or match.end() != len(text):
        return None
    code = code_of(text)
    if code is None or _COMPUTED.search(code):
        return None
    found = {one or other for one, other in _TARGET.findall(code)} - {"function"}
    if not found or any(_asks(name) for name in found):
        return None
    if not providers.isdisjoint(_READ.findall(_TARGET.sub("", code))):
        return None
    if '[""]' in code or "['']" in code:
        found |= {name for name in _QUOTED_TARGET.findall(text) if "[" in name}
    return sorted(found)


def is_plain_data(text: str) -> bool:
    """True for literals alone: nothing in them assigns, and no function has a name."""
    match = _DATA.match(text)
    if match is None or match.end() != len(text):
        return False
    code = code_of(text)
    return code is not None and "=" not in code.replace("=>", "") and "function" not in code


def _asks(name: str) -> bool:
    """True for a target whose value a browser may fetch, follow or run."""
    first, *others = name.split(".")
    if not _NAVIGATING.isdisjoint((first, *others)):
        return True
    return bool(others) and (others[-1] in _LOADING or others[-1].startswith("on"))
