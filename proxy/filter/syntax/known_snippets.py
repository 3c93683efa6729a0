"""The snippets that stand on most pages, known at a glance by the text their provider publishes.

It changes only speed: what is not known here is read from its code (script_effects.py). Blanks
are left out, as optimizers move them.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from proxy.filter.syntax.javascript import code_of, is_plain_data

LONGEST: Final = 16_384
"""Characters of the longest script that is looked at."""

_GTM: Final = re.compile(  # as Google prints it, blanks aside
    r"(?:<!--[^;(]{0,40}-->)?\(function\(w,d,s,l,i\)\{w\[l\]=w\[l\]\|\|\[\];w\[l\]\.push\(\{'gtm\.start':newDate\(\)\.getTime\(\),"
    r"event:'gtm\.js'\}\);varf=d\.getElementsByTagName\(s\)\[0\],j=d\.createElement\(s\),dl=l!='dataLayer'\?'&l='\+l:'';"
    r"j\.async=true;j\.src='(?:https?:)?//[\w.-]++/gtm\.js\?id='\+i\+dl(?:\+'[^']*+')?+;"
    r"f\.parentNode\.insertBefore\(j,f\);?+\}\)\(window,document,'script','\w++','[\w-]++'\);?+"
)
_ANALYTICS: Final = re.compile(
    r"\(function\(i,s,o,g,r,a,m\)\{i\[['\"]GoogleAnalyticsObject['\"]\]=r;i\[r\]=i\[r\]\|\|function\(\)\{"
    r"\(i\[r\]\.q=i\[r\]\.q\|\|\[\]\)\.push\(arguments\)\},i\[r\]\.l=1\*newDate\(\);a=s\.createElement\(o\),"
    r"m=s\.getElementsByTagName\(o\)\[0\];a\.async=1;a\.src=g;m\.parentNode\.insertBefore\(a,m\)\}\)"
    r"\(window,document,['\"]script['\"],['\"](?:https?:)?//www\.google-analytics\.com/analytics\.js['\"],['\"]ga['\"]\);"
    r"(?:ga\((?:'[^']*+'|\"[^\"]*+\"|[\w,.:{}])*+\);?+)*+"
)
_CALLS = r"\((?:'[^']*+'|\"[^\"]*+\"|[\w,.:{}])*+\);?+"
_META: Final = re.compile(
    re.escape(
        "!function(f,b,e,v,n,t,s){if(f.fbq)return;n=f.fbq=function(){n.callMethod?n.callMethod.apply(n,arguments):"
        "n.queue.push(arguments)};if(!f._fbq)f._fbq=n;n.push=n;n.loaded=!0;n.version='2.0';n.queue=[];"
        "t=b.createElement(e);t.async=!0;t.src=v;s=b.getElementsByTagName(e)[0];s.parentNode.insertBefore(t,s)}"
    )
    + r"\(window,document,'script','(?:https:)?+//connect\.facebook\.net/\w++/fbevents\.js'\);?+"
    + rf"(?:fbq{_CALLS})*+"
)
_HOTJAR: Final = re.compile(
    re.escape("(function(h,o,t,j,a,r){h.hj=h.hj||function(){(h.hj.q=h.hj.q||[]).push(arguments)};")
    + r"h\._hjSettings=\{hjid:\d++,hjsv:\d++\};"
    + re.escape(
        "a=o.getElementsByTagName('head')[0];r=o.createElement('script');r.async=1;"
        "r.src=t+h._hjSettings.hjid+j+h._hjSettings.hjsv;a.appendChild(r);})"
    )
    + r"\(window,document,'(?:https:)?+//static\.hotjar\.com/c/hotjar-','\.js\?sv='\);?+"
)
_BY_WORD: Final = {
    "gtm.start": _GTM,
    "GoogleAnalyticsObject": _ANALYTICS,
    "fbevents": _META,
    "_hjSettings": _HOTJAR,
}
"""The four by a word that each has in it."""

_SHORT: Final = 1_500  # characters of these four

_LOADER: Final = re.compile(r"!\(?function")
_CONFIG: Final = re.compile(r"\}\)?\(\s*+(?:window,\s*+document,\s*+)?+(?=\{)")
_INSIGHTS: Final = (
    frozenset(  # SHA-256 of the loader, the first half, by generation as Microsoft's pages name it
        {
            "1e7d15024358a3bd67265b2a08d3a69b",  # 10
            "9e09212148e19077547764152c3b5b6b",  # 10, as its page prints it
            "760d820be522dafac38a03e53926becd",  # 5
            "d8d962b87342339f1f0f52c3b81d3cf2",  # 4, with version 2 of the library
            "a9f8128c1a0cdd09abe304551adffc1c",  # package 1.1.0
            "4659f2e4519e39f15b303be4a104ff82",  # package 1.2.1
        }
    )
)


def is_known_snippet(text: str) -> bool:
    """True for a snippet as its provider prints it, with the identifiers of any site."""
    if len(text) < _SHORT:
        patterns = [pattern for word, pattern in _BY_WORD.items() if word in text]
        dense = "".join(text.split()) if patterns else ""
        return any(pattern.fullmatch(dense) for pattern in patterns)
    return "appInsightsSDK" in text and len(text) <= LONGEST and _is_insights(text)


def _is_insights(text: str) -> bool:
    """True for Application Insights' loader, called with settings that are data only."""
    begins = _LOADER.search(text)
    ends = [match.end() for match in _CONFIG.finditer(text)]
    if begins is None or not ends:
        return False
    loader = "".join(text[begins.start() : ends[-1]].split())
    if hashlib.sha256(loader.encode("utf-8", "surrogateescape")).hexdigest()[:32] not in _INSIGHTS:
        return False
    return code_of(text[: begins.start()]) in ("", " ") and is_plain_data("(" + text[ends[-1] :])
