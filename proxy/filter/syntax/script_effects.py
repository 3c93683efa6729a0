"""Whether an inline script is a provider's snippet and nothing else.

A snippet makes a loader and a queue and calls the provider. What a site's own code does
beyond that others may rely on: it defines functions, changes the document, calls code of the
site's. The first such effect makes a script the site's own; what is not recognised does, too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Final

from proxy.filter.syntax.javascript import code_of, strings_of
from proxy.filter.syntax.known_snippets import is_known_snippet

LONGEST: Final = 32 * 1024
"""Characters of a snippet's code, without its strings and comments; the longest published has 8,000."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MOST: Final = 50
"""Names nobody uses, and ends of addresses, whose place is looked for; a script with more is no snippet."""

_PROVIDERS: Final = _words(
    """
    dataLayer gtag ga _gaq _gat __gaTracker __gtagTracker urchinTracker _uacct GoogleAnalyticsObject
    gaplugins google_tag_manager google_tag_data google_conversion_id gaJsHost pageTracker hbspt
    _hsq _hsp hsConversationsSettings HubSpotConversations hsFormsOnReady hsConversationsOnReady
    leadin_wordpress hsCallsToActionsReady disableHubSpotCookieBanner Calendly appInsights
    appInsightsSDK Microsoft aiPolicy fbq _fbq hj _hjSettings clarity lintrk _linkedin_partner_id
    _linkedin_data_partner_ids _linkedin_data_partner_id ttq TiktokAnalyticsObject _paq _mtm Piwik
    Matomo piwik_translations twq pintrk snaptr rdt uetq UET mixpanel amplitude heap posthog
    analytics intercomSettings Intercom drift $crisp CRISP_WEBSITE_ID Tawk_API Tawk_LoadStart ym
    plausible fathom _sf_async_config optimizely criteo_q _tfa obApi qp wpml_cookies OneSignal
    klaviyo _learnq DD_RUM Sentry newrelic Raygun _klOnsite FS _fs_host _fs_script __CF$cv$params
    """
)
"""Names of providers' queues and functions."""

_PROVIDER_NAME: Final = re.compile(
    r"google_\w+|_hj\w*|_linkedin\w*|ai[A-Z]\w*|_fs_\w+|hs[A-Z]\w*|hubspot\w*|ga_?\w*|gtm\w*", re.IGNORECASE
)
_FILES: Final = re.compile(
    r"/(?:gtm|analytics(?:\.min)?|ga|urchin|fbevents|matomo|piwik|ai\.[\w.]+|insight(?:\.min)?)\.js|/gtag/js|@microsoft/applicationinsights"
)

_FUNCTIONS: Final = _words(
    """
    if for while switch catch function return typeof new void delete in of await async instanceof
    with setTimeout setInterval clearTimeout clearInterval requestIdleCallback encodeURIComponent
    decodeURIComponent encodeURI escape unescape parseInt parseFloat isNaN Date Image XMLHttpRequest
    XDomainRequest Promise URL URLSearchParams Error RegExp Array Object String Number Boolean Math
    JSON MutationObserver IntersectionObserver addEventListener attachEvent fetch btoa atob Symbol
    Uint8Array requestAnimationFrame import super
    """
)
_METHODS: Final = _words(
    """
    push unshift pop shift splice apply call bind concat slice join split indexOf lastIndexOf
    includes match test exec replace replaceAll toLowerCase toUpperCase substring substr charAt
    charCodeAt trim startsWith endsWith toString forEach map filter some every reduce find keys
    values entries sort reverse length fill from isArray hasOwnProperty assign freeze defineProperty
    createElement createTextNode getElementsByTagName getElementById getElementsByClassName
    querySelector querySelectorAll appendChild insertBefore append prepend before after setAttribute
    getAttribute hasAttribute insertAdjacentElement addEventListener removeEventListener attachEvent
    detachEvent write writeln open send setRequestHeader sendBeacon getTime now toISOString toFixed
    floor random round parse stringify getUTCFullYear getUTCMonth getUTCDate getUTCHours
    getUTCMinutes getUTCSeconds getUTCMilliseconds getTimezoneOffset then catch finally observe
    disconnect log warn error info debug abs ceil pow trunc max min getItem json text createPolicy
    createScriptURL
    """
)
_CHANGES: Final = _words(
    """
    innerHTML outerHTML textContent innerText className hidden value checked disabled style
    classList scrollTop selected display visibility
    """
)
_LOADER: Final = _words("src async defer type id crossOrigin charset nonce integrity width height")
_CALLBACK: Final = re.compile(r"_?on[A-Za-z]\w*|_?track[A-Z]\w*|add[A-Z]\w*Initializer")
_HANDLERS: Final = re.compile(r"on(?:load|error|readystatechange|pageshow)")
_WINDOWS: Final = frozenset({"window", "self", "globalThis", "this"})
_DOCUMENTS: Final = frozenset({"document", "window.document"})
_WINDOW: Final = ("window", "self", "globalThis", "top", "parent", "this")

_CHAIN = r"(?<![\w$.\x80-\xff#])(?:[\w$\x80-\xff]++(?:\??\.[\w$]++)*+|(?<=[)\]])(?:\??\.[\w$]++)++)"
_CALL: Final = re.compile(rf"({_CHAIN}) ?\(|[)\]\"'`]\??\.([\w$]++)(?:\.([\w$]++))*+ ?\(")
_SET: Final = re.compile(rf"({_CHAIN}) ?(?:[|&?]{{2}}|[-+*/])?=(?![=>])|({_CHAIN}) ?(?:\+\+|--)")
_SET_BEHIND: Final = re.compile(r"[)\]]((?:\.[\w$]++)++) ?[-+]?=(?![=>])")
_DECLARED: Final = re.compile(r"\b(?:function\*?|class|const|let|var) ([\w$]++)")
_DEFINED: Final = re.compile(r"(?<![(,!=:] )(?<![(,!=:])\b(?:function\*?|var|let|const) ([\w$]++)")
_LISTED: Final = re.compile(r"[,({ ]([\w$]++)(?=[,=);])")
_PARAMETERS: Final = re.compile(
    r"\bfunction\*? ?[\w$]*+\(([\w$, ]*+)\)|\(([\w$, ]*+)\) ?=>|(?<![\w$])([\w$]++) ?=>"
    r"|\bcatch ?\(([\w$]++)\)"
)
_APPLIED: Final = re.compile(r"\bfunction\*? ?[\w$]*+\(([\w$, ]*+)\)|\(([\w$, ]*+)\) ?=>")
_ARGUMENTS: Final = re.compile(r"\}\)? ?\(([\w$.,\"' ]*+)")
_COPIED: Final = re.compile(r"(?<![\w$])([\w$]++) ?= ?(window|self|globalThis|this|document)(?![\w$.])")
_KEYS: Final = re.compile(r"[{,] ?[\"']?([\w$]++)[\"']? ?:")
_IMPORTED: Final = re.compile(r"\bimport\b[^\"'`();]{0,400}+\(? ?([\"'`])")
_IMPORTS: Final = re.compile(r"\bimport ([\w$*{}, ]{1,400}?) ?from\b")
_NAMES: Final = re.compile(r"[\w$\x80-\xff]++")
_FLAGGED: Final = re.compile(r"=\s?(?:true|false|!0|!1|0|1)(?![\w.])")
_BRACKETS: Final = re.compile(r"[()]")
_OWN_FILE: Final = re.compile(r"(?:https?:)?/[^\s\"'<>?#]*\.(?:m?js|css)(?:[?#].*)?|\.{1,2}/.*", re.DOTALL)
_FETCHED: Final = re.compile(r"\b(?:fetch|sendBeacon)\s*+\(\s*+[\"'`]/(?!/)")
_QUEUED: Final = "push(arguments)"
_QUEUE: Final = re.compile(r"(?<![\w$])([\w$]++)(?:\.[\w$]++)?+ ?= ?(?:[\w$.]++ ?\|\| ?)?+(?:function|\()")
_LOADERS: Final = re.compile(
    r"createElement|\.src=|\bwrite(?:ln)?\(|\bimport\b|\bImage\b|sendBeacon|\bfetch\("
)


def own_effect(text: str, is_providers: Callable[[str], bool]) -> str | None:
    """Return the first effect that makes a script the site's own; None for a provider's snippet.

    `is_providers` tells of a string or a name whether the rules know it as a provider's.
    """
    if is_known_snippet(text):
        return None
    code = code_of(text)
    if code is None:
        return "not read to its end"
    if len(code) > LONGEST:
        return "longer than any snippet"
    return _Reading(text, code, is_providers).effect()


class _Reading:
    """One script while its effects are looked for."""

    def __init__(self, text: str, code: str, is_providers: Callable[[str], bool]) -> None:
        self.text = text
        self.asked = 0
        self.strings = [string.replace("\\/", "/") for string in strings_of(text)]
        self.is_providers = is_providers
        self.known: dict[str, bool] = {}  # names, by whether they are a provider's
        quoted = {s for s in self.strings if _NAMES.fullmatch(s)}
        queues = self._queues(code)
        called = {name for name, _, _ in _CALL.findall(code)}
        self.own_providers = queues | (quoted & called)
        self.code = self._without_arguments(code)
        self.counts = Counter(_NAMES.findall(code))
        self.declared = self._declared()
        self.assigned = [one or other for one, other in _SET.findall(self.code)]
        self.locals = self.declared | set(self.assigned)
        handed = self._handed()
        self.windows = {*_WINDOW, *(name for name, value in handed if value in _WINDOWS)}
        self.documents = {"document", *(name for name, value in handed if value in _DOCUMENTS)}
        self.members = set(_KEYS.findall(self.code))
        for chain in self.assigned:
            self.members.update(chain.split(".")[1:])
        for chain in _SET_BEHIND.findall(self.code):
            self.members.update(chain.split("."))

    def _queues(self, code: str) -> set[str]:
        """Return the names of functions that only put their calls into a queue."""
        found, at = set(), code.find(_QUEUED)
        while at >= 0:
            found.update(_QUEUE.findall(code, max(0, at - 120), at)[-1:])
            at = code.find(_QUEUED, at + 1)
        return found

    def effect(self) -> str | None:
        """Return the first effect of the site's own."""
        return (
            self._files() or self._declarations() or self._assignments() or self._calls() or self._evidence()
        )

    def _is(self, name: str) -> bool:
        found = self.known.get(name)
        if found is None:
            found = name in _PROVIDERS or name in self.own_providers
            found = found or _PROVIDER_NAME.fullmatch(name) is not None or self.is_providers(name)
            self.known[name] = found
        return found

    def _names_provider(self, chain: str) -> bool:
        return self.is_providers(chain) or any(map(self._is, chain.split(".")))

    def _without_arguments(self, code: str) -> str:
        """Return the code less what is handed to a provider's function: it runs only with it."""
        out, at = [], 0
        for match in _CALL.finditer(code):
            if match.start() < at or not match[1] or not any(map(self._is, match[1].split("."))):
                continue
            depth = 0
            for bracket in _BRACKETS.finditer(code, match.end() - 1):
                depth += 1 if bracket[0] == "(" else -1
                if not depth:
                    if not code.startswith(("{", " {"), bracket.end()):  # a definition is no call
                        out.append(code[at : match.end()])
                        at = bracket.start()
                    break
        return "".join([*out, code[at:]])

    def _declared(self) -> set[str]:
        found = {
            name for groups in _PARAMETERS.findall(self.code) for group in groups for name in group.split(",")
        }
        clauses = _IMPORTS.findall(self.code) if "import" in self.code else ()
        imported = {name for clause in clauses for name in _NAMES.findall(clause)}
        found = {name.strip() for name in found} | imported
        return found | set(_DECLARED.findall(self.code)) | set(_LISTED.findall(self.code))

    def _handed(self) -> list[tuple[str, str]]:
        """Return the parameters of the outermost function with what is handed to each, and copies."""
        heads = _APPLIED.search(self.code)
        names = [name.strip() for name in (heads[1] or heads[2] or "").split(",")] if heads else []
        given = [match[1].split(",") for match in _ARGUMENTS.finditer(self.code)]
        pairs = [pair for arguments in given for pair in zip(names, arguments, strict=False)]
        return [(name, value.strip()) for name, value in [*pairs, *_COPIED.findall(self.code)] if name]

    def _files(self) -> str | None:
        for string in self.strings:
            own = _OWN_FILE.fullmatch(string) and not (self.is_providers(string) or _FILES.search(string))
            if own and not self._is_the_end_of_another(string):
                return f"loads {string[:60]}"
        if ("fetch" in self.text or "sendBeacon" in self.text) and _FETCHED.search(self.text):
            return "asks the site itself"
        imports = [m.end() for m in _IMPORTED.finditer(self.text)] if "import" in self.text else []
        for at in imports:
            name = self.text[at : at + 200].partition(self.text[at - 1])[0]
            if not (self.is_providers(name) or _FILES.search(name)):
                return f"imports {name[:60]}"
        return None

    def _is_the_end_of_another(self, string: str) -> bool:
        """True for `'/1.js'` in `'//a.example/' + day + '/1.js'`."""
        self.asked += 1
        if self.asked > MOST:
            return False
        at = max(self.text.find(quote + string) for quote in "'\"`")  # one written with escapes is not found
        return self.text[max(0, at - 3) : max(0, at)].rstrip().endswith("+")

    def _declarations(self) -> str | None:
        if "export " in self.code or "export{" in self.code or "class " in self.code:
            return "defines what others use"
        for match in _DEFINED.finditer(self.code):
            name = match[1]
            if self.counts[name] < 2 and not self._is(name) and self._is_outermost(match.start()):
                return f"defines {name}"
        return None

    def _is_outermost(self, at: int) -> bool:
        """True for what stands in no function, so that other scripts see it."""
        self.asked += 1
        return self.asked > MOST or self.code.count("{", 0, at) == self.code.count("}", 0, at)

    def _assignments(self) -> str | None:
        for chain in dict.fromkeys(self.assigned):
            if not self._names_provider(chain) and (effect := self._assignment(chain)):
                return effect
        for chain in _SET_BEHIND.findall(self.code):
            if not _CHANGES.isdisjoint(chain.split(".")):
                return f"changes the document ({chain[1:]})"
        return None

    def _assignment(self, chain: str) -> str | None:
        root, *names = chain.split(".")
        if root in self.windows and names:
            if root not in _WINDOW and names[-1] in _LOADER:  # a name used twice
                return None
            if len(names) > 1 or not _HANDLERS.fullmatch(names[0]):
                flag = len(names) == 1 and self.counts[names[0]] > 1 and _FLAGGED.search(self.code)
                return None if flag else f"assigns {chain}"
            return None
        if root in self.documents and names:
            return None if _HANDLERS.fullmatch(names[-1]) else f"assigns {chain}"
        if names and not _CHANGES.isdisjoint(names) and "async-hide" not in self.strings:
            return f"changes the document ({chain})"
        if not names and root not in self.declared and self.counts[root] < 2:
            return f"assigns {root}"
        return f"assigns {chain}" if names and root not in self.locals and root not in self.members else None

    def _calls(self) -> str | None:
        for chain, method, last in dict.fromkeys(_CALL.findall(self.code)):
            if not chain:
                if not self._knows(last or method):
                    return f"calls {last or method}()"
            elif not self._names_provider(chain) and (effect := self._call(chain)):
                return effect
        written = re.search(r"\bwrite(?:ln)?\(", self.code)
        loads = any(re.search(r"scr|<i(?:mg|frame)", s) for s in self.strings)
        return "writes into the document" if written and not loads else None

    def _call(self, chain: str) -> str | None:
        root, *names = chain.split(".")
        if root in self.windows and names:
            root, *names = names
        if not names:
            known = root in _FUNCTIONS or root in self.locals or root in self.own_providers
            return None if known else f"calls {root}()"
        return None if self._knows(names[-1]) or root == "console" else f"calls {chain}()"

    def _knows(self, method: str) -> bool:
        known = method in _METHODS or method in self.members or self._is(method)
        return known or _CALLBACK.fullmatch(method) is not None

    def _evidence(self) -> str | None:
        """A text that calls, defines or loads nothing of a provider's only names it."""
        if any(map(self._is, _NAMES.findall(self.code))) or self.is_providers(self.code):
            return None
        if _LOADERS.search(self.code) or "}(" in self.code.replace(")", ""):
            return None
        return "names a provider and does nothing with it"
